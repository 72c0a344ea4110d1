"""`main.py broadcast`: one text for many, through the operator API of the running shop.

Exit status: 0 done, 1 it failed for somebody, was refused by Telegram or cancelled, 2 refused:
what was typed makes no sense or cannot be done now, 3 nobody there, 130 Ctrl-C: the broadcast
goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import cyclopts
import trio

from config.broadcast_asked import Content, Segment, Words
from config.broadcast_watch import (
    LIST_COLUMNS,
    STATES_AT_REST,
    Look,
    in_a_list,
    told_in_a_line,
    watch,
)
from config.commands import BROADCAST
from config.health import Flag
from config.local_time import moment_of
from config.office import HERE, Office, Say, Where, tell_office
from config.process import DONE, FAILED, INTERRUPTED

BROADCASTS = "/v1/admin/broadcasts"
CHECK_SECONDS = 30.0
CHECK_LOOK_SECONDS = 0.2
RECIPIENT_COLUMNS = {
    "chat_id": "chat",
    "outcome": "outcome",
    "message_id": "message",
    "detail": "reason",
}

app = cyclopts.App(name="broadcast", help=BROADCAST, result_action="return_value")

Count = Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=1, lte=500))]
Outcomes = Literal["pending", "sending", "sent", "blocked", "failed", "unknown"]

PLAIN, EVERYBODY = Content(), Segment()


@app.command
def create(
    text: str,
    *,
    content: Content = PLAIN,
    to: Segment = EVERYBODY,
    at: str | None = None,
    at_least_once: Flag = False,
    paid: Flag = False,
    hold: Flag = False,
    wait: Flag = False,
    why: str | None = None,
    where: Where = HERE,
) -> int:
    """Show a text to the administrators, and then send it to everybody, or to a part.

    Parameters
    ----------
    text
        HTML as Telegram takes it, with {first_name}, {name}, {language}, {chat_id} and
        {first_name|friend}; - reads it from stdin.
    at
        When it starts, such as "2026-11-21 18:00" by the clocks of TIME_ZONE, or with its zone
        2026-11-21T18:00+02:00; at once without.
    at_least_once
        Send again where an answer was lost: somebody may get it twice, nobody goes without.
    paid
        Let Telegram bill it, as far as BROADCAST_STARS_BUDGET allows.
    hold
        Wait for `resume` once the administrators have seen it.
    wait
        Look on until it is done; Ctrl-C only stops looking.
    why
        Written down with your token's name.
    """

    async def tell(office: Office, say: Say) -> int:
        told = content.told(text) | {"audience": to.told(now=datetime.now(UTC))}
        told |= {"at_least_once": at_least_once, "paid": paid, "hold": hold}
        if at is not None:
            told["starts_at"] = moment_of(at, say.zone).isoformat()
        if why is not None:
            told["why"] = why
        begun = await office.post_once(BROADCASTS, told)
        return await _follow(office, say, begun, wait=wait)

    return _watching(where, tell)


@app.command(name="list")
def list_broadcasts(*, state: Words = (), limit: Count = 20, where: Where = HERE) -> int:
    """Show broadcasts, the newest first.

    Parameters
    ----------
    state
        checking, draft, ready, scheduled, running, paused, finished, cancelled or deleted.
    """

    async def tell(office: Office, say: Say) -> int:
        query: dict[str, Any] = {"state": list(state), "limit": limit}
        page = await office.get(BROADCASTS, query)
        found = page["broadcasts"]
        say.table(
            {"broadcasts": found},
            [{**each, **in_a_list(each, say.clocks)} for each in found],
            LIST_COLUMNS,
            nothing="no broadcast fits",
        )
        return DONE

    return tell_office(where, tell)


@app.command
def show(
    broadcast_id: int,
    *,
    recipients: Annotated[
        tuple[Outcomes, ...], cyclopts.Parameter(negative="", show_default=False)
    ] = (),
    wait: Flag = False,
    where: Where = HERE,
) -> int:
    """Show one broadcast: what it says, how it stands, what was done to it.

    Parameters
    ----------
    recipients
        List those who stand so, with the reason, such as --recipients failed.
    wait
        Look on until it is done; Ctrl-C only stops looking.
    """

    async def tell(office: Office, say: Say) -> int:
        one = f"{BROADCASTS}/{broadcast_id}"
        found = await office.get(one)
        if wait:
            return await _follow(office, say, found, wait=True)
        if recipients:
            listed = await _recipients(office, one, recipients)
            document = {**found, "recipients": listed}
            say.table(document, listed, RECIPIENT_COLUMNS, nothing="nobody stands so")
        else:
            say.facts(found)
        return DONE

    return _watching(where, tell)


@app.command
def pause(broadcast_id: int, *, why: str, where: Where = HERE) -> int:
    """Let no further request begin, until `resume`.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    """
    return tell_office(where, partial(_do, broadcast_id, "pause", {"why": why}))


@app.command
def resume(broadcast_id: int, *, why: str, wait: Flag = False, where: Where = HERE) -> int:
    """Go on with what was paused, or begin what waits for somebody's word.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    wait
        Look on until it is done; Ctrl-C only stops looking.
    """
    return _watching(where, partial(_do, broadcast_id, "resume", {"why": why}, wait=wait))


@app.command
def cancel(broadcast_id: int, *, why: str, where: Where = HERE) -> int:
    """End it: who is pending gets nothing.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    """
    return tell_office(where, partial(_do, broadcast_id, "cancel", {"why": why}))


@app.command(name="retry-failed")
def retry_failed(
    broadcast_id: int,
    *,
    why: str,
    unknown: Flag = False,
    wait: Flag = False,
    where: Where = HERE,
) -> int:
    """Try again for those for whom it failed.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    unknown
        Also for those of whom nobody knows whether they have it: some will get it twice.
    wait
        Look on until it is done; Ctrl-C only stops looking.
    """
    body = {"why": why, "unknown": unknown}
    return _watching(where, partial(_do, broadcast_id, "retry-failed", body, wait=wait))


@app.command
def edit(
    broadcast_id: int,
    text: str,
    *,
    content: Content = PLAIN,
    why: str,
    wait: Flag = False,
    where: Where = HERE,
) -> int:
    """Send this instead; once it has started, also change what was sent, as a broadcast of its own.

    Parameters
    ----------
    text
        As for `create`.
    why
        The reason; it is written down with your token's name.
    wait
        Look on until it is done; Ctrl-C only stops looking.
    """

    async def tell(office: Office, say: Say) -> int:
        body = content.told(text) | {"why": why}
        return await _do(broadcast_id, "edit", body, office, say, wait=wait)

    return _watching(where, tell)


@app.command
def delete(broadcast_id: int, *, why: str, wait: Flag = False, where: Where = HERE) -> int:
    """Send nothing more and take back what was sent; Telegram allows it for 48 hours.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    wait
        Look on until it is done; Ctrl-C only stops looking.
    """
    return _watching(where, partial(_do, broadcast_id, "delete", {"why": why}, wait=wait))


async def _do(
    broadcast_id: int,
    verb: str,
    body: dict[str, Any],
    office: Office,
    say: Say,
    *,
    wait: bool = False,
) -> int:
    told = await office.post(f"{BROADCASTS}/{broadcast_id}/{verb}", body)
    return await _follow(office, say, told, wait=wait)


async def _follow(office: Office, say: Say, told: dict[str, Any], *, wait: bool) -> int:
    """Show how it stands as soon as it was checked, or when it is done."""
    number = told["broadcast_id"]
    look = partial(office.get, f"{BROADCASTS}/{number}")
    try:
        seen = await (watch(look, told, say.clocks) if wait else _checked(look, told))
    except KeyboardInterrupt:
        shows = f"`broadcast show {number} --wait` looks on again"
        sys.stderr.write(f"broadcast {number} goes on as it stands; {shows}\n")
        return INTERRUPTED
    # What was told at its creation, and is not told again.
    seen = seen | {name: told[name] for name in ("reachable", "unreachable") if told.get(name)}
    say.lines(seen, [told_in_a_line(seen, say.clocks)])
    went_wrong = seen["state"] == "draft" or (wait and _is_marred(seen))
    return FAILED if went_wrong else DONE


async def _checked(look: Look, seen: dict[str, Any]) -> dict[str, Any]:
    """How it stands once it was shown to the administrators, or they keep it waiting."""
    with trio.move_on_after(CHECK_SECONDS):
        while seen["state"] == "checking":
            await trio.sleep(CHECK_LOOK_SECONDS)
            seen = await look()
    return seen


def _is_marred(seen: dict[str, Any]) -> bool:
    """Whether it ended, and not for everybody as it should."""
    over = seen["state"] in STATES_AT_REST
    stopped = seen["state"] in {"cancelled", "deleted"}
    return over and bool(stopped or seen["failed"] or seen["unknown"])


async def _recipients(
    office: Office, one: str, outcomes: tuple[Outcomes, ...]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"outcome": list(outcomes), "limit": 500}
    while True:
        page = await office.get(f"{one}/recipients", query)
        found += page["recipients"]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


def _watching(where: Where, tell: Callable[[Office, Say], Awaitable[int]]) -> int:
    """Ask the shop; Ctrl-C leaves, and undoes nothing."""
    try:
        return tell_office(where, tell)
    except KeyboardInterrupt:
        sys.stderr.write("`broadcast list` shows whether it was begun\n")
        return INTERRUPTED
