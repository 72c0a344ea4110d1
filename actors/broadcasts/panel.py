"""What administrators see of a broadcast in their chat, and what they can press. Pure."""

from __future__ import annotations

from datetime import datetime
from html import escape

from actors.broadcast.messages import Button, Keyboard
from actors.broadcasts import panel_texts as texts
from actors.broadcasts import panel_when, panel_whom
from actors.broadcasts.model import Broadcast, Reach, State
from actors.broadcasts.panel_buttons import Verb, button, fingerprint
from actors.broadcasts.panel_reader import IN_ENGLISH, Reader
from actors.broadcasts.panel_texts import Label
from actors.broadcasts.panel_whom import Page
from actors.kernel import local_time

BAR_CELLS = 20


def view(
    broadcast: Broadcast,
    reader: Reader = IN_ENGLISH,
    *,
    reach: Reach | None = None,
    per_second: float | None = None,
    page: Page = Page.MAIN,
    now: datetime | None = None,
) -> tuple[str, Keyboard]:
    """How it stands, as HTML."""
    lines = [f"<b>{_heading(broadcast, reader)}</b>"]
    if broadcast.trouble and broadcast.state is State.DRAFT:
        lines.append(_trouble(broadcast.trouble, reader))
    if reach is not None:
        lines += [panel_whom.told(broadcast.audience, reader), _reach(reach, reader)]
    if broadcast.state is State.READY:
        lines += panel_when.told(broadcast, reader)
    if broadcast.state is State.READY and page is Page.WHEN:
        at = now or broadcast.created_at
        back = button(broadcast, reader.label(Label.BACK), "page", Page.MAIN)
        lines += ["", panel_when.asked(reader, at)]
        return "\n".join(lines), (*panel_when.choices(broadcast, reader, at), (back,))
    if broadcast.state is State.READY and page is not Page.MAIN:
        lines += ["", reader.say(texts.ASKS_WHOM)]
        return "\n".join(lines), panel_whom.choices(broadcast, reader, page)
    lines += _progress(broadcast, reader, per_second)
    startable = reach is None or reach.reachable > 0
    return "\n".join(lines), _keyboard(broadcast, reader, startable=startable)


def bar(done: int, total: int, reader: Reader = IN_ENGLISH) -> str:
    """How far it is: `####----  40% (40 of 100)`."""
    part = done / total if total else 1.0
    full = int(part * BAR_CELLS)
    cells = "\u2588" * full + "\u2591" * (BAR_CELLS - full)
    of = reader.say(texts.OF, done=reader.number(done), total=reader.number(total))
    return f"<code>{cells}</code> {int(part * 100)}% ({of})"


def duration(seconds: float, reader: Reader = IN_ENGLISH) -> str:
    """As people say it: 45 s, 12 min, 3 h 20 min."""
    whole = int(seconds + 0.5)
    if whole < 90:  # noqa: PLR2004 - up to there seconds say more
        return reader.say(texts.SECONDS, n=whole)
    minutes = (whole + 30) // 60
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return reader.say(texts.MINUTES, n=minutes)
    return reader.say(texts.HOURS, h=minutes // 60, n=minutes % 60)


def refusal(why: str, reader: Reader = IN_ENGLISH) -> str:
    """Why nothing was made of what an administrator wrote, as HTML."""
    return reader.say(texts.NOT_SENT, why=why)


# What is said


def _heading(broadcast: Broadcast, reader: Reader) -> str:
    it = f"{reader.say(texts.TITLES[broadcast.kind])} {broadcast.broadcast_id}"
    if broadcast.state is State.SCHEDULED and broadcast.timed:
        when = local_time.told(broadcast.starts_at, reader.zone)
        return reader.say(texts.STARTS_AT, it=it, when=when)
    return reader.say(texts.HEADINGS[broadcast.state], it=it)


def _trouble(trouble: str, reader: Reader) -> str:
    """What was kept in English, in the reader's language; Telegram's own words stay."""
    if trouble == texts.NOBODY_LEFT.en:
        return reader.say(texts.NOBODY_LEFT)
    for phrase in (texts.NOT_SHOWN, texts.NOT_ALLOWED):
        known = phrase.en.format(detail="")
        if trouble.startswith(known):
            return reader.say(phrase, detail=trouble.removeprefix(known))
    return escape(trouble, quote=False)


def _reach(reach: Reach, reader: Reader) -> str:
    if not reach.reachable:
        told = reader.say(texts.NOBODY)
    else:
        told = reader.say(texts.REACH, count=reader.number(reach.reachable))
    if not reach.left_out:
        return told
    return f"{told}; {reader.say(texts.LEFT_OUT, count=reader.number(reach.left_out))}"


def _progress(broadcast: Broadcast, reader: Reader, per_second: float | None) -> list[str]:
    counts = broadcast.counts
    if broadcast.preparing:
        return [reader.say(texts.PREPARING)]
    if broadcast.started_at is None:
        return []
    counted = (
        (texts.DONE[broadcast.kind], counts.sent),
        (texts.BLOCKED, counts.blocked),
        (texts.FAILED, counts.failed),
        (texts.UNKNOWN, counts.unknown),
        (texts.SKIPPED, counts.left_out),
    )
    told = [reader.say(phrase, count=reader.number(n)) for phrase, n in counted if n]
    lines = [
        bar(counts.done, counts.total, reader),
        ", ".join(told) or reader.say(texts.NOBODY_YET),
    ]
    if per_second and broadcast.state is State.RUNNING:
        left = duration(counts.pending / per_second, reader)
        lines.append(reader.say(texts.PACE, pace=f"{per_second:.0f}", left=left))
    return lines


# What can be pressed


def _keyboard(broadcast: Broadcast, reader: Reader, *, startable: bool) -> Keyboard:
    def pressable(label: Label, verb: Verb, word: str = "") -> Button:
        return button(broadcast, reader.label(label), verb, word)

    cancel = pressable(Label.CANCEL, "cancel")
    match broadcast.state:
        case State.READY:
            confirm = pressable(Label.CONFIRM, "start", fingerprint(broadcast))
            whom = pressable(Label.WHOM, "page", Page.WHOM)
            when = pressable(Label.WHEN, "page", Page.WHEN)
            return ((confirm, cancel) if startable else (cancel,)), (whom, when)
        case State.PAUSED:
            return ((pressable(Label.GO_ON, "resume"), cancel),)
        case State.RUNNING | State.SCHEDULED:
            return ((pressable(Label.PAUSE, "pause"), cancel),)
        case State.DRAFT:
            return ((cancel,),)
        case _:
            return ()
