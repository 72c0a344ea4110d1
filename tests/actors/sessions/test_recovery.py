"""Nothing is lost and nothing happens twice: restarts, crashes and outages at every point."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.kernel.failures import Conflict, Unavailable
from actors.sessions import messages as sessions
from actors.sessions.flow import ATTEMPT_SECONDS, FORM_SECONDS
from actors.sessions.model import State
from actors.sessions.panel import REFUSED_PATIENCE_SECONDS, SHOW_PATIENCE_SECONDS
from tests.actors.sessions.shop import IDLE_SECONDS, Shop

STORY = ["start", "language", "name", "contact", "save", "pay"]


@pytest.mark.parametrize("point", range(len(STORY)), ids=STORY)
async def test_every_state_survives_the_process(point: int) -> None:
    shop = Shop()
    acts = shop.acts()
    async with shop.open():
        for act in acts[: point + 1]:
            await act()
    before = shop.session
    async with shop.open():
        await shop.rest(1)
        assert shop.session == before
        shop.check()
        for act in acts[point + 1 :]:
            await act()
    assert shop.state() is State.SUCCESS
    shop.check()
    assert len(shop.records.rows) == 1


@pytest.mark.parametrize("save", range(12))
async def test_a_crash_after_any_save_is_not_noticed(save: int) -> None:
    shop = Shop()
    shop.store.crashes_in = save
    async with shop.open():
        for act in shop.acts():
            await act()
            await shop.rest(2 * SHOW_PATIENCE_SECONDS)
        shop.check()
    assert shop.state() is State.SUCCESS
    assert not shop.store.crash_is_due()
    assert len(shop.records.rows) == 1
    assert sum("Payment received" in text for text in shop.chat.history) == 1


@pytest.mark.parametrize("point", range(len(STORY)), ids=STORY)
async def test_a_view_that_got_lost_with_the_process_is_shown_at_the_next_start(
    point: int,
) -> None:
    shop = Shop()
    acts = shop.acts()
    async with shop.open():
        for act in acts[:point]:
            await act()
        shop.chat.held = True
        await acts[point]()
        assert shop.session.unshown
    shop.chat.restart()
    shop.chat.held = False
    async with shop.open():
        await shop.rest(1)
        shop.check()


async def test_a_letter_that_got_lost_in_the_dispatcher_is_told_again() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        shop.chat.held = True
        await shop.press("English")
        shop.chat.restart()
        shop.chat.held = False
        await shop.rest(SHOW_PATIENCE_SECONDS + 6)
        shop.check()


async def test_a_letter_that_got_lost_is_told_again_also_where_no_time_runs_out() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        assert shop.session.deadline is None
        shop.chat.held = True
        await shop.command("status")
        shop.chat.restart()
        shop.chat.held = False
        await shop.rest(SHOW_PATIENCE_SECONDS + 6)
        shop.check()


async def test_one_letter_is_out_at_a_time_and_the_newest_view_follows() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        shop.chat.held = True
        for text in ("", "x" * 100, "", "Anna"):
            await shop.tell(shop.typed(text))
        await shop.command("lang", "ru")
        assert len(shop.chat.queue) == 1
        shop.chat.deliver()
        await shop.system.settle()
        shop.chat.held = False
        shop.chat.deliver()
        await shop.system.settle()
        shop.check()


async def test_sleep_is_not_noticed() -> None:
    shop = Shop()
    async with shop.open():
        for act in shop.acts():
            await shop.rest(3 * IDLE_SECONDS)
            assert shop.system.region("root/sessions").awake == 0
            await act()
            shop.check()
    assert shop.state() is State.SUCCESS


async def test_what_is_in_the_way_is_erased_once_more_at_most_however_often_he_wakes_up() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        await shop.command("status")  # the panel comes anew, and the one before is in the way
        in_the_way = shop.session.stray_message_id
        assert in_the_way is not None
        told = len(shop.chat.erased)
        for _ in range(3):
            await shop.rest(3 * IDLE_SECONDS)
            assert shop.system.region("root/sessions").awake == 0
            await shop.tell(sessions.Due())
    assert shop.chat.erased[told:] == [in_the_way]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_user_with_a_record_is_tracked_again_whenever_he_wakes_up(
    *, cancelled: bool
) -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        if cancelled:
            await shop.command("cancel")
    told = len(shop.tracker.told)
    async with shop.open(alarms=False):
        await shop.command("status")
    assert len(shop.tracker.told) == told + 1
    assert shop.tracker.told[-1] == shop.tracker.told[told - 1]


async def test_a_payment_told_often_is_shown_once() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        for _ in range(3):
            await shop.pay()
        saves, shown = shop.store.saves, (shop.chat.said, shop.chat.edited)
        await shop.pay()
        assert (shop.store.saves, shop.chat.said, shop.chat.edited) == (saves, *shown)
    async with shop.open():
        await shop.pay()
    assert (shop.chat.said, shop.chat.edited) == shown
    assert sum("Payment received" in text for text in shop.chat.history) == 1


async def test_an_update_that_changes_nothing_is_handled_as_well() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        old = replace(shop.pressed("Cancel"), data="0:cancel")
        before = shop.session
        await shop.hear(old)
        assert shop.session == before
        shop.check()


async def test_an_update_told_twice_is_handled_once() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        await shop.press("English")
        name = shop.typed("Anna Koval")
        await shop.tell(name)
        await shop.tell(name)
        shop.check()
    assert shop.state() is State.CONTACT
    assert shop.session.note is None


@pytest.mark.parametrize("heard", [Unavailable("no answer"), Conflict("repeated")], ids=repr)
@pytest.mark.parametrize("point", range(len(STORY)), ids=STORY)
async def test_a_save_whose_answer_got_lost_counts(point: int, heard: Exception) -> None:
    shop = Shop()
    acts = shop.acts()
    async with shop.open():
        for act in acts[:point]:
            await act()
        shop.store.lost_answer = heard
        await acts[point]()
        await shop.rest(60)
        shop.check()
        for act in acts[point + 1 :]:
            await act()
            await shop.rest(1)
        shop.check()
    assert shop.state() is State.SUCCESS
    assert not shop.system.dead_letters


async def test_an_outage_of_the_store_only_delays() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        pressed = shop.pressed("English")
        shop.store.away = True
        await shop.tell(pressed)
        await shop.tell(shop.typed("Anna"))
        await shop.rest(120)
        assert shop.state() is State.LANGUAGE
        shop.store.away = False
        await shop.rest(120)
        shop.check()
    assert shop.state() is State.CONTACT
    assert not shop.system.dead_letters


async def test_a_slow_record_table_leaves_the_session_free() -> None:
    shop = Shop()
    shop.records.slow_seconds = 20
    async with shop.open():
        await shop.register()
        await shop.command("status")
        assert shop.state() is State.SAVING
        shop.check()
        await shop.rest(21)
        shop.check()
    assert shop.state() is State.AWAITING_PAYMENT
    assert shop.records.attempts == 1


async def test_an_outage_of_the_record_table_is_waited_out_and_the_user_knows() -> None:
    shop = Shop()
    shop.records.failure = Unavailable("503")
    async with shop.open():
        await shop.register()
        shop.check()
        assert "longer than usual" in shop.chat.panel.text
        await shop.rest(3_600)
        assert 10 < shop.records.attempts < 30
    shop.records.failure = None
    async with shop.open():
        await shop.rest(600)
        shop.check()
    assert shop.state() is State.AWAITING_PAYMENT
    assert len(shop.records.rows) == 1


async def test_a_short_outage_of_the_record_table_costs_seconds() -> None:
    shop = Shop()
    shop.records.failure = Unavailable("503")
    async with shop.open():
        await shop.register()
        await shop.rest(12)
        assert shop.records.attempts == 2
        await shop.rest(20)
        assert shop.records.attempts == 3


async def test_one_request_at_a_time_however_long_it_takes() -> None:
    shop = Shop()
    shop.records.slow_seconds = 5 * ATTEMPT_SECONDS
    async with shop.open():
        await shop.register()
        await shop.rest(6 * ATTEMPT_SECONDS)
        shop.check()
    assert shop.state() is State.AWAITING_PAYMENT
    assert shop.records.attempts == 1


async def test_the_record_tables_own_pause_is_kept_whatever_wakes_the_session() -> None:
    shop = Shop()
    shop.records.failure = Unavailable("429", retry_after_seconds=900)
    async with shop.open():
        await shop.register()
        await shop.rest(2 * IDLE_SECONDS)
        assert shop.system.region("root/sessions").awake == 0
        await shop.command("status")
        assert shop.records.attempts == 1
        await shop.rest(890 - 2 * IDLE_SECONDS)
        assert shop.records.attempts == 1
        await shop.rest(20)
        assert shop.records.attempts == 2


async def test_a_bug_in_the_record_table_crashes_and_is_tried_again() -> None:
    shop = Shop()
    shop.records.failure = ValueError("a bug")
    async with shop.open():
        await shop.register()
        assert len(shop.system.dead_letters) == 1
        shop.records.failure = None
        await shop.rest(120)
        shop.check()
    assert shop.state() is State.AWAITING_PAYMENT


async def test_time_passes_while_the_process_is_down() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
    shop.clock += timedelta(seconds=FORM_SECONDS)
    async with shop.open():
        await shop.rest(1)
        shop.check()
    assert shop.state() is State.EXPIRED


async def test_a_refused_panel_is_not_sent_in_a_circle() -> None:
    shop = Shop()
    shop.chat.refusal = "refused"
    async with shop.open():
        await shop.command("start")
        await shop.rest(REFUSED_PATIENCE_SECONDS / 2)
        assert shop.chat.said == 0
        shop.chat.refusal = None
        await shop.rest(REFUSED_PATIENCE_SECONDS)
        shop.check()
