"""NocoDB's front door: tokens, addresses, faults, limits, counters."""

from __future__ import annotations

import json

import httpx
import pytest
import trio

from adapters.sandbox.nocodb import TABLE_ID, TOKEN, NocodbSandbox
from adapters.sandbox.nocodb_errors import Flavour
from adapters.sandbox.server import Request, Response, serve
from tests.adapters.sandbox.calls import ask_nocodb, virtual_now

PATH = f"/api/v2/tables/{TABLE_ID}/records"


async def answered(nocodb: NocodbSandbox, request: Request) -> Response:
    response = await nocodb(request)
    assert response is not None
    return response


@pytest.mark.parametrize(
    ("flavour", "headers", "status"),
    [
        ("0.262", {"xc-token": TOKEN}, 200),
        ("0.301", {"xc-token": TOKEN}, 200),
        ("0.262", {}, 401),
        ("0.301", {}, 401),
        ("0.301", {"xc-token": "wrong"}, 401),
        ("0.301", {"xc-token": "не"}, 401),
        ("0.262", {"authorization": f"Bearer {TOKEN}"}, 401),
        ("0.301", {"authorization": f"Bearer {TOKEN}"}, 200),
        ("0.301", {"authorization": f"Basic {TOKEN}"}, 401),
    ],
)
async def test_the_token_opens_the_table(
    flavour: Flavour, headers: dict[str, str], status: int
) -> None:
    request = Request(method="GET", path=PATH, headers=headers)
    assert (await answered(NocodbSandbox(flavour=flavour), request)).status == status


@pytest.mark.parametrize(
    ("flavour", "body"),
    [
        ("0.262", {"msg": "Invalid token"}),
        (
            "0.301",
            {
                "error": "ERR_AUTHENTICATION_REQUIRED",
                "message": "Authentication required - Invalid token",
            },
        ),
    ],
)
async def test_a_wrong_token_is_refused_in_each_versions_words(
    flavour: Flavour, body: object
) -> None:
    response = await answered(NocodbSandbox(flavour=flavour), Request(method="GET", path=PATH))
    assert json.loads(response.body) == body


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/api/v2/tables/mnope/records", 404, "ERR_TABLE_NOT_FOUND"),
        ("PUT", PATH, 404, None),
        ("POST", f"{PATH}/1", 404, None),
        ("GET", "/api/v3/data", 404, None),
        ("GET", f"{PATH}/", 200, None),
    ],
)
async def test_an_address_names_a_table_and_what_to_do(
    method: str, path: str, status: int, error: str | None
) -> None:
    request = Request(method=method, path=path, headers={"xc-token": TOKEN})
    response = await answered(NocodbSandbox(), request)
    assert response.status == status
    assert json.loads(response.body).get("error") == error


async def test_requests_and_filters_are_counted() -> None:
    nocodb = NocodbSandbox()
    await ask_nocodb(nocodb, "POST", body={})
    await ask_nocodb(nocodb, where="(Paid,checked)")
    await ask_nocodb(nocodb, path="/count")
    await ask_nocodb(nocodb, path="/1")
    await ask_nocodb(nocodb, "PATCH", body={"Id": 1})
    await ask_nocodb(nocodb, "DELETE", body={"Id": 1})

    assert nocodb.calls == dict.fromkeys(("create", "list", "count", "read", "update", "delete"), 1)
    assert nocodb.wheres == ["(Paid,checked)", ""]


async def test_an_operator_ticks_renames_and_deletes() -> None:
    nocodb = NocodbSandbox()
    nocodb.insert(Name="Ann")

    nocodb.tick(1)
    nocodb.rename_column("Paid", "Оплачено")
    nocodb.tick(1, paid=False)
    assert (await ask_nocodb(nocodb, where="(Paid,checked)"))[0] == 422
    assert (await ask_nocodb(nocodb, fields="Paid"))[0] == 404
    assert (await ask_nocodb(nocodb, path="/1"))[1]["Оплачено"] is False
    nocodb.delete(1)
    assert nocodb.rows == []
    with pytest.raises(KeyError):
        nocodb.tick(1)


async def test_a_failed_request_changes_nothing() -> None:
    nocodb = NocodbSandbox()
    nocodb.fail_next(1, 429, {"msg": "slow down"}, retry_after=30, kind="create")
    nocodb.fail_next(1, 502, html=True)
    request = Request(method="POST", path=PATH, headers={"xc-token": TOKEN}, body=b"{}")

    limited = await answered(nocodb, request)
    broken = await answered(nocodb, request)

    assert (limited.status, limited.headers["retry-after"]) == (429, "30")
    assert json.loads(limited.body) == {"msg": "slow down"}
    assert (broken.status, broken.headers["content-type"][:9]) == (502, "text/html")
    assert nocodb.rows == []


async def test_a_dropped_request_is_carried_out() -> None:
    nocodb = NocodbSandbox()
    nocodb.drop_next(1)
    request = Request(method="POST", path=PATH, headers={"xc-token": TOKEN}, body=b"{}")

    assert await nocodb(request) is None
    assert len(nocodb.rows) == 1


async def test_a_hanging_request_is_carried_out_late() -> None:
    nocodb = NocodbSandbox()
    nocodb.hang_next(1, 20)
    await ask_nocodb(nocodb, "POST", body={})

    assert trio.current_time() == pytest.approx(20, abs=0.1)
    assert len(nocodb.rows) == 1


async def test_a_slow_server_is_slow_every_time() -> None:
    nocodb = NocodbSandbox(latency_seconds=0.5)
    for _ in range(3):
        await ask_nocodb(nocodb)
    assert trio.current_time() == pytest.approx(1.5, abs=0.1)


async def test_the_cloud_takes_five_requests_a_second_then_rests_thirty() -> None:
    nocodb = NocodbSandbox(now=virtual_now)
    nocodb.cloud_limit(on=True)

    statuses = [(await ask_nocodb(nocodb))[0] for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    await trio.sleep(29.9)
    assert (await ask_nocodb(nocodb))[0] == 429
    await trio.sleep(0.2)
    assert (await ask_nocodb(nocodb))[0] == 200
    for _ in range(20):
        await trio.sleep(0.25)
        assert (await ask_nocodb(nocodb))[0] == 200


async def test_a_registration_over_a_socket() -> None:
    nocodb = NocodbSandbox(booleans="sqlite")
    async with (
        serve(nocodb) as url,
        httpx.AsyncClient(base_url=url, headers={"xc-token": TOKEN}) as client,
    ):
        created = await client.post(PATH, json={"Name": "Ольга", "ChatId": 7})
        nocodb.tick(created.json()["Id"])
        where = "(Paid,checked)~and(UpdatedAt,gt,exactDate,2026-01-01 00:00:00)"
        paid = await client.get(PATH, params={"where": where, "sort": "UpdatedAt"})
        too_long = await client.get(PATH, params={"where": "x" * 17_000})

    assert [(row["Name"], row["Paid"]) for row in paid.json()["list"]] == [("Ольга", 1)]
    assert "date" in paid.headers
    assert (too_long.status_code, too_long.content) == (431, b"")
