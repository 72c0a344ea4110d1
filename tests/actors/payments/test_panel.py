"""How the message of an order follows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest

from actors.broadcast import messages as broadcast
from actors.kernel.ids import LetterId, MessageId
from actors.payments import panel
from actors.payments.orders import Order, State
from actors.payments.panel import BLOCKED_PATIENCE_SECONDS, REFUSED_PATIENCE_SECONDS
from runtime.testing import Probe
from tests.actors.payments.orders import NOON, charge, order, usd

SOON = NOON + timedelta(seconds=panel.SHOW_PATIENCE_SECONDS)


def shown(version: int = 1, message_id: int = 5, **changes: Any) -> Order:
    return order(
        view_version=version,
        shown_version=version,
        panel_message_id=MessageId(message_id),
        **changes,
    )


def receipt(
    letter: broadcast.Say | broadcast.Edit,
    reason: Literal["blocked", "gone", "refused", "unknown"],
) -> broadcast.Undelivered:
    return broadcast.Undelivered(
        letter_id=letter.letter_id, chat_id=letter.chat_id, reason=reason, detail=""
    )


def named(letter: broadcast.Say | broadcast.Edit) -> panel.Letter:
    found = panel.parts(letter.letter_id)
    assert found is not None
    return found


def test_only_what_looks_different_is_shown() -> None:
    before = shown()
    assert panel.raised(before, before, now=NOON) is before
    after = panel.raised(before, order(State.GRANTED, panel_message_id=MessageId(5)), now=NOON)
    assert (after.view_version, after.show_by) == (1, SOON)


def test_a_panel_is_edited_where_it_stands() -> None:
    letter = panel.letter(shown(3), Probe())
    assert isinstance(letter, broadcast.Edit)
    assert letter.message_id == 5
    assert named(letter) == panel.Letter(order().order_id, 3, MessageId(5))


@pytest.mark.parametrize("changes", [{"panel_message_id": None}, {"renew": True}])
def test_a_panel_comes_anew_where_there_is_none_or_it_must(changes: dict[str, Any]) -> None:
    letter = panel.letter(order(**({"panel_message_id": MessageId(5)} | changes)), Probe())
    assert isinstance(letter, broadcast.Say)
    assert named(letter) == panel.Letter(order().order_id, 0)


def test_a_newer_panel_makes_a_stray_of_the_older() -> None:
    again = panel.again(shown(), now=NOON, anew=True)
    after = panel.delivered(again, panel.Letter(order().order_id, 2), MessageId(9), now=NOON)
    assert (after.panel_message_id, after.stray_message_id) == (9, 5)
    assert (after.shown_version, after.renew, after.show_by) == (2, False, None)
    late = panel.delivered(after, panel.Letter(order().order_id, 1), MessageId(7), now=NOON)
    assert (late.panel_message_id, late.stray_message_id, late.shown_version) == (9, 7, 2)


def test_an_old_receipt_does_not_end_the_wait_for_the_newest() -> None:
    newest = panel.again(panel.again(shown(), now=NOON, anew=True), now=NOON)
    seen = panel.Letter(order().order_id, 2)
    after = panel.delivered(newest, seen, MessageId(9), now=NOON)
    assert after.unshown
    assert after.renew
    assert after.show_by == SOON


def test_who_waits_does_not_begin_to_wait_anew() -> None:
    first = panel.again(shown(), now=NOON)
    assert panel.again(first, now=NOON + timedelta(seconds=30)).show_by == SOON


@pytest.mark.parametrize("reason", ["gone", "refused"])
def test_a_panel_that_cannot_be_edited_comes_anew(reason: Literal["gone", "refused"]) -> None:
    waiting = panel.again(shown(), now=NOON)
    letter = panel.letter(waiting, Probe())
    after = panel.undelivered(waiting, named(letter), receipt(letter, reason), now=NOON)
    assert after.renew
    assert not panel.is_hopeless(after, named(letter))


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [("blocked", BLOCKED_PATIENCE_SECONDS), ("refused", REFUSED_PATIENCE_SECONDS)],
)
def test_what_cannot_be_shown_now_is_tried_later(
    reason: Literal["blocked", "refused"], seconds: int
) -> None:
    waiting = panel.again(order(), now=NOON)
    letter = panel.letter(waiting, Probe())
    after = panel.undelivered(waiting, named(letter), receipt(letter, reason), now=NOON)
    assert after.show_by == NOON + timedelta(seconds=seconds)
    assert panel.is_hopeless(after, named(letter))
    assert panel.waits_long(after.show_by, now=NOON)
    assert not panel.waits_long(waiting.show_by, now=NOON)
    assert not panel.waits_long(None, now=NOON)


@pytest.mark.parametrize("state", [State.PAID, State.REFUNDED])
def test_goods_that_did_not_arrive_are_brought_later_if_they_are_still_due(state: State) -> None:
    paid = order(state, charge(), sold=usd("10"), paid_at=NOON, deliver_by=NOON)
    letter = panel.goods(paid, Probe())
    assert named(letter) == panel.Letter(paid.order_id, None)
    assert letter.repeat
    after = panel.undelivered(paid, named(letter), receipt(letter, "refused"), now=NOON)
    later = NOON + timedelta(seconds=REFUSED_PATIENCE_SECONDS)
    assert after.deliver_by == (later if state is State.PAID else None)


@pytest.mark.parametrize("name", ["7:3", "p:12", "p:12:help", "", "o", "o:1"])
def test_a_letter_of_no_order_is_known_as_such(name: str) -> None:
    assert panel.parts(LetterId(name)) is None
