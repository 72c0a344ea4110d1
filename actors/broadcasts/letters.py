"""The letters of a broadcast, and what their receipts mean. Pure."""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.broadcasts.model import Broadcast, Kind, Outcome, Settled
from actors.broadcasts.ports import Turn, letter_of, recipient_of
from actors.broadcasts.template import Person, Template
from actors.kernel.ids import BroadcastId, LetterId, MessageId
from runtime import Recipient

CHECK_PREFIX = "broadcast-check"
PANEL_PREFIX = "broadcast-panel"
PANEL_EDIT_PREFIX = "broadcast-panel-edit"

DETAIL_MAX_CHARACTERS = 200


def letter(
    kept: Broadcast, template: Template, turn: Turn, notify: Recipient[broadcast.Receipt]
) -> broadcast.Letter:
    """What one recipient's turn is about."""
    chat_id, source = turn.person.chat_id, str(kept.broadcast_id)
    letter_id = letter_of(kept.broadcast_id, chat_id, kept.edition)
    # Nobody is written to anew because his message is not known: Telegram refuses a 0.
    message_id = turn.message_id or MessageId(0)
    if kept.kind is Kind.SEND:
        return broadcast.Say(
            letter_id=letter_id,
            chat_id=chat_id,
            text=template.fill(turn.person),
            keyboard=kept.content.buttons,
            media=kept.content.media,
            repeat=kept.repeat,
            paid=kept.paid,
            lane="bulk",
            source=source,
            notify=notify,
        )
    if kept.kind is Kind.EDIT:
        return broadcast.Edit(
            letter_id=letter_id,
            chat_id=chat_id,
            message_id=message_id,
            text=template.fill(turn.person),
            keyboard=kept.content.buttons,
            caption=kept.content.media is not None,
            lane="bulk",
            source=source,
            notify=notify,
        )
    return broadcast.Erase(
        letter_id=letter_id,
        chat_id=chat_id,
        message_id=message_id,
        lane="bulk",
        source=source,
        notify=notify,
    )


def check(kept: Broadcast, admin: Person, notify: Recipient[broadcast.Receipt]) -> broadcast.Say:
    """What recipients will see, for the administrators."""
    return broadcast.Say(
        letter_id=check_letter(kept),
        chat_id=admin.chat_id,
        text=Template.parse(kept.content.text).fill(admin),
        keyboard=kept.content.buttons,
        media=kept.content.media,
        notify=notify,
    )


def check_letter(kept: Broadcast) -> LetterId:
    """One for each content that a broadcast ever had."""
    return LetterId(f"{CHECK_PREFIX}:{kept.broadcast_id}:{kept.version}")


def panel_letter(broadcast_id: BroadcastId, gone: MessageId | None = None) -> LetterId:
    """The panel is one message; where somebody deleted it, another one after that."""
    return LetterId(f"{PANEL_PREFIX}:{broadcast_id}:{gone or 0}")


def panel_edit(broadcast_id: BroadcastId, message_id: MessageId, edit_id: UUID) -> LetterId:
    """Each change of the panel is another letter: one of a known name would be taken for told."""
    return LetterId(f"{PANEL_EDIT_PREFIX}:{broadcast_id}:{message_id}:{edit_id}")


def panel_edited(letter_id: LetterId) -> tuple[BroadcastId, MessageId] | None:
    """Whose panel was to be changed, and which message that was."""
    found = _numbers(LetterId(letter_id.rpartition(":")[0]), PANEL_EDIT_PREFIX)
    return None if found is None else (found[0], MessageId(found[1]))


def checked(letter_id: LetterId) -> tuple[BroadcastId, int] | None:
    """Which version of which broadcast the administrators were shown."""
    return _numbers(letter_id, CHECK_PREFIX)


def panel_of(letter_id: LetterId) -> BroadcastId | None:
    """Whose panel it was."""
    found = _numbers(letter_id, PANEL_PREFIX)
    return None if found is None else found[0]


def settled(receipt: broadcast.Receipt) -> Settled | None:
    """What a receipt says of a recipient; None when it is not about one."""
    named = recipient_of(receipt.letter_id)
    if named is None:
        return None
    broadcast_id, chat_id = named
    if isinstance(receipt, broadcast.Delivered):
        return Settled(
            broadcast_id=broadcast_id,
            chat_id=chat_id,
            outcome=Outcome.SENT,
            message_id=receipt.message_id,
        )
    return Settled(
        broadcast_id=broadcast_id,
        chat_id=chat_id,
        outcome=_outcome(receipt),
        detail=_detail(receipt),
    )


def _outcome(receipt: broadcast.Undelivered) -> Outcome:
    match receipt.reason:
        case "blocked":
            return Outcome.BLOCKED
        case "gone" | "refused":
            return Outcome.FAILED
        case "unknown":
            return Outcome.UNKNOWN
        case "withdrawn":
            return Outcome.PENDING
        case _:
            assert_never(receipt.reason)


def _detail(receipt: broadcast.Undelivered) -> str:
    """One line of ASCII: Telegram's words are somebody else's."""
    if receipt.reason == "withdrawn":
        return ""
    return ascii(receipt.detail)[1:-1][:DETAIL_MAX_CHARACTERS]


def _numbers(letter_id: LetterId, prefix: str) -> tuple[BroadcastId, int] | None:
    match letter_id.split(":"):
        case [found, broadcast_id, number] if found == prefix:
            return BroadcastId(int(broadcast_id)), int(number)
        case _:
            return None
