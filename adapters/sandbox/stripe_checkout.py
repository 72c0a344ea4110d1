"""Checkout sessions and what comes of them: payments, charges, refunds, disputes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any, Literal

from adapters.sandbox.stripe_errors import Refused, invalid, no_such
from adapters.sandbox.stripe_events import Events
from adapters.sandbox.stripe_forms import Fields
from adapters.sandbox.stripe_sessions import new_session

Json = dict[str, Any]
Closing = Literal["won", "lost"]


class CannotDo(Exception):  # noqa: N818 - a verdict
    """Nobody could do that: the session is not open, or there is nothing to give back."""


class Checkouts:
    """One account's sessions, payment intents and charges, as Stripe's own objects."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        live: bool,
        events: Events,
        page_url: str,
        first_number: int = 1,
    ) -> None:
        self._now, self._live, self._events, self._page_url = now, live, events, page_url
        self._numbers = count(first_number)
        self.sessions: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.balances: dict[str, Json] = {}
        self.disputes: list[Json] = []
        self._intent_metadata: dict[str, dict[str, str]] = {}

    # What the API does.

    def create(self, fields: Fields) -> Json:
        """`POST /v1/checkout/sessions`, for one payment; raises Refused."""
        mode = "live" if self._live else "test"
        session_id = f"cs_{mode}_a1Sandbox{next(self._numbers):020d}"
        session = new_session(fields, now=self._now(), live=self._live) | {
            "id": session_id,
            "url": f"{self._page_url}/c/pay/{session_id}",
        }
        self._intent_metadata[session_id] = fields.inner("payment_intent_data").texts("metadata")
        self.sessions[session_id] = session
        return session

    def session(self, session_id: str) -> Json:
        """One session; raises Refused."""
        if session_id not in self.sessions:
            raise no_such("checkout.session", session_id)
        return self.sessions[session_id]

    def intent(self, intent_id: str) -> Json:
        """One PaymentIntent; raises Refused."""
        if intent_id not in self.intents:
            raise no_such("payment_intent", intent_id)
        return self.intents[intent_id]

    def disputes_of(self, fields: Fields) -> Json:
        """`GET /v1/disputes`: those of one `charge`, the newest first."""
        charge = fields.text("charge")
        found = [each for each in reversed(self.disputes) if each["charge"] == charge]
        return {"object": "list", "data": found, "has_more": False, "url": "/v1/disputes"}

    def expire(self, session_id: str) -> Json:
        """`POST /v1/checkout/sessions/<id>/expire`: only an open one can be; raises Refused."""
        session = self.session(session_id)
        if session["status"] != "open":
            text = (
                f'Only Checkout Sessions with a status in ["open"] can be expired. This '
                f"Checkout Session has a status of `{session['status']}`."
            )
            raise Refused(400, text)
        session |= {"status": "expired", "url": None}
        if session["payment_intent"] is not None:
            intent = self.intents[session["payment_intent"]]
            intent |= {"status": "canceled", "canceled_at": self._seconds()}
            self._events.emit("payment_intent.canceled", intent)
        self._events.emit("checkout.session.expired", session)
        return session

    def expire_when_due(self, session_id: str) -> None:
        """Its time is over, if it is still open."""
        if self.sessions[session_id]["status"] == "open":
            self.expire(session_id)

    # What people and banks do.

    def pay(self, session_id: str, *, units: int | None = None) -> str:
        """Somebody pays on the page with a card; the PaymentIntent's id. `units` lets Stripe
        receive another amount than was asked for, which no card does.
        """
        session = self._open(session_id)
        intent = self._begun(session)
        self._close(session, "paid")
        self._succeed(intent, intent["amount"] if units is None else units)
        self._events.emit("checkout.session.completed", session)
        return str(intent["id"])

    def decline(self, session_id: str) -> str:
        """The bank refuses the card; the page stays open for another."""
        intent = self._begun(self._open(session_id))
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": {"type": "card_error", "code": "card_declined"},
        }
        self._events.emit("payment_intent.payment_failed", intent)
        return str(intent["id"])

    def pay_later(self, session_id: str) -> str:
        """Somebody pays by a delayed method: the page closes, the money is on its way."""
        session = self._open(session_id)
        intent = self._begun(session)
        self._close(session, "unpaid")
        intent["status"] = "processing"
        self._events.emit("payment_intent.processing", intent)
        self._events.emit("checkout.session.completed", session)
        return str(intent["id"])

    def settle(self, session_id: str, *, arrives: bool = True) -> None:
        """The delayed money arrives, or never will."""
        session, intent = self._paid(session_id)
        if intent["status"] != "processing":
            raise CannotDo(f"nothing is on its way for {session_id}")
        if arrives:
            session["payment_status"] = "paid"
            self._succeed(intent, intent["amount"])
            self._events.emit("checkout.session.async_payment_succeeded", session)
        else:
            intent["status"] = "requires_payment_method"
            self._events.emit("payment_intent.payment_failed", intent)
            self._events.emit("checkout.session.async_payment_failed", session)

    def refund(self, session_id: str, *, units: int | None = None) -> None:
        """The shop's owner gives some or all of it back in the dashboard."""
        charge = self._charge(session_id)
        left = charge["amount_captured"] - charge["amount_refunded"]
        units = left if units is None else units
        if not 0 < units <= left:
            raise CannotDo(f"{units} cannot be given back of {left}")
        self._give_back(charge, units)

    def give_back(self, fields: Fields) -> Json:
        """Create a refund of a PaymentIntent, or of a charge. Raises Refused."""
        fields.only(frozenset({"payment_intent", "charge", "amount"}))
        if intent_id := fields.text("payment_intent", ""):
            charge_id = self.intent(intent_id).get("latest_charge") or ""
        else:
            charge_id = fields.text("charge")
        charge = self.charges.get(charge_id)
        if charge is None:
            raise invalid("payment_intent", "This PaymentIntent does not have a successful charge")
        left = charge["amount_captured"] - charge["amount_refunded"]
        if not left:
            text = f"Charge {charge_id} has already been refunded."
            raise invalid("charge", text, "charge_already_refunded")
        units = fields.integer("amount", left)
        if not 0 < units <= left:
            raise invalid("amount", f"Refund amount ({units}) is greater than unrefunded amount")
        self._give_back(charge, units)
        return {
            "id": f"re_3Sandbox{next(self._numbers):016d}",
            "object": "refund",
            "amount": units,
            "charge": charge_id,
            "currency": charge["currency"],
            "payment_intent": charge["payment_intent"],
            "status": "succeeded",
        }

    def _give_back(self, charge: Json, units: int) -> None:
        charge["amount_refunded"] += units
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._events.emit("charge.refunded", charge)

    def dispute(self, session_id: str, *, status: str = "needs_response") -> Json:
        """The payer's bank takes it back, or only asks (`warning_needs_response`)."""
        charge = self._charge(session_id)
        charge["disputed"] = True
        dispute: Json = {
            "id": f"dp_1Sandbox{next(self._numbers):016d}",
            "object": "dispute",
            "amount": charge["amount"],
            "charge": charge["id"],
            "created": self._seconds(),
            "currency": charge["currency"],
            "livemode": self._live,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": "fraudulent",
            "status": status,
        }
        self.disputes.append(dispute)
        self._events.emit("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute: Json, outcome: Closing) -> None:
        """The bank has decided."""
        dispute["status"] = outcome
        self._events.emit("charge.dispute.closed", dispute)

    # How it comes about.

    def _open(self, session_id: str) -> Json:
        session = self.sessions.get(session_id)
        if session is None or session["status"] != "open":
            raise CannotDo(f"nobody can pay on {session_id}")
        return session

    def _paid(self, session_id: str) -> tuple[Json, Json]:
        session = self.sessions.get(session_id)
        if session is None or session["payment_intent"] is None:
            raise CannotDo(f"nobody has paid on {session_id}")
        return session, self.intents[session["payment_intent"]]

    def _charge(self, session_id: str) -> Json:
        _, intent = self._paid(session_id)
        if intent["latest_charge"] is None:
            raise CannotDo(f"nothing has been charged for {session_id}")
        return self.charges[intent["latest_charge"]]

    def _begun(self, session: Json) -> Json:
        """The session's PaymentIntent, which appears when somebody begins to pay."""
        if session["payment_intent"] is None:
            intent: Json = {
                "id": f"pi_3Sandbox{next(self._numbers):016d}",
                "object": "payment_intent",
                "amount": session["amount_total"],
                "amount_received": 0,
                "created": self._seconds(),
                "currency": session["currency"],
                "customer": None,
                "last_payment_error": None,
                "latest_charge": None,
                "livemode": self._live,
                "metadata": self._intent_metadata[session["id"]],
                "status": "requires_payment_method",
            }
            self.intents[intent["id"]] = intent
            session["payment_intent"] = intent["id"]
            self._events.emit("payment_intent.created", intent)
        return self.intents[session["payment_intent"]]

    def _close(self, session: Json, payment_status: str) -> None:
        details = {"email": "buyer@example.com", "name": "Sandbox Buyer"}
        session |= {"status": "complete", "payment_status": payment_status, "url": None}
        session["customer_details"] = details

    def _succeed(self, intent: Json, units: int) -> None:
        number = next(self._numbers)
        balance: Json = {
            "id": f"txn_3Sandbox{number:016d}",
            "object": "balance_transaction",
            "amount": units,
            "currency": intent["currency"],
            "fee": units * 29 // 1000 + 30,
        }
        charge: Json = {
            "id": f"ch_3Sandbox{number:016d}",
            "object": "charge",
            "amount": units,
            "amount_captured": units,
            "amount_refunded": 0,
            "balance_transaction": balance["id"],
            "captured": True,
            "created": self._seconds(),
            "currency": intent["currency"],
            "disputed": False,
            "livemode": self._live,
            "metadata": dict(intent["metadata"]),
            "paid": True,
            "payment_intent": intent["id"],
            "refunded": False,
            "status": "succeeded",
        }
        self.balances[balance["id"]], self.charges[charge["id"]] = balance, charge
        intent |= {"status": "succeeded", "amount_received": units, "latest_charge": charge["id"]}
        self._events.emit("charge.succeeded", charge)
        self._events.emit("payment_intent.succeeded", intent)

    def _seconds(self) -> int:
        return int(self._now().timestamp())
