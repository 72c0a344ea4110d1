"""A moment as people read it, by the clocks of one time zone. Stores, logs and JSON keep to UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)


def told(moment: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
    """`2026-11-21 18:00 UTC+2`, or `18:00:07` with its `seconds`: the same words in every language,
    and never two meanings.
    """
    local = moment.astimezone(zone)
    ahead = local.utcoffset() or timedelta()
    hours, rest = divmod(abs(ahead), _HOUR)
    minutes = f":{rest // _MINUTE:02}" if rest else ""
    offset = f"{'-' if ahead < timedelta() else '+'}{hours}{minutes}" if ahead else ""
    return f"{local:{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}} UTC{offset}"
