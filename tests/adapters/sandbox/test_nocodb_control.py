"""A NocoDB sandbox moved from another process."""

from __future__ import annotations

import pytest

from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.nocodb_control import controlled
from tests.adapters.sandbox.calls import ask_control, ask_nocodb


async def test_an_operator_works_from_afar() -> None:
    nocodb = NocodbSandbox(booleans="sqlite")
    app = controlled(nocodb)

    assert await ask_control(app, "POST", "/_control/insert", {"Name": "Ann"}) == (200, 1)
    assert (await ask_control(app, "POST", "/_control/tick", {"record_id": 1}))[0] == 200
    _, (row,) = await ask_control(app, "GET", "/_control/rows")
    assert (row["Name"], row["Paid"]) == ("Ann", 1)

    renamed = {"old": "Paid", "new": "Done"}
    assert (await ask_control(app, "POST", "/_control/rename_column", renamed))[0] == 200
    assert (await ask_control(app, "POST", "/_control/delete", {"record_id": 1}))[0] == 200
    assert (await ask_control(app, "GET", "/_control/rows"))[1] == []


async def test_faults_are_switched_and_requests_counted() -> None:
    nocodb = NocodbSandbox()
    app = controlled(nocodb)

    await ask_control(app, "POST", "/_control/fail_next", {"times": 1, "status": 500})
    await ask_control(app, "POST", "/_control/cloud_limit", {"on": True})
    assert (await ask_nocodb(nocodb, where="(Id,eq,1)"))[0] == 500
    assert (await ask_control(app, "GET", "/_control/counters"))[1] == {
        "calls": {"list": 1},
        "wheres": ["(Id,eq,1)"],
    }


@pytest.mark.parametrize(
    ("verb", "fields", "status"),
    [
        ("tick", {"record_id": 99}, 400),
        ("tick", {}, 400),
        ("rename_column", {"old": "Nope", "new": "x"}, 400),
        ("fail_next", {"times": 1, "status": 200}, 400),
        ("fail_next", {"times": 1, "status": 500, "retry_after": "soon"}, 400),
        ("drop_table", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_an_answer(
    verb: str, fields: dict[str, object], status: int
) -> None:
    app = controlled(NocodbSandbox())
    got, answer = await ask_control(app, "POST", f"/_control/{verb}", fields)
    assert got == status
    assert answer["error"]
