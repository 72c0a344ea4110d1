"""The table's inspector: tells people, once and early, which columns the table lacks.

NocoDB ignores unknown columns on writing, so that without this a misspelt title would only
be noticed by whoever misses the data.

Receives  private: the end of its look
Tells     operations.Reported, on the event stream
Owns      nothing
Restarts  safely: it looks again
"""

from __future__ import annotations

from actors.kernel.failures import Unavailable
from actors.operations.messages import Reported
from adapters.nocodb.records import NocoRecords
from runtime import Actor, message

COMPONENT = "nocodb.table"
AGAIN_FIRST_SECONDS = 5.0
AGAIN_LAST_SECONDS = 300.0


@message
class _Look:
    """Ask NocoDB for one row with all our columns."""


@message
class _Seen:
    """What it lacks."""

    missing: tuple[str, ...]


@message
class _Unseen:
    """It did not answer."""

    reason: str


class TableInspector(Actor[_Look | _Seen | _Unseen]):
    """Looks once after its start, and again later only if NocoDB did not answer."""

    def __init__(self, *, records: NocoRecords) -> None:
        super().__init__()
        self._records = records
        self._again_seconds = AGAIN_FIRST_SECONDS

    async def on_start(self) -> None:
        self.actor_ref.tell(_Look())

    def on_receive(self, message: _Look | _Seen | _Unseen) -> None:
        match message:
            case _Look():
                self.pipe(self._records.missing_columns, then=_seen, failed=_unseen)
            case _Seen():
                self._report(message.missing)
            case _Unseen():
                self._wait(message.reason)

    def _report(self, missing: tuple[str, ...]) -> None:
        if not missing:
            self.publish(Reported(component=COMPONENT, status="pass"))
            return
        titles = ", ".join(repr(title) for title in missing)
        output = (
            f"the NocoDB table has no column {titles}: add it, or name the right one in "
            "NOCODB_..._COLUMN; what belongs there is not kept"
        )
        self.log.warning("table.lacks_columns", columns=list(missing))
        self.publish(Reported(component=COMPONENT, status="fail", output=output))

    def _wait(self, reason: str) -> None:
        self.publish(Reported(component=COMPONENT, status="warn", output=reason))
        self.after(self._again_seconds, _Look(), key=_Look)
        self._again_seconds = min(2 * self._again_seconds, AGAIN_LAST_SECONDS)


def _seen(missing: tuple[str, ...]) -> _Seen:
    return _Seen(missing=missing)


def _unseen(error: Exception) -> _Unseen:
    if not isinstance(error, Unavailable):
        raise error
    return _Unseen(reason=str(error))
