"""Control of a Telegram sandbox over HTTP, for a demo in several processes.

    POST /_control/push                      an update
    POST /_control/users                     {"user_id", "first_name", "language_code"}
    POST /_control/users/<id>/says           {"text"}; also commands
    POST /_control/users/<id>/shares_contact {"phone_number"}
    POST /_control/users/<id>/sends          {"kind"}
    POST /_control/users/<id>/presses        {"button"}
    POST /_control/users/<id>/pays           {"link"}, "" for the newest invoice he sees; waits
    POST /_control/users/<id>/blocks_bot     {}; also unblocks_bot, deactivates
    GET  /_control/users/<id>/screen         what he sees
    GET  /_control/users/<id>/sees           ?text=...&within=5; waits, 408 when it does not come
    POST /_control/fail_next                 {"times", "status", "description", "method", ...}
    POST /_control/hang_next                 {"times", "seconds", "method"}
    POST /_control/drop_next                 {"times", "method"}
    POST /_control/flood                     {"chat_id", "seconds"}
    POST /_control/flood_next                {"times", "seconds"}
    POST /_control/rate_limit                {"on"}
    GET  /_control/counters                  requests per method, violations, waiting updates

The id of a group, which is negative, stands for somebody in it: the administrators', for example.

Answers JSON; `{"error": ...}` with 400 when something does not fit, 409 when the person
cannot do it.
"""

from __future__ import annotations

from typing import Any

from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_user import SEES_SECONDS, CannotDo, TelegramUser

DOINGS = frozenset({"says", "commands", "shares_contact", "sends", "presses"}) | frozenset(
    {"blocks_bot", "unblocks_bot", "deactivates"}
)
"""Methods of a person that take the fields of the body as they are."""
SWITCHES = frozenset({"fail_next", "hang_next", "drop_next"}) | frozenset(
    {"flood", "flood_next", "rate_limit"}
)
"""The same of the sandbox."""


def controlled(telegram: TelegramSandbox) -> Controlled:
    """The sandbox with its control beside it, to be served."""

    async def control(parts: list[str], fields: dict[str, Any]) -> object:
        match parts:
            case ["users"]:
                return telegram.user(**fields).account.as_json()
            case ["users", user_id, verb]:
                return await _of_user(_somebody(telegram, int(user_id)), verb, fields)
            case ["push"]:
                return telegram.push(fields)
            case ["counters"]:
                return {
                    "calls": dict(telegram.calls),
                    "violations": telegram.limits.violations,
                    "too_early": telegram.limits.too_early,
                    "billed": telegram.limits.billed,
                    "waiting_updates": len(telegram.world.updates),
                }
            case [verb] if verb in SWITCHES:
                getattr(telegram, verb)(**fields)
                return True
            case _:
                raise Refused("there is no such control", status=404)

    return Controlled(telegram, control, index=__doc__)


def _somebody(telegram: TelegramSandbox, user_id: int) -> TelegramUser:
    return telegram.user(user_id) if user_id > 0 else telegram.member(user_id)


async def _of_user(user: TelegramUser, verb: str, fields: dict[str, Any]) -> object:
    if verb == "screen":
        return user.screen().as_json()
    if verb == "sees":
        within_seconds = float(fields.get("within", SEES_SECONDS))
        try:
            return (await user.sees(fields["text"], within=within_seconds)).as_json()
        except AssertionError as error:
            raise Refused(str(error), status=408) from error
    if verb == "pays":
        try:
            return (await user.pays(**fields)).as_json()
        except CannotDo as error:
            raise Refused(str(error), status=409) from error
    if verb not in DOINGS:
        raise Refused(f"a person cannot {verb}", status=404)
    try:
        getattr(user, verb)(**fields)
    except CannotDo as error:
        raise Refused(str(error), status=409) from error
    return True
