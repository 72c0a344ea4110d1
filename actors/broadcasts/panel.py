"""What administrators see of a broadcast in their chat, and what they can press. Pure."""

from __future__ import annotations

from html import escape
from typing import Literal

from actors.broadcast.messages import Button, Keyboard
from actors.broadcasts.messages import BUTTON_PREFIX, COMMAND
from actors.broadcasts.model import Broadcast, Kind, Reach, State
from actors.broadcasts.template import PLACEHOLDERS
from actors.kernel.ids import BroadcastId

BAR_CELLS = 20

Press = Literal["resume", "pause", "cancel"]
_PRESSES: tuple[Press, ...] = ("resume", "pause", "cancel")

USAGE = (
    f"Write what is to be sent behind <code>/{COMMAND}</code>, or below a photo, a video, a "
    f"document or an animation; or answer a message with <code>/{COMMAND}</code> to send that "
    f"one. These are filled in: {' '.join(f'<code>{{{name}}}</code>' for name in PLACEHOLDERS)}. "
    "You see it first as everybody will, and nothing is sent before you confirm."
)

_TITLES = {Kind.SEND: "Broadcast", Kind.EDIT: "Change", Kind.DELETE: "Deletion"}
_STATES = {
    State.CHECKING: "is being checked",
    State.DRAFT: "cannot start",
    State.READY: "waits for you",
    State.SCHEDULED: "starts",
    State.RUNNING: "is under way",
    State.PAUSED: "is paused",
    State.FINISHED: "is done",
    State.CANCELLED: "is cancelled",
}


def view(
    broadcast: Broadcast, *, reach: Reach | None = None, per_second: float | None = None
) -> tuple[str, Keyboard]:
    """How it stands, as HTML."""
    lines = [
        f"<b>{_TITLES[broadcast.kind]} {broadcast.broadcast_id} {_STATES[broadcast.state]}</b>"
    ]
    if broadcast.trouble and broadcast.state is State.DRAFT:
        lines.append(escape(broadcast.trouble))
    if reach is not None:
        lines.append(_reach(reach))
    counts = broadcast.counts
    if broadcast.started_at is not None:
        lines.append(bar(counts.done, counts.total))
        told = [f"{n} {word}" for word, n in _counted(broadcast) if n]
        lines.append(", ".join(told) or "nobody yet")
    if per_second and broadcast.state is State.RUNNING:
        left = duration(counts.pending / per_second)
        lines.append(f"{per_second:.0f} a second, {left} left")
    return "\n".join(lines), _keyboard(broadcast)


def bar(done: int, total: int) -> str:
    """How far it is: `####----  40% (40 of 100)`."""
    part = done / total if total else 1.0
    full = int(part * BAR_CELLS)
    cells = "\u2588" * full + "\u2591" * (BAR_CELLS - full)
    return f"<code>{cells}</code> {int(part * 100)}% ({done:,} of {total:,})"


def duration(seconds: float) -> str:
    """As people say it: 45 s, 12 min, 3 h 20 min."""
    whole = int(seconds + 0.5)
    if whole < 90:  # noqa: PLR2004 - up to there seconds say more
        return f"{whole} s"
    minutes = (whole + 30) // 60
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def press_of(data: str) -> tuple[Press, BroadcastId] | None:
    """What a button of ours says; None for one that is not."""
    verb, _, number = data.removeprefix(BUTTON_PREFIX).partition(":")
    if not data.startswith(BUTTON_PREFIX) or verb not in _PRESSES:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) < 18):  # noqa: PLR2004 - 63 bits
        return None
    return verb, BroadcastId(int(number))


def _counted(broadcast: Broadcast) -> list[tuple[str, int]]:
    counts = broadcast.counts
    done = {Kind.SEND: "sent", Kind.EDIT: "changed", Kind.DELETE: "deleted"}[broadcast.kind]
    return [
        (done, counts.sent),
        ("blocked the bot", counts.blocked),
        ("failed", counts.failed),
        ("unknown", counts.unknown),
        ("left out", counts.left_out),
    ]


def _reach(reach: Reach) -> str:
    left_out = f"; {reach.left_out:,} cannot be reached" if reach.left_out else ""
    return f"{reach.reachable:,} people will get it{left_out}"


def _keyboard(broadcast: Broadcast) -> Keyboard:
    def button(text: str, verb: Press) -> Button:
        return Button(text=text, data=f"{BUTTON_PREFIX}{verb}:{broadcast.broadcast_id}")

    cancel = button("Cancel", "cancel")
    match broadcast.state:
        case State.READY:
            return ((button("Confirm", "resume"), cancel),)
        case State.PAUSED:
            return ((button("Go on", "resume"), cancel),)
        case State.RUNNING | State.SCHEDULED:
            return ((button("Pause", "pause"), cancel),)
        case State.DRAFT:
            return ((cancel,),)
        case _:
            return ()


def refusal(detail: str) -> str:
    """Why nothing was made of what an administrator wrote, as HTML."""
    return f"Not sent: {escape(detail)}"
