"""When a broadcast starts, as administrators read and choose it on a page of its panel. Pure.

A word is `t-` for at once, and `t+` with the seconds of Unix time for a moment: so a button means
the same however late it is pressed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from actors.broadcast.messages import Button, Keyboard
from actors.broadcasts import panel_texts as texts
from actors.broadcasts.model import Broadcast
from actors.broadcasts.panel_buttons import MARK, button
from actors.broadcasts.panel_reader import Reader
from actors.broadcasts.panel_texts import Label
from actors.kernel import local_time

DAYS = 8
"""Days that can be chosen in the chat, the present one included; the command knows all."""
MINUTES = (0, 15, 30, 45)
AT_ONCE = "t-"
_DIGITS_MAX = 10
_DAYS_PER_ROW, _HOURS_PER_ROW = 4, 6


def chosen(broadcast: Broadcast, word: str, *, now: datetime) -> datetime | None:
    """When it starts after `b:pick` with this word; None when that says nothing. What is over by
    now is at once.
    """
    digits = word.removeprefix("t+")
    if word == AT_ONCE:
        return broadcast.created_at
    if digits == word or not (digits.isascii() and digits.isdecimal()):
        return None
    if len(digits) > _DIGITS_MAX:
        return None
    moment = datetime.fromtimestamp(int(digits), UTC)
    return moment if moment > now else broadcast.created_at


def told(broadcast: Broadcast, reader: Reader) -> list[str]:
    """When it starts, as HTML; nothing where that is at once."""
    if not broadcast.timed:
        return []
    return [reader.say(texts.BEGINS, when=local_time.told(broadcast.starts_at, reader.zone))]


def asked(reader: Reader, now: datetime) -> str:
    """What stands above the buttons, as HTML."""
    return reader.say(texts.ASKS_WHEN, now=local_time.told(now, reader.zone))


def choices(broadcast: Broadcast, reader: Reader, now: datetime) -> Keyboard:
    """At once, a day, an hour of it and a quarter; each button says a whole moment."""
    timed = broadcast.timed and broadcast.starts_at > now
    base = (broadcast.starts_at if timed else _next_hour(now)).astimezone(reader.zone)
    first, hour, minute = now.astimezone(reader.zone).date(), base.hour, base.minute

    def at(day: date, hour: int, minute: int) -> datetime | None:
        return _offered(day, hour, minute, reader.zone, now)

    def pick(text: str, moment: datetime | None, *, marked: bool) -> Iterator[Button]:
        if moment is not None:
            word = f"t+{int(moment.timestamp())}"
            yield button(broadcast, f"{MARK if marked and timed else ''}{text}", "pick", word)

    days = [first + timedelta(days=count) for count in range(DAYS)]
    of_days = [
        each
        for day in days
        for each in pick(
            f"{day:%m-%d}",
            at(day, hour, minute) or next(filter(None, (at(day, h, 0) for h in range(24))), None),
            marked=day == base.date(),
        )
    ]
    of_hours = [
        each
        for h in range(24)
        for each in pick(f"{h:02}:{minute:02}", at(base.date(), h, minute), marked=h == hour)
    ]
    of_minutes = [
        each
        for m in MINUTES
        for each in pick(f":{m:02}", at(base.date(), hour, m), marked=m == minute)
    ]
    once = f"{'' if timed else MARK}{reader.label(Label.AT_ONCE)}"
    return (
        (button(broadcast, once, "pick", AT_ONCE),),
        *_rows(of_days, _DAYS_PER_ROW),
        *_rows(of_hours, _HOURS_PER_ROW),
        *_rows(of_minutes, len(MINUTES)),
    )


def _offered(day: date, hour: int, minute: int, zone: tzinfo, now: datetime) -> datetime | None:
    """The moment that these clocks show so; None where they skip it, or it is over."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return None
    return moment if moment > now else None


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _rows(buttons: Sequence[Button], length: int) -> Iterator[tuple[Button, ...]]:
    for begin in range(0, len(buttons), length):
        yield tuple(buttons[begin : begin + length])
