"""What a session passes on: a message that none of its forms awaits. Pure."""

from __future__ import annotations

from datetime import datetime

from actors.debounce import messages as debounce
from actors.sessions import messages as sessions
from actors.sessions.hearing import Said
from actors.sessions.model import Session


def collect(session: Session, said: Said, *, now: datetime) -> debounce.Collect | None:
    """What the batcher is told; None for what is for the session alone."""
    passed = _passed(said)
    if passed is None:
        return None
    return debounce.Collect(
        chat_id=session.chat_id, received_at=now, language=session.language, passed=passed
    )


def _passed(said: Said) -> debounce.Passed | None:
    match said:
        case sessions.TextReceived():
            return debounce.Passed(
                update_id=said.update_id, message_id=said.message_id, kind="text", text=said.text
            )
        case sessions.ContactReceived():
            return debounce.Passed(
                update_id=said.update_id,
                message_id=said.message_id,
                kind="contact",
                phone_number=said.phone_number,
                contact_name=said.name,
            )
        case sessions.UnsupportedReceived(message_id=message_id) if message_id is not None:
            attached = said.attached
            return debounce.Passed(
                update_id=said.update_id,
                message_id=message_id,
                kind=said.kind,
                caption=attached.caption,
                file_id=attached.file_id,
                media_group_id=attached.media_group_id,
                latitude=attached.latitude,
                longitude=attached.longitude,
            )
        case _:
            return None
