"""Answers Telegram's question whether a payment may go ahead, ahead of every queue.

Receives  payments.PreCheckoutAsked
Tells     nobody; it answers through ports.PreCheckoutAnswers, a request of its own
Owns      nothing; it asks ports.Orders
Restarts  safely: a question is set aside until its update is handled, so the next incarnation has
          it first; Telegram refuses an answer that comes too late, and nothing was paid then

Telegram waits for 10 s. Questions are answered beside the mailbox, many at a time, so that one slow
look does not hold up the next. When the store has not told within `PATIENCE_SECONDS`, the
payment is refused in the payer's language: an invoice without an answer tells him nothing. A
defect at one question is logged and refused likewise: many others are under way beside it.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from actors.kernel.language import Language, language_of
from actors.kernel.money import Money
from actors.payments import messages as payments
from actors.payments import texts
from actors.payments.hearing import order_id_of
from actors.payments.orders import Order, State
from actors.payments.ports import Orders, PreCheckoutAnswers
from actors.payments.texts import Refusal
from runtime import Actor, message

PATIENCE_SECONDS = 5.0
"""How long the store may take; the answer needs the rest of the ten."""
ANSWER_ATTEMPTS_MAX = 2
"""An answer that did not get through is given once more; then Telegram has stopped waiting."""
FINISH_SECONDS = 10.0
"""After this the store is told again that an update is handled, if it could not keep that."""
QUESTIONS_MAX = 500
"""So many questions are under way at most; those above that are refused at once, and nobody but
the next recovery of the gateway repeats one of them, should this actor die over it."""

_PAID = (State.PAID, State.GRANTED, State.LATE, State.HELD, State.PROCESSING, State.UNDERPAID)


@message
class _Looked:
    """What the store says of the order that is to be paid."""

    asked: payments.PreCheckoutAsked
    found: Order | Exception | None


@message
class _OutOfPatience:
    """The store has had its time."""

    asked: payments.PreCheckoutAsked


@message
class _Answered:
    """The answer has reached Telegram, or has not."""

    asked: payments.PreCheckoutAsked
    refusal: Refusal | None
    attempt: int
    error: Exception | None = None


@message
class _Finish:
    """Nobody waits for an answer any more: the update is to be marked as handled."""

    update_id: UpdateId


@message
class _Finished:
    """It is, or the store could not."""

    update_id: UpdateId
    error: Exception | None = None


_Message = payments.PreCheckoutAsked | _Looked | _OutOfPatience | _Answered | _Finish | _Finished


class PreCheckout(Actor[_Message]):
    """See the four headings above."""

    def __init__(self, *, store: Orders, answers: PreCheckoutAnswers) -> None:
        super().__init__()
        self._store, self._answers = store, answers
        self._open: set[UpdateId] = set()
        """Questions that nobody has begun to answer."""
        self._aside: set[UpdateId] = set()
        """Questions that are stashed, and so outlive this incarnation."""
        self._handled: set[UpdateId] = set()
        """Those of them that need not be."""

    async def on_receive(self, message: _Message) -> None:
        match message:
            case payments.PreCheckoutAsked():
                self._hear(message)
            case _Looked():
                self._decide(message)
            case _OutOfPatience():
                self._answer(message.asked, Refusal.AWAY)
            case _Answered():
                self._answered(message)
            case _Finish(update_id=update_id):
                self._finish(update_id)
            case _Finished():
                self._finished(message)
            case _:
                assert_never(message)

    def _hear(self, asked: payments.PreCheckoutAsked) -> None:
        """Begin with a question, or see one again that was set aside: is it done with?"""
        update_id = asked.update_id
        if update_id in self._handled:
            self._handled.discard(update_id)
            self._aside.discard(update_id)
            return
        if update_id not in self._aside:
            self._open.add(update_id)
            if len(self._aside) >= QUESTIONS_MAX:
                self._answer(asked, Refusal.AWAY)
                return
            self._aside.add(update_id)
            self._look(asked)
        self.stash()

    def _look(self, asked: payments.PreCheckoutAsked) -> None:
        order_id = order_id_of(asked.payload)
        if order_id is None:
            self._answer(asked, Refusal.UNKNOWN)
            return
        self.after(PATIENCE_SECONDS, _OutOfPatience(asked=asked), key=asked.update_id)
        self.pipe(
            self._store.load,
            order_id,
            then=lambda found: _Looked(asked=asked, found=found),
            failed=lambda error: _Looked(asked=asked, found=error),
        )

    def _decide(self, told: _Looked) -> None:
        match told.found:
            case Unavailable():
                self._answer(told.asked, Refusal.AWAY)
            case Exception() as error:
                self.log.error("precheckout.look_failed", exc_info=error)
                self._answer(told.asked, Refusal.AWAY)
            case found:
                self._answer(told.asked, refusal_of(told.asked, found, now=self.now()))

    def _answer(
        self, asked: payments.PreCheckoutAsked, refusal: Refusal | None, *, attempt: int = 1
    ) -> None:
        """Answer, unless that has begun already."""
        if attempt == 1 and asked.update_id not in self._open:
            return
        self._open.discard(asked.update_id)
        self.cancel(asked.update_id)
        if attempt == 1:
            self.log.info("precheckout.decided", payload=asked.payload[:32], refusal=refusal)
        self.pipe(
            self._give,
            asked,
            refusal,
            then=lambda _: _Answered(asked=asked, refusal=refusal, attempt=attempt),
            failed=lambda error: _Answered(
                asked=asked, refusal=refusal, attempt=attempt, error=error
            ),
        )

    async def _give(self, asked: payments.PreCheckoutAsked, refusal: Refusal | None) -> None:
        language: Language = language_of(asked.profile.language_code)
        error = "" if refusal is None else texts.refusal(refusal, language)
        await self._answers.answer(asked.query_id, ok=refusal is None, error=error)

    def _answered(self, told: _Answered) -> None:
        if isinstance(told.error, Unavailable) and told.attempt < ANSWER_ATTEMPTS_MAX:
            self._answer(told.asked, told.refusal, attempt=told.attempt + 1)
            return
        match told.error:
            case None:
                pass
            case Unavailable(detail=detail):
                self.log.warning("precheckout.unanswered", detail=detail)
            case error:
                self.log.error("precheckout.answer_failed", exc_info=error)
        self._finish(told.asked.update_id)

    def _finish(self, update_id: UpdateId) -> None:
        self.pipe(
            self._store.finish,
            update_id,
            then=lambda _: _Finished(update_id=update_id),
            failed=lambda error: _Finished(update_id=update_id, error=error),
        )

    def _finished(self, told: _Finished) -> None:
        if told.error is not None:
            if not isinstance(told.error, Unavailable):
                self.log.error("precheckout.finish_failed", exc_info=told.error)
            again = _Finish(update_id=told.update_id)
            self.after(FINISH_SECONDS, again, key=(_Finish, told.update_id))
        elif told.update_id in self._aside:
            self._handled.add(told.update_id)
            # Not for each of them: seeing all others again each time would cost too much.
            if 2 * len(self._handled) >= len(self._aside):
                self.unstash()


def refusal_of(
    asked: payments.PreCheckoutAsked, order: Order | None, *, now: datetime
) -> Refusal | None:
    """Why this payment may not go ahead; None when it may."""
    if order is None or order.rail not in {Rail.STARS, Rail.TELEGRAM}:
        return Refusal.UNKNOWN
    if order.chat_id != asked.chat_id:
        return Refusal.FOREIGN
    if order.state in _PAID:
        return Refusal.PAID
    if order.state is not State.WAITING or now >= order.expires_at:
        return Refusal.EXPIRED
    return None if _same_amount(asked, order.price) else Refusal.CHANGED


def _same_amount(asked: payments.PreCheckoutAsked, price: Money) -> bool:
    try:
        return Money.of_minor(asked.total_amount, asked.currency) == price
    except (ValueError, ArithmeticError):
        return False
