"""Keeping the one message of each order in step with it, and bringing what was bought. Pure.

What the user should see of an order has a version, saved together with what changed; what he
does see has one too, raised by Telegram's receipts. As long as they differ the newest view is
told again, whatever crashed in between. One letter of an order's panel is out at a time.

```
o:<order>:<version>             a new panel
o:<order>:<version>:<message>   an edit of the panel
o:<order>:goods                 the receipt with what was bought
```
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from actors.broadcast import messages as broadcast
from actors.kernel.ids import LetterId, MessageId, OrderId
from actors.payments.orders import Order, State
from actors.payments.views import goods_of, view_of
from runtime import Recipient

SHOW_PATIENCE_SECONDS = 60
"""A view whose receipt has not come after this is told to the dispatcher again."""
REFUSED_PATIENCE_SECONDS = 600
"""What Telegram refused, or the queue had no room for, is tried again."""
BLOCKED_PATIENCE_SECONDS = 86_400
"""A user who blocked the bot may let it in again; whatever he does in the chat comes first."""

GOODS = "goods"


class Letter(NamedTuple):
    """What the name of a letter says; `version` is None for the goods."""

    order_id: OrderId
    version: int | None
    message_id: MessageId | None = None


def raised(before: Order, after: Order, *, now: datetime) -> Order:
    """`after`, with a new version if the user has to see something new."""
    changed = not before.version or view_of(before) != view_of(after)
    return again(after, now=now) if changed else after


def again(order: Order, *, now: datetime, anew: bool = False) -> Order:
    """A new version of the panel, `anew` as a message at the bottom of the chat."""
    after = replace(order, view_version=order.view_version + 1, renew=order.renew or anew)
    # Whoever has waited for a view since a while does not begin to wait anew.
    return after if order.show_by else patient(after, now=now)


def patient(order: Order, *, now: datetime, seconds: int = SHOW_PATIENCE_SECONDS) -> Order:
    """The order with the time by which an unshown view is told again."""
    return replace(order, show_by=now + timedelta(seconds=seconds) if order.unshown else None)


def letter(
    order: Order, notify: Recipient[broadcast.Receipt], zone: tzinfo = UTC
) -> broadcast.Say | broadcast.Edit:
    """What to send so that the user sees the newest view."""
    view, named = view_of(order, zone), f"o:{order.order_id}:{order.view_version}"
    if order.panel_message_id is None or order.renew:
        return broadcast.Say(
            letter_id=LetterId(named),
            chat_id=order.chat_id,
            text=view.text,
            keyboard=view.keyboard,
            notify=notify,
        )
    return broadcast.Edit(
        letter_id=LetterId(f"{named}:{order.panel_message_id}"),
        chat_id=order.chat_id,
        message_id=order.panel_message_id,
        text=view.text,
        keyboard=view.keyboard,
        notify=notify,
    )


def goods(order: Order, notify: Recipient[broadcast.Receipt], zone: tzinfo = UTC) -> broadcast.Say:
    """The receipt with what was bought; it may come twice after a crash, but it comes."""
    return broadcast.Say(
        letter_id=LetterId(f"o:{order.order_id}:{GOODS}"),
        chat_id=order.chat_id,
        text=goods_of(order, zone),
        notify=notify,
    )


def parts(letter_id: LetterId) -> Letter | None:
    """What the name of a letter says; None for a letter of no order."""
    match letter_id.split(":"):
        case ["o", order_id, word] if word == GOODS:
            return Letter(OrderId(order_id), None)
        case ["o", order_id, version]:
            return Letter(OrderId(order_id), int(version))
        case ["o", order_id, version, message_id]:
            return Letter(OrderId(order_id), int(version), MessageId(int(message_id)))
        case _:
            return None


def delivered(order: Order, shown: Letter, message_id: MessageId, *, now: datetime) -> Order:
    """Telegram shows a view. Of two panels the later one stays, the other is a stray."""
    version = shown.version or 0
    known = order.panel_message_id or message_id
    after = replace(
        order,
        panel_message_id=max(message_id, known),
        stray_message_id=(
            order.stray_message_id if message_id == known else min(message_id, known)
        ),
        shown_version=max(version, order.shown_version),
        renew=order.renew and version < order.view_version,
    )
    return patient(after, now=now)


def undelivered(
    order: Order, failed: Letter, receipt: broadcast.Undelivered, *, now: datetime
) -> Order:
    """Telegram does not show it: say when, or how, to try again."""
    seconds = REFUSED_PATIENCE_SECONDS
    if receipt.reason == "blocked":
        seconds = BLOCKED_PATIENCE_SECONDS
    if failed.version is None:
        waits = now + timedelta(seconds=seconds) if order.state is State.PAID else None
        return replace(order, deliver_by=waits)
    is_edit = failed.message_id is not None and failed.message_id == order.panel_message_id
    if is_edit and receipt.reason in {"gone", "refused"}:
        return replace(order, renew=True)
    return patient(order, now=now, seconds=seconds)


def is_hopeless(order: Order, failed: Letter) -> bool:
    """The newest view did not get through, and sending it at once again would only repeat that."""
    return failed.version == order.view_version and not order.renew


def waits_long(until: datetime | None, *, now: datetime) -> bool:
    """It is not to be tried again soon: Telegram refused it, or the user blocked the bot."""
    return until is not None and until > now + timedelta(seconds=SHOW_PATIENCE_SECONDS)
