"""Control of a NocoDB sandbox over HTTP, for a demo in several processes.

    GET  /_control/rows                      as they are stored
    POST /_control/insert                    {"Name": ..., ...}; answers the id
    POST /_control/tick                      {"record_id", "paid"}
    POST /_control/delete                    {"record_id"}
    POST /_control/rename_column             {"old", "new"}
    POST /_control/fail_next                 {"times", "status", "body", "html", ...}
    POST /_control/hang_next                 {"times", "seconds", "kind"}
    POST /_control/drop_next                 {"times", "kind"}
    POST /_control/cloud_limit               {"on"}
    GET  /_control/counters                  requests per kind, the filters asked for

Answers JSON; `{"error": ...}` with 400 when something does not fit.
"""

from __future__ import annotations

from typing import Any

from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.nocodb_table import shown

SWITCHES = frozenset({"insert", "tick", "delete", "rename_column", "cloud_limit"}) | frozenset(
    {"fail_next", "hang_next", "drop_next"}
)
"""Methods of the sandbox that take the fields of the body as they are."""


def controlled(nocodb: NocodbSandbox) -> Controlled:
    """The sandbox with its control beside it, to be served."""

    async def control(parts: list[str], fields: dict[str, Any]) -> object:
        match parts:
            case ["rows"]:
                return [
                    {title: shown(value, nocodb.booleans) for title, value in row.items()}
                    for row in nocodb.rows
                ]
            case ["counters"]:
                return {"calls": dict(nocodb.calls), "wheres": nocodb.wheres}
            case [verb] if verb in SWITCHES:
                return getattr(nocodb, verb)(**fields)
            case _:
                raise Refused("there is no such control", status=404)

    return Controlled(nocodb, control, index=__doc__)
