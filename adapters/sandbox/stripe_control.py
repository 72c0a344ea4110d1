"""Control of a Stripe sandbox over HTTP, for a demo in several processes.

    GET  /_control/sessions                  every checkout session
    GET  /_control/events                    every event, oldest first
    POST /_control/webhooks_to               {"url", "secrets", "kinds"}
    POST /_control/pay                       {"session_id"}; also decline, pay_later
    POST /_control/settle                    {"session_id", "arrives"}
    POST /_control/refund                    {"session_id", "units"}
    POST /_control/dispute                   {"session_id", "status"}; answers the dispute
    POST /_control/deliveries/<switch>       duplicate_next, delay_next, reorder_next, lose_next,
                                             lose_answers_next, release: see `deliveries`
    POST /_control/resend                    {"event_id"}
    POST /_control/fail_next                 {"times", "status", "body", "should_retry", "kind"}
    POST /_control/hang_next                 {"times", "seconds", "kind"}
    POST /_control/drop_next                 {"times", "kind"}
    GET  /_control/counters                  requests per kind, webhooks sent and delivered

Answers JSON; `{"error": ...}` with 400 when something does not fit, 409 when nobody can do it.
"""

from __future__ import annotations

from typing import Any

from adapters.sandbox import deliveries
from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.stripe import StripeSandbox
from adapters.sandbox.stripe_checkout import CannotDo

DOINGS = frozenset({"pay", "decline", "pay_later", "settle", "refund", "dispute"})
"""What people and banks do; the fields of the body as they are."""
SWITCHES = frozenset({"webhooks_to", "fail_next", "hang_next", "drop_next"})
"""The same of the sandbox."""


def controlled(stripe: StripeSandbox) -> Controlled:
    """The sandbox with its control beside it, to be served."""

    async def control(parts: list[str], fields: dict[str, Any]) -> object:
        match parts:
            case ["sessions"]:
                return list(stripe.checkouts.sessions.values())
            case ["events"]:
                return list(stripe.events.all.values())
            case ["counters"]:
                sent = stripe.deliveries.sendings
                return {
                    "calls": dict(stripe.calls),
                    "sent": len(sent),
                    "delivered": sum(sending.delivered for sending in sent),
                    "attempts": sum(len(sending.attempts) for sending in sent),
                }
            case ["resend"]:
                stripe.deliveries.resend(fields["event_id"])
                return True
            case ["deliveries", switch] if switch in deliveries.SWITCHES:
                getattr(stripe.deliveries, switch)(**fields)
                return True
            case [verb] if verb in DOINGS:
                return _done(stripe, verb, fields)
            case [verb] if verb in SWITCHES:
                getattr(stripe, verb)(**fields)
                return True
            case _:
                raise Refused("there is no such control", status=404)

    return Controlled(stripe, control, index=__doc__)


def _done(stripe: StripeSandbox, verb: str, fields: dict[str, Any]) -> object:
    try:
        return getattr(stripe.checkouts, verb)(**fields)
    except CannotDo as error:
        raise Refused(str(error), status=409) from error
