"""EventDesk: what operators do with stored events: look, try again, put aside, forget.

Receives  asked: ingress.DryRun, ingress.Replay, ingress.Park, ingress.Prune
Tells     ingress.Wake to the event processor
Owns      nothing: events and what was done to them are in the inbox
Restarts  safely: whoever asked hears that there is no answer, and asks again
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Literal, assert_never

from actors.ingress import messages as ingress
from actors.ingress.model import Action, SourceName
from actors.ingress.ports import Events, Source
from actors.kernel.failures import Unavailable
from runtime import Actor, Recipient, ReplyLater, message

RETENTION: Mapping[SourceName, timedelta] = {
    SourceName.STRIPE: timedelta(days=90),
    SourceName.YOOKASSA: timedelta(days=90),
    SourceName.NOWPAYMENTS: timedelta(days=365),
    SourceName.NOCODB: timedelta(days=30),
}
"""Finished events are kept for so long, far longer than their source repeats them (Stripe 3 days,
YooKassa 1 day) or can be asked to (Stripe 30 days). A signature of NOWPayments has no time in it:
what is replayed after a year meets the payment's row, which is never forgotten and only ever moves
forward. Telegram's updates are the gateway's."""
PRUNE_LIMIT = 5_000
"""So many of each source at a time: one large delete would hold up every other write."""


@message
class _Answered:
    """What was asked for has been done, or has failed."""

    answer: ReplyLater
    question: ingress.Work
    result: object


_Message = ingress.Work | _Answered


class EventDesk(Actor[_Message]):
    """`sources` interpret events for a dry run; they may ask their provider."""

    def __init__(
        self,
        *,
        sources: Mapping[SourceName, Source],
        events: Events,
        processor: Recipient[ingress.Wake],
    ) -> None:
        super().__init__()
        self._sources, self._events, self._processor = dict(sources), events, processor

    def on_receive(self, message: _Message) -> None:
        match message:
            case ingress.DryRun():
                self._do(message, partial(self._dry_run, message))
            case ingress.Replay():
                replay = self._action("replay", message)
                self._do(message, partial(self._events.replayed, replay))
            case ingress.Park():
                self._do(message, partial(self._events.put_aside, self._action("park", message)))
            case ingress.Prune():
                self._do(message, self._prune)
            case _Answered():
                self._answer(message)
            case _:
                assert_never(message)

    def _do(self, question: ingress.Work, work: Callable[[], Awaitable[object]]) -> None:
        answer = self.reply_later()
        self.pipe(
            work,
            then=lambda result: _Answered(answer=answer, question=question, result=result),
            failed=lambda error: _Answered(answer=answer, question=question, result=error),
        )

    def _answer(self, message: _Answered) -> None:
        question, result = message.question, message.result
        if isinstance(result, Unavailable):
            message.answer.set_exception(result)
            return
        if isinstance(result, Exception):
            if not isinstance(question, ingress.DryRun):
                raise result
            # What the processor would park it for.
            result = ingress.Interpreted(failure=f"it fails: {type(result).__name__}")
        if isinstance(question, ingress.Replay | ingress.Park) and result:
            self.log.info(
                "event.replayed" if isinstance(question, ingress.Replay) else "event.put_aside",
                event_id=question.event_id,
                who=question.who,
            )
            self._processor.tell(ingress.Wake())
        message.answer.set(result)

    def _action(
        self, what: Literal["replay", "park"], message: ingress.Replay | ingress.Park
    ) -> Action:
        return Action(
            action_id=self.world.uuid(),
            event_id=message.event_id,
            what=what,
            who=message.who,
            why=message.why,
            at=self.now(),
        )

    async def _dry_run(self, message: ingress.DryRun) -> ingress.Interpreted | None:
        found = await self._events.find(message.event_id)
        if found is None:
            return None
        source = self._sources.get(found.summary.source)
        if source is None:
            return ingress.Interpreted(failure=f"{found.summary.source} is not configured here")
        try:
            return ingress.Interpreted(fact=await source.interpret(found.stored))
        except Unavailable as error:
            return ingress.Interpreted(failure=error.detail or "its provider does not answer")

    async def _prune(self) -> Mapping[SourceName, int]:
        now = self.now()
        return {
            source: await self._events.prune(
                source, settled_before=now - retention, limit=PRUNE_LIMIT
            )
            for source, retention in RETENTION.items()
        }
