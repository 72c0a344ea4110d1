"""Control of a Make sandbox over HTTP, for a demo in several processes.

    GET  /_control/received                  every event that was taken
    POST /_control/listen                    {"on"}: switch the scenario on or off
    POST /_control/answer_with               {"text", "seconds", "html"}: the webhook response
    POST /_control/answer_plainly            {"text", "seconds"}
    POST /_control/work_off                  {"room"}: of the queue
    POST /_control/fail_next                 {"times", "status", "text"}
    POST /_control/hang_next                 {"times", "seconds"}
    POST /_control/drop_next                 {"times"}
    GET  /_control/counters                  answers by status

Answers JSON; `{"error": ...}` with 400 when something does not fit.
"""

from __future__ import annotations

from typing import Any

from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.make import MakeSandbox

SWITCHES = frozenset(
    {"listen", "answer_with", "answer_plainly", "work_off", "fail_next", "hang_next", "drop_next"}
)
"""Methods of the sandbox that take the fields of the body as they are."""


def controlled(make: MakeSandbox) -> Controlled:
    """The sandbox with its control beside it, to be served."""

    async def control(parts: list[str], fields: dict[str, Any]) -> object:
        match parts:
            case ["received"]:
                return make.received
            case ["counters"]:
                return {"calls": dict(make.calls), "received": len(make.received)}
            case [verb] if verb in SWITCHES:
                getattr(make, verb)(**fields)
                return True
            case _:
                raise Refused("there is no such control", status=404)

    return Controlled(make, control, index=__doc__)
