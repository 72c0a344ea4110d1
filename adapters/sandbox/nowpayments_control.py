"""Control of a NOWPayments sandbox over HTTP, for a demo in several processes.

    GET  /_control/payments                  every payment, oldest first
    POST /_control/choose                    {"invoice_id", "coin"}; answers the payment's id
    POST /_control/pay                       {"payment_id", "share", "until"}; the same
    POST /_control/move                      {"payment_id", "status"}
    POST /_control/expire                    {"payment_id"}
    POST /_control/deliveries/<switch>       duplicate_next, delay_next, reorder_next, lose_next,
                                             lose_answers_next, release: see `deliveries`
    POST /_control/resend                    {"name"}: "<payment id>:<status>"
    POST /_control/fail_next                 {"times", "status", "kind"}
    POST /_control/hang_next                 {"times", "seconds", "kind"}
    POST /_control/drop_next                 {"times", "kind"}
    GET  /_control/counters                  requests per kind, notifications sent and delivered

Answers JSON; `{"error": ...}` with 400 when something does not fit.
"""

from __future__ import annotations

import json
from typing import Any

from adapters.sandbox import deliveries
from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.nowpayments import NowPaymentsSandbox
from adapters.sandbox.nowpayments_books import dumps

SWITCHES = frozenset({"choose", "pay", "move", "expire", "fail_next", "hang_next", "drop_next"})
"""Methods of the sandbox that take the fields of the body as they are."""


def controlled(nowpayments: NowPaymentsSandbox) -> Controlled:
    """The sandbox with its control beside it, to be served."""

    async def control(parts: list[str], fields: dict[str, Any]) -> object:
        match parts:
            case ["payments"]:
                payments = nowpayments.payments.values()
                return json.loads(dumps([payment.as_json() for payment in payments]))
            case ["counters"]:
                sent = nowpayments.deliveries.sendings
                return {
                    "calls": dict(nowpayments.calls),
                    "sent": len(sent),
                    "delivered": sum(sending.delivered for sending in sent),
                    "attempts": sum(len(sending.attempts) for sending in sent),
                }
            case ["resend"]:
                nowpayments.deliveries.resend(**fields)
                return True
            case ["deliveries", switch] if switch in deliveries.SWITCHES:
                getattr(nowpayments.deliveries, switch)(**fields)
                return True
            case [verb] if verb in SWITCHES:
                return getattr(nowpayments, verb)(**fields)
            case _:
                raise Refused("there is no such control", status=404)

    return Controlled(nowpayments, control, index=__doc__)
