"""Control of a YooKassa sandbox over HTTP, for a demo in several processes.

    GET  /_control/payments                  every payment, oldest first
    POST /_control/webhooks_to               {"url"}
    POST /_control/pay                       {"payment_id"}; also expire
    POST /_control/cancel                    {"payment_id", "reason", "party"}
    POST /_control/refund                    {"payment_id", "value"}; answers the refund's id
    POST /_control/deliveries/<switch>       duplicate_next, delay_next, reorder_next, lose_next,
                                             lose_answers_next, release: see `deliveries`
    POST /_control/resend                    {"name"}: "<event>:<object's id>"
    POST /_control/processing_next           {"times"}; also forget_next
    POST /_control/fail_next                 {"times", "status", "kind"}
    POST /_control/hang_next                 {"times", "seconds", "kind"}
    POST /_control/drop_next                 {"times", "kind"}
    GET  /_control/counters                  requests per kind, notifications sent and delivered

Answers JSON; `{"error": ...}` with 400 when something does not fit.
"""

from __future__ import annotations

from typing import Any

from adapters.sandbox import deliveries
from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.yookassa import YooKassaSandbox
from adapters.sandbox.yookassa_objects import Refused as ByYooKassa

SWITCHES = frozenset({"webhooks_to", "pay", "expire", "cancel", "refund"}) | frozenset(
    {"processing_next", "forget_next", "fail_next", "hang_next", "drop_next"}
)
"""Methods of the sandbox that take the fields of the body as they are."""


def controlled(yookassa: YooKassaSandbox) -> Controlled:
    """The sandbox with its control beside it, to be served."""

    async def control(parts: list[str], fields: dict[str, Any]) -> object:
        match parts:
            case ["payments"]:
                return list(yookassa.payments.values())
            case ["counters"]:
                sent = yookassa.deliveries.sendings
                return {
                    "calls": dict(yookassa.calls),
                    "sent": len(sent),
                    "delivered": sum(sending.delivered for sending in sent),
                    "attempts": sum(len(sending.attempts) for sending in sent),
                }
            case ["resend"]:
                yookassa.deliveries.resend(**fields)
                return True
            case ["deliveries", switch] if switch in deliveries.SWITCHES:
                getattr(yookassa.deliveries, switch)(**fields)
                return True
            case [verb] if verb in SWITCHES:
                return _done(yookassa, verb, fields)
            case _:
                raise Refused("there is no such control", status=404)

    return Controlled(yookassa, control, index=__doc__)


def _done(yookassa: YooKassaSandbox, verb: str, fields: dict[str, Any]) -> object:
    try:
        return getattr(yookassa, verb)(**fields)
    except ByYooKassa as error:
        raise Refused(str(error)) from error
