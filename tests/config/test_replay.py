"""`main.py replay` against the real operator API, served beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.ingress.desk import EventDesk
from actors.ingress.model import Event, EventState, SourceName
from actors.kernel.ids import EventId
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.events import event_routes
from config.commands import main
from config.office import Office
from config.replay import NOT_CONFIRMED, OUTCOME_SECONDS, Filter, outcome_of, outlined
from runtime.testing import Probe, running
from runtime.world import RealWorld
from tests.actors.ingress.provider import Provider, SlowEvents, paid
from tests.adapters.contract.provider_events import delivered
from tests.adapters.http.wire import serving
from tests.config.program import ended

TOKEN = "a token of twenty-four characters"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Shop:
    """A running shop, as far as it is asked; `run` types a command."""

    def __init__(self, url: str, events: SlowEvents, folder: Path) -> None:
        self.events, self._url, self._folder = events, url, folder

    async def run(self, *typed: str, token: str = TOKEN) -> tuple[int, str, str]:
        arguments = ("replay", *typed, "--url", self._url)
        environment = {"OPERATOR_TOKEN": token} if token else {}
        return await ended(*arguments, folder=self._folder, environment=environment)

    async def add(self, key: str, *, hours: float = 0.0, kind: str = "paid") -> EventId:
        event = Event(
            source=SourceName.STRIPE,
            key=key,
            kind=kind,
            subject="pi_1",
            body=b'{"odd": "\x1b[31m"}',
            headers={},
        )
        at = datetime.now(UTC) - timedelta(hours=hours)
        return (await delivered(self.events, event, len(self.events.states()), at)).event_id


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[Shop]:
    events, stripe = SlowEvents(), Provider()
    stripe.facts["paid"] = paid()
    async with running(world=RealWorld()) as system:
        desk = system.spawn(
            lambda: EventDesk(sources={SourceName.STRIPE: stripe}, events=events, processor=Probe())
        )
        app = application(event_routes(events, desk, Operators(token=TOKEN, loopback=True)))
        async with serving(app) as served:
            yield Shop(f"http://127.0.0.1:{served.port}", events, folder)


@pytest.mark.process
async def test_an_operator_finds_what_is_parked_looks_at_it_and_replays_it(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as shop:
        event_id = await shop.add("evt_1")
        await shop.add("evt_2")
        await shop.events.parked(event_id, "odd", at=NOW)

        status, out, err = await shop.run("list", "--state", "parked", "--json")
        assert (status, err, out.count("\n")) == (0, "", 1)
        (listed,) = json.loads(out)["events"]
        assert (listed["event_id"], listed["outcome"]) == (event_id, "odd")

        status, out, _ = await shop.run("show", str(event_id))
        assert status == 0
        assert 'body:         {"odd": " [31m"}\n' in out
        assert "\x1b" not in out

        status, out, _ = await shop.run("dry-run", str(event_id), "--json")
        assert status == 0
        assert json.loads(out)["events"][0]["fact"]["amount"] == "19.99 USD"
        assert shop.events.count(EventState.PARKED) == 1

        status, out, _ = await shop.run("run", str(event_id), "--why", "after the fix")
        assert (status, out.splitlines()[1].split()[:2]) == (0, [str(event_id), "pending"])
        assert shop.events.count(EventState.PENDING) == 2
        found = await shop.events.find(event_id)
        assert found is not None
        assert [(a.who, a.why) for a in found.actions] == [("operator", "after the fix")]


@pytest.mark.process
async def test_what_a_filter_chooses_needs_a_second_word(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        for number, hours in enumerate((0.0, 1.0, 30.0)):
            await shop.add(f"evt_{number}", hours=hours)
        chosen = ("park", "--why", "forged", "--since", "2h")
        status, out, err = await shop.run(*chosen)
        assert (status, out) == (NOT_CONFIRMED, "")
        assert "2 events are chosen, and nothing was done; --yes" in err
        assert shop.events.count(EventState.PARKED) == 0
        status, _, _ = await shop.run(*chosen, "--yes")
        assert status == 0
        assert shop.events.states() == {"evt_0": "parked", "evt_1": "parked", "evt_2": "pending"}


@pytest.mark.process
async def test_what_cannot_be_done_is_told_and_the_rest_is(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        event_id = await shop.add("evt_1")
        typed = ("park", "999", str(event_id), "--why", "x", "--json")
        status, out, _ = await shop.run(*typed)
        assert status == 1
        assert json.loads(out)["events"] == [
            {"event_id": event_id, "parked": True},
            {"event_id": 999, "refused": "there is no such event"},
        ]
        assert (await shop.run("show", "999"))[0] == 1
        assert (await shop.run("list", "--kind", "no kind"))[0] == 2
        status, _, err = await shop.run("list", token="")
        assert status == 3
        assert "set OPERATOR_TOKEN" in err


@pytest.mark.process
async def test_what_is_old_and_finished_is_forgotten(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        event_id = await shop.add("evt_1")
        await shop.events.processed(event_id, at=NOW - timedelta(days=9_999))
        status, out, _ = await shop.run("prune")
        assert status == 0
        assert "stripe 1\n" in out


class Inbox(Office):
    """What it says of an event, the last answer again and again."""

    def __init__(self, *states: str) -> None:
        self.states, self.asked = list(states), 0

    async def get(self, path: str, query: object = None) -> Any:
        del query
        assert path == "/v1/admin/events/33"
        self.asked += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"state": state, "outcome": "no such object" if state == "parked" else None}


async def test_it_is_told_what_became_of_an_event_that_is_tried_again() -> None:
    told = await outcome_of(Inbox("pending", "pending", "parked"), 33)
    assert told == {"state": "parked", "outcome": "no such object"}
    assert (await outcome_of(Inbox("processed"), 33))["state"] == "processed"
    began = trio.current_time()
    assert (await outcome_of(Inbox("pending"), 33))["state"] == "pending"
    assert trio.current_time() - began == pytest.approx(OUTCOME_SECONDS)


@pytest.mark.parametrize(
    ("answer", "result", "detail"),
    [
        ({"replayed": True, "state": "parked", "outcome": "odd"}, "parked again", "odd"),
        ({"replayed": True, "state": "processed", "outcome": None}, "processed", None),
        ({"refused": "there is no such event"}, "refused", "there is no such event"),
        ({"parked": True}, "parked", None),
        ({"fact": None, "failure": "its API is away"}, "cannot be read", "its API is away"),
        ({"fact": {"is": "nothing", "why": "x"}, "failure": ""}, "nothing", {"why": "x"}),
    ],
)
def test_what_was_done_with_an_event_is_two_words_and_a_sentence(
    answer: dict[str, Any], result: str, detail: object
) -> None:
    told = outlined({"event_id": 33, **answer})
    assert (told["event_id"], told["result"], told.get("detail")) == (33, result, detail)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["run", "--why", "x"], "say which events"),
        (["dry-run"], "say which events"),
        (["list", "--since", "yesterday"], "no age: 'yesterday'"),
        (["list", "--before", "9" * 99], "no age"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    typed: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *typed]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    "typed", [["run", "1"], ["park", "1"], ["list", "--state", "dead"], ["show"], ["show", "x"]]
)
def test_what_is_no_command_is_refused(typed: list[str]) -> None:
    assert main(["replay", *typed]) == 2


def test_a_filter_is_said_in_the_apis_words() -> None:
    chosen = Filter(
        source=SourceName.YOOKASSA,
        kind="payment.succeeded",
        state=EventState.PARKED,
        since="7d",
        before="90s",
        limit=3,
    )
    told: dict[str, Any] = chosen.query((4, 5), now=NOW)
    assert told == {
        "id": [4, 5],
        "source": "yookassa",
        "kind": "payment.succeeded",
        "state": "parked",
        "received_from": "2026-11-14T12:00:00+00:00",
        "received_before": "2026-11-21T11:58:30+00:00",
        "limit": 3,
    }
    assert not Filter(limit=3).chooses
