"""Keeping the one message of a chat in step with its session; pure.

What the user should see has a version, raised and saved together with what changed. What he
does see has a version too, raised by Telegram's receipts. As long as they differ, the newest
view is sent again, whatever crashed in between. One letter is out at a time; the next view
goes out with the receipt of the one before. Letters are named so that a late receipt is
understood, and so that the dispatcher recognises one that is told again:

```
<chat>:<version>             a new panel
<chat>:<version>:<message>   an edit of the panel
<chat>:<version>:hide        takes the reply keyboard away, and is erased at once
```

The panel is edited in place. It comes as a new message, and the old one is erased, when there
is none to edit, when the user typed a command, when what he typed changed nothing he could
see, and around the reply keyboard that shares a phone number, whose message Telegram
cannot edit. The old one's id is saved before it is erased, and erased again after a crash.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from actors.broadcast import messages as broadcast
from actors.kernel.ids import LetterId, MessageId
from actors.sessions import texts
from actors.sessions.model import Session, State
from actors.sessions.rules import Occurrence
from actors.sessions.texts import Text
from actors.sessions.views import view_of
from runtime import Recipient

SHOW_PATIENCE_SECONDS = 60
"""A view whose receipt has not come after this is told to the dispatcher again."""

REFUSED_PATIENCE_SECONDS = 600
"""A panel that was refused (Telegram will not have it, or the queue is full) is tried again."""

HIDE_KEYBOARD = "hide"


def raised(
    before: Session, after: Session, heard: Occurrence, *, now: datetime, passed: bool = False
) -> Session:
    """`after`, with a new version if the user has to see something new. What was `passed` on is
    answered by somebody else.
    """
    if after.state is State.NEW:
        return after
    changed = before.view_version == 0 or view_of(before) != view_of(after)
    unanswered = heard.source == "typed" and not changed and not passed
    let_in = before.blocked and not after.blocked
    anew = unanswered or let_in or heard.source == "command"
    return again(after, now=now, anew=anew) if changed or anew else after


def again(session: Session, *, now: datetime, anew: bool = False) -> Session:
    """A new version of the panel, `anew` as a message at the bottom of the chat."""
    asks_contact = view_of(session).contact_button is not None
    raised_session = replace(
        session,
        view_version=session.view_version + 1,
        renew=session.renew or anew or asks_contact,
        contact_keyboard=session.contact_keyboard or asks_contact,
    )
    # Whoever has waited for a view since a while does not begin to wait anew.
    return raised_session if session.show_by else patient(raised_session, now=now)


def patient(session: Session, *, now: datetime, seconds: int = SHOW_PATIENCE_SECONDS) -> Session:
    """The session with the time by which an unshown view is told again."""
    waits = now + timedelta(seconds=seconds) if session.unshown else None
    return replace(session, show_by=waits)


def letters(
    session: Session, notify: Recipient[broadcast.Receipt]
) -> tuple[broadcast.Say | broadcast.Edit, ...]:
    """What to send so that the user sees the newest view; the last one shows it."""
    view = view_of(session)
    hides_keyboard = session.contact_keyboard and view.contact_button is None
    if session.panel_message_id is not None and not session.renew and not hides_keyboard:
        return (
            broadcast.Edit(
                letter_id=_letter_id(session, session.panel_message_id),
                chat_id=session.chat_id,
                message_id=session.panel_message_id,
                text=view.text,
                keyboard=view.keyboard,
                notify=notify,
            ),
        )
    panel = broadcast.Say(
        letter_id=_letter_id(session),
        chat_id=session.chat_id,
        text=view.text,
        keyboard=view.keyboard,
        contact_button=view.contact_button,
        notify=notify,
    )
    if not hides_keyboard:
        return (panel,)
    # Telegram takes one keyboard per message: the panel cannot hide the other one itself.
    hide = broadcast.Say(
        letter_id=_letter_id(session, HIDE_KEYBOARD),
        chat_id=session.chat_id,
        text=texts.say(Text.KEYBOARD_HIDDEN, session.language),
        remove_keyboard=True,
        notify=notify,
    )
    return hide, panel


def delivered(session: Session, receipt: broadcast.Delivered, *, now: datetime) -> Session:
    """Telegram shows a view, or took the reply keyboard away.

    Message ids of a chat only grow: of two panels the later one stays, the other is a stray. What
    a stray shows counts for nothing, and a later panel may show an older view.
    """
    version, kind = _parts(receipt)
    newest = version >= session.view_version
    if kind == HIDE_KEYBOARD:
        # The panel still has to come anew, but this need not be told, nor erased, once more.
        hidden = newest and session.contact_keyboard
        return replace(
            session,
            stray_message_id=receipt.message_id,
            contact_keyboard=session.contact_keyboard and not hidden,
            renew=session.renew or hidden,
        )
    asks_contact = view_of(session).contact_button is not None
    shown = receipt.message_id
    known = shown if session.panel_message_id is None else session.panel_message_id
    if shown < known:
        return patient(replace(session, blocked=False, stray_message_id=shown), now=now)
    after = replace(
        session,
        blocked=False,
        panel_message_id=shown,
        stray_message_id=session.stray_message_id if shown == known else known,
        shown_version=max(version, session.shown_version) if shown == known else version,
        renew=session.renew and not newest,
        contact_keyboard=session.contact_keyboard and not (newest and not asks_contact),
    )
    return patient(after, now=now)


def undelivered(session: Session, receipt: broadcast.Undelivered, *, now: datetime) -> Session:
    """Telegram does not show the view: give the chat up, or say how to try again."""
    _, kind = _parts(receipt)
    if receipt.reason == "blocked":
        return blocked(session, now=now)
    if receipt.reason in {"gone", "refused"} and kind == str(session.panel_message_id):
        return replace(session, renew=True)
    if is_hopeless(session, receipt):
        return patient(session, now=now, seconds=REFUSED_PATIENCE_SECONDS)
    return session


def blocked(session: Session, *, now: datetime) -> Session:
    """The user does not let the bot write any more."""
    return patient(replace(session, blocked=True), now=now)


def unblocked(session: Session, *, now: datetime) -> Session:
    """The user lets the bot write again, perhaps in a chat that he emptied."""
    let_in = replace(session, blocked=False)
    return again(let_in, now=now, anew=True) if session.view_version else let_in


def is_hopeless(session: Session, receipt: broadcast.Undelivered) -> bool:
    """The newest view did not get through, and not because of the message it was to replace:
    sending it at once again would only repeat that.
    """
    version, kind = _parts(receipt)
    is_edit = kind not in {"", HIDE_KEYBOARD}
    repeats = kind == "" or (is_edit and receipt.reason == "unknown")
    return repeats and version == session.view_version


def is_stray(session: Session, message_id: MessageId) -> bool:
    """A panel that a newer one has replaced."""
    return session.panel_message_id is not None and message_id < session.panel_message_id


def _letter_id(session: Session, kind: object = "") -> LetterId:
    named = f"{session.chat_id}:{session.view_version}"
    return LetterId(f"{named}:{kind}" if kind else named)


def _parts(receipt: broadcast.Receipt) -> tuple[int, str]:
    """The version that the letter showed, and what kind of letter it was."""
    _, version, *kind = receipt.letter_id.split(":")
    return int(version), "".join(kind)
