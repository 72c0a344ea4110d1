"""`main.py replay`: what providers delivered, through the operator API of the running shop; and
what is decided about orders (`config.decisions`).

Exit status: 0 done, 1 something of it was refused or failed, 2 what was typed makes no sense,
3 nobody there, 4 more than one event chosen by a filter, and no --yes.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

import cyclopts
import trio

from actors.ingress.model import EventState, SourceName
from config import decisions
from config.commands import REPLAY
from config.health import Flag
from config.office import HERE, Office, Refused, Say, Where, tell_office
from config.process import DONE, FAILED

NOT_CONFIRMED = 4
LIMIT = 50
EVENTS = "/v1/admin/events"
OUTCOME_SECONDS, LOOK_SECONDS = 3.0, 0.1
"""For how long, and how often, it is asked what became of an event that is tried again."""
COLUMNS = {
    "event_id": "event",
    "state": "state",
    "source": "source",
    "kind": "kind",
    "subject": "subject",
    "received_at": "received",
    "outcome": "outcome",
}
OUTLINE = {"event_id": "event", "result": "result", "detail": "detail"}

app = cyclopts.App(
    name="replay",
    help=REPLAY,
    result_action="return_value",
)

for _decision in (decisions.accept, decisions.dismiss, decisions.refund):
    app.command(_decision)

Ids = Annotated[tuple[int, ...], cyclopts.Parameter(negative="", show_default=False)]
Count = Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=1))]

_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@cyclopts.Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events are meant."""

    source: SourceName | None = None
    """stripe, yookassa, nowpayments, nocodb or telegram."""

    kind: str | None = None
    """A type of event in its source's own words, such as charge.refunded."""

    state: EventState | None = None
    """pending, processed, ignored or parked."""

    since: str | None = None
    """Received in this time, such as 90s, 30m, 2h or 7d."""

    before: str | None = None
    """Received longer ago than this."""

    limit: Count = LIMIT
    """At most so many, the newest."""

    def query(self, ids: tuple[int, ...], *, now: datetime) -> dict[str, Any]:
        """The filter in the API's words. Raises `ValueError`."""
        told: dict[str, Any] = {"id": list(ids), "limit": min(self.limit, 500)}
        if self.source is not None:
            told["source"] = self.source.value
        if self.kind is not None:
            told["kind"] = self.kind
        if self.state is not None:
            told["state"] = self.state.value
        if self.since is not None:
            told["received_from"] = (now - _age(self.since)).isoformat()
        if self.before is not None:
            told["received_before"] = (now - _age(self.before)).isoformat()
        return told

    @property
    def chooses(self) -> bool:
        """Whether it says anything at all."""
        told = (self.source, self.kind, self.state, self.since, self.before)
        return any(part is not None for part in told)


ALL = Filter()


@app.command(name="list")
def list_events(*ids: int, chosen: Filter = ALL, where: Where = HERE) -> int:
    """Show events, newest first.

    Parameters
    ----------
    ids
        Numbers of events.
    """

    async def tell(office: Office, say: Say) -> int:
        found = await _chosen(office, ids, chosen)
        say.table({"events": found}, found, COLUMNS, nothing="no event fits")
        return DONE

    return tell_office(where, tell)


@app.command
def show(event_id: int, *, where: Where = HERE) -> int:
    """Show one event whole: its body, its headers, what operators did."""

    async def tell(office: Office, say: Say) -> int:
        event = await office.get(f"{EVENTS}/{event_id}")
        say.facts(event, {**event, "body": _indented(event["body"])} if "body" in event else event)
        return DONE

    return tell_office(where, tell)


@app.command(name="dry-run")
def dry_run(*ids: int, chosen: Filter = ALL, where: Where = HERE) -> int:
    """Show what events would do; nothing is changed. Exits with 1 when one cannot be read."""
    return tell_office(where, partial(_each, _Errand("dry-run", yes=True), ids, chosen))


@app.command(name="run")
def run_again(
    *ids: int, why: str, chosen: Filter = ALL, yes: Flag = False, where: Where = HERE
) -> int:
    """Try events again, now, whatever their state: what they mean is done once all the same.

    Parameters
    ----------
    ids
        Numbers of events; or choose them by --state parked, --source and so on.
    why
        The reason; it is written down with your token's name.
    yes
        Do it for everything that the filter chooses, without asking.
    """
    return tell_office(where, partial(_each, _Errand("replay", why=why, yes=yes), ids, chosen))


@app.command
def park(*ids: int, why: str, chosen: Filter = ALL, yes: Flag = False, where: Where = HERE) -> int:
    """Put pending events aside, so that nobody works on them.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    yes
        Do it for everything that the filter chooses, without asking.
    """
    return tell_office(where, partial(_each, _Errand("park", why=why, yes=yes), ids, chosen))


@app.command
def prune(*, where: Where = HERE) -> int:
    """Forget what is finished and older than its source's retention; never what is pending or
    parked.
    """

    async def tell(office: Office, say: Say) -> int:
        total: dict[str, int] = {}
        while True:  # a few thousand at a time
            forgotten = (await office.post("/v1/admin/prune", {}))["forgotten"]
            total = {source: total.get(source, 0) + n for source, n in forgotten.items()}
            if not any(forgotten.values()):
                break
        say.lines({"forgotten": total}, [f"{source} {n}" for source, n in total.items()])
        return DONE

    return tell_office(where, tell)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What is to be done with each event; `yes`: with everything that a filter chooses."""

    do: Literal["dry-run", "replay", "park"]
    why: str = ""
    yes: bool = False


async def _each(
    errand: _Errand, ids: tuple[int, ...], chosen: Filter, office: Office, say: Say
) -> int:
    """Do one thing with every chosen event, the oldest first."""
    if not ids and not chosen.chooses:
        raise ValueError("say which events: their numbers, or a filter such as --state parked")
    found = [{"event_id": event_id} for event_id in ids]
    if chosen.chooses:
        found = await _chosen(office, ids, chosen)
        if len(found) > 1 and not errand.yes:
            sys.stderr.write(
                f"{len(found)} events are chosen, and nothing was done; --yes does it for all of "
                "them\n"
            )
            return NOT_CONFIRMED
    body = {"why": errand.why} if errand.why else {}
    results, status = [], DONE
    for event_id in sorted(event["event_id"] for event in found):
        try:
            answer = await office.post(f"{EVENTS}/{event_id}/{errand.do}", body)
            if errand.do == "replay":
                answer = {**answer, **await outcome_of(office, event_id)}
        except Refused as refusal:
            answer = {"refused": str(refusal)}
        if "refused" in answer or answer.get("failure") or answer.get("state") == "parked":
            status = FAILED
        results.append({"event_id": event_id, **answer})
    shown = [outlined(result) for result in results]
    say.table({"events": results}, shown, OUTLINE, nothing="no event fits")
    return status


async def outcome_of(office: Office, event_id: int) -> dict[str, Any]:
    """What has become of an event that is tried again, if that is known soon."""
    deadline = trio.current_time() + OUTCOME_SECONDS
    while True:
        event = await office.get(f"{EVENTS}/{event_id}")
        if event["state"] != "pending" or trio.current_time() >= deadline:
            return {"state": event["state"], "outcome": event["outcome"]}
        await trio.sleep(LOOK_SECONDS)


def outlined(result: dict[str, Any]) -> dict[str, object]:
    """What was done with one event, in two words and a sentence."""
    event_id = result["event_id"]
    match result:
        case {"refused": why}:
            return {"event_id": event_id, "result": "refused", "detail": why}
        case {"replayed": _, "state": "parked", "outcome": why}:
            return {"event_id": event_id, "result": "parked again", "detail": why}
        case {"replayed": _, "state": "pending", "outcome": why}:
            told = why or "it is still being worked on: `replay show` tells more"
            return {"event_id": event_id, "result": "pending", "detail": told}
        case {"replayed": _, "state": state, "outcome": why}:
            return {"event_id": event_id, "result": state, "detail": why}
        case {"parked": _}:
            return {"event_id": event_id, "result": "parked"}
        case {"fact": None, "failure": why}:
            return {"event_id": event_id, "result": "cannot be read", "detail": why}
        case {"fact": {"is": what, **rest}}:
            return {"event_id": event_id, "result": what, "detail": rest}
        case _:
            return result


async def _chosen(office: Office, ids: tuple[int, ...], chosen: Filter) -> list[dict[str, Any]]:
    query = chosen.query(ids, now=datetime.now(UTC))
    found: list[dict[str, Any]] = []
    while len(found) < chosen.limit:
        page = await office.get(EVENTS, query)
        found += page["events"]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    return found[: chosen.limit]


def _age(text: str) -> timedelta:
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"no age: {text[:20]!r}; write 90s, 30m, 2h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _indented(body: str) -> str:
    """A body of JSON as people read it; anything else as it came."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
