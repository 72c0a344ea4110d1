"""Times as people type them at a terminal, by the clocks of TIME_ZONE."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NO_TIME = 'no time: {!r}; write "2026-11-21 18:00", or with its zone 2026-11-21T18:00+02:00'


def moment_of(text: str, here: ZoneInfo | None) -> datetime:
    """The moment in UTC; a time without its zone is one of the clocks `here`.

    Raises `ValueError`, also for what these clocks skip or show twice when they are changed.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(NO_TIME.format(text[:40])) from None
    if here is None:
        raise ValueError(f"in which zone is {text.strip()}? Write its offset, or set TIME_ZONE")
    earlier, later = (_utc(moment, here, fold=fold) for fold in (0, 1))
    if earlier == later:
        return earlier
    if earlier < later:
        what = f"{text.strip()} comes twice in {here.key}, when clocks are put back"
    else:
        what = f"{text.strip()} does not come in {here.key}, where clocks are put forward"
    raise ValueError(f"{what}: write its offset, such as {earlier.astimezone(here):%z}")


def _utc(moment: datetime, here: ZoneInfo, *, fold: int) -> datetime:
    try:
        return moment.replace(tzinfo=here, fold=fold).astimezone(UTC)
    except OverflowError:
        raise ValueError(NO_TIME.format(str(moment))) from None
