"""What people ask of broadcasts: operators through the API, administrators as `chat` reads them.

The part of `actor.Broadcaster` that says no, with a reason, and does everything else durably before
it answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from actors.broadcasts import faults, panel_texts
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.faults import filled
from actors.broadcasts.keeping import OPEN_MAX, BroadcastKeeper
from actors.broadcasts.messages import Answer, Refused, Shown
from actors.broadcasts.model import (
    OVER,
    UNSTARTED,
    Audience,
    Broadcast,
    Content,
    ContentError,
    Deed,
    Kind,
    Outcome,
    Reach,
    State,
    check_audience,
    check_content,
)
from actors.broadcasts.rules import Event, Occurrence, Remark
from actors.kernel.ids import BroadcastId, ProductId, UpdateId
from actors.kernel.language import Phrase

NOBODY_TO_SHOW = (
    "set ADMIN_CHAT_ID: every broadcast is shown to the administrators before it is sent"
)
NOT_BILLED = (
    "nothing can be billed: set BROADCAST_PAID_PER_SECOND and BROADCAST_STARS_BUDGET, "
    "or send it without being paid"
)
OTHER_KEY = "this Idempotency-Key was used for another broadcast"
PAST = timedelta(seconds=120)
"""A start so long ago is a slip: whoever types, or asks again under his key, takes a moment."""
MINUTE = "%Y-%m-%dT%H:%MZ"
TOO_MANY_OPEN = filled(faults.MANY_OPEN, most=OPEN_MAX)

_EVENTS: dict[str, Event] = {
    "resume": Event.RESUME,
    "pause": Event.PAUSE,
    "cancel": Event.CANCEL,
}


class BroadcastDesk(BroadcastKeeper):
    """Answers questions about broadcasts; every verb raises `Unavailable`."""

    _paid: bool
    """Telegram may bill what is sent: there are a rate and a budget for it."""

    async def _answer(self, question: broadcasts.Question) -> Answer | None:
        match question:
            case broadcasts.Create():
                creation_id = question.creation_id or self.world.uuid()
                return await self._create(question, creation_id=creation_id)
            case broadcasts.Show():
                kept = await self._store.find(question.broadcast_id)
                return None if kept is None else self._shown(kept)
            case broadcasts.Act():
                return await self._act(question)
            case broadcasts.Retry():
                return await self._retry(question)
            case broadcasts.Edit():
                return await self._edit(question)
            case _:
                assert_never(question)

    async def _create(
        self, asked: broadcasts.Create, *, creation_id: UUID, handled: UpdateId | None = None
    ) -> Answer:
        now = self.now()
        if asked.starts_at is not None and asked.starts_at < now - PAST:
            times = f"it was {asked.starts_at:{MINUTE}}, and now it is {now:{MINUTE}}"
            return Refused(detail=f"the start is past: {times}; without one it starts at once")
        draft = self._draft(
            content=asked.content,
            audience=asked.audience,
            starts_at=asked.starts_at or now,
            repeat=asked.repeat,
            paid=asked.paid,
            hold=asked.hold,
            in_chat=handled is not None,
        )
        return await self._begin(draft, "create", asked, creation_id=creation_id, handled=handled)

    async def _begin(
        self,
        draft: Broadcast,
        what: Deed,
        asked: broadcasts.Create | broadcasts.Act | broadcasts.Edit,
        *,
        creation_id: UUID | None = None,
        handled: UpdateId | None = None,
    ) -> Answer:
        """Keep a new one, and show it to the administrators."""
        if refused := self._refusal(draft):
            return refused
        reach = await self._store.reach(draft)
        if draft.kind is Kind.SEND and (nobody := _nobody(reach, self._unknown(draft.audience))):
            return nobody
        kept = await self._store.create(
            draft,
            creation_id=creation_id or self.world.uuid(),
            action=self._action(what, asked.who, asked.why),
            handled=handled,
        )
        if isinstance(asked, broadcasts.Create) and asked.creation_id and _is_another(kept, draft):
            return Refused(detail=OTHER_KEY, conflict=True)
        self.log.info("broadcast.created", broadcast_id=kept.broadcast_id, who=asked.who)
        self._remember(kept)
        if kept.state is State.CHECKING:  # one that was created before may be further
            await self._check(kept)
        return Shown(broadcast=self._open.get(kept.broadcast_id, kept), reach=reach)

    def _refusal(self, draft: Broadcast) -> Refused | None:
        if self._admin_chat_id is None and draft.kind is not Kind.DELETE:
            return Refused(detail=NOBODY_TO_SHOW, conflict=True)
        if draft.paid and not self._paid:
            return Refused(detail=NOT_BILLED, conflict=True)
        if len(self._open) >= OPEN_MAX:
            return _refused(TOO_MANY_OPEN, conflict=True)
        try:
            check_audience(draft.audience)
            if draft.kind is not Kind.DELETE:
                check_content(draft.content)
        except ContentError as error:
            return _refused(error.said)
        return None

    def _draft(self, **told: object) -> Broadcast:
        now = self.now()
        fields = {"broadcast_id": BroadcastId(0), "created_at": now, "starts_at": now} | told
        return Broadcast(**fields)  # type: ignore[arg-type] # each by its own name

    async def _act(self, asked: broadcasts.Act) -> Answer | None:
        kept = await self._store.find(asked.broadcast_id)
        if kept is None:
            return None
        if asked.what == "delete":
            return await self._take_back(kept, asked)
        return await self._do(
            kept, Occurrence(event=_EVENTS[asked.what]), asked.what, asked.who, asked.why
        )

    async def _do(
        self,
        kept: Broadcast,
        heard: Occurrence,
        what: Deed,
        who: str,
        why: str,
        *,
        handled: UpdateId | None = None,
    ) -> Answer:
        if heard.event in {Event.RESUME, Event.RETRY} and (refused := self._outdated(kept)):
            if handled is not None:
                await self._store.finish(handled)
            return refused
        action = self._action(what, who, why)
        step = await self._move(kept, heard, action=action, handled=handled)
        if step.refused is not None:
            return _refused(panel_texts.REMARKS[step.refused], conflict=True)
        return self._shown(step.broadcast)

    async def _retry(self, asked: broadcasts.Retry) -> Answer | None:
        kept = await self._store.find(asked.broadcast_id)
        if kept is None:
            return None
        again: tuple[Outcome, ...] = (Outcome.FAILED,)
        many = kept.counts.failed
        if asked.unknown:
            again, many = (*again, Outcome.UNKNOWN), many + kept.counts.unknown
        if refused := await self._changed_since(kept):
            return refused
        heard = Occurrence(event=Event.RETRY, again=many, outcomes=again)
        answer = await self._do(kept, heard, "retry", asked.who, asked.why)
        if isinstance(answer, Shown) and answer.broadcast.preparing:
            return replace(answer, broadcast=_as_tried_again(answer.broadcast))
        return answer

    async def _edit(self, asked: broadcasts.Edit) -> Answer | None:
        kept = await self._store.find(asked.broadcast_id)
        if kept is None:
            return None
        content = asked.content
        if kept.state in UNSTARTED and kept.kind is not Kind.DELETE:
            if kept.kind is Kind.EDIT:
                content = replace(content, media=kept.content.media)
            try:
                check_content(content)
            except ContentError as error:
                return _refused(error.said)
            heard = Occurrence(event=Event.EDIT, content=content)
            return await self._do(kept, heard, "edit", asked.who, asked.why)
        if refused := self._no_change(kept):
            return refused
        if content.media is not None:
            return Refused(detail="media stays as it was sent: change the text only")
        changed: Content = replace(content, media=kept.content.media)
        draft = self._draft(
            kind=Kind.EDIT, of=kept.broadcast_id, content=changed, audience=Audience()
        )
        return await self._begin(draft, "edit", asked)

    async def _take_back(self, kept: Broadcast, asked: broadcasts.Act) -> Answer:
        """Send nothing more of it, durably, and only then begin to delete."""
        draft = self._draft(
            kind=Kind.DELETE, of=kept.broadcast_id, content=kept.content, audience=Audience()
        )
        if refused := self._no_taking_back(kept) or self._refusal(draft):
            return refused
        if kept.state in OVER and (nobody := _nobody(await self._store.reach(draft))):
            return nobody
        if kept.state is not State.DELETED:
            heard = Occurrence(event=Event.DELETE)
            stopped = await self._do(kept, heard, "delete", asked.who, asked.why)
            if isinstance(stopped, Refused):
                return stopped
        for change in self._passes_of(kept.broadcast_id, Kind.EDIT):
            heard = Occurrence(event=Event.CANCEL)
            await self._do(change, heard, "cancel", asked.who, asked.why)
        return await self._begin(draft, "delete", asked)

    def _no_change(self, kept: Broadcast) -> Refused | None:
        """Why what a broadcast has sent, and will send, cannot be changed now."""
        if kept.kind is not Kind.SEND:
            return _is_no_source(kept)
        if kept.state is State.DELETED:
            return Refused(detail=Remark.IS_DELETED.value, conflict=True)
        if kept.state not in {*OVER, State.PAUSED}:
            return Refused(detail="it is under way: pause or cancel it first", conflict=True)
        if kept.state is State.CANCELLED and not kept.counts.sent:
            return Refused(detail="nothing of it was sent", conflict=True)
        for change in self._passes_of(kept.broadcast_id, Kind.EDIT):
            detail = f"broadcast {change.broadcast_id} changes it: cancel that one first"
            return Refused(detail=detail, conflict=True)
        return None

    def _no_taking_back(self, kept: Broadcast) -> Refused | None:
        """Why what a broadcast has sent cannot be deleted now."""
        if kept.state in UNSTARTED:
            return Refused(detail=Remark.NOT_STARTED.value, conflict=True)
        if kept.kind is not Kind.SEND:
            return _is_no_source(kept)
        if kept.state in OVER and not kept.counts.sent:
            return Refused(detail="nothing of it was sent", conflict=True)
        for deletion in self._passes_of(kept.broadcast_id, Kind.DELETE):
            detail = f"broadcast {deletion.broadcast_id} takes it back already"
            return Refused(detail=detail, conflict=True)
        return None

    def _unknown(self, audience: Audience) -> list[ProductId]:
        """Which of its products are not on sale; somebody may own them all the same."""
        return [each for each in audience.products if each not in self._reader.products]

    def _outdated(self, kept: Broadcast) -> Refused | None:
        """Why nobody may be told what it says: it is about to say something else."""
        for change in self._passes_of(kept.broadcast_id, Kind.EDIT):
            if not change.prepared:
                said = filled(faults.ABOUT_TO_CHANGE, number=change.broadcast_id)
                return _refused(said, conflict=True)
        return None

    async def _changed_since(self, kept: Broadcast) -> Refused | None:
        """Why a change is not tried again: what it changed says something else by now."""
        source = None if kept.of is None else await self._store.find(kept.of)
        if kept.kind is not Kind.EDIT or source is None:
            return None
        if source.state is State.DELETED:
            return Refused(detail=f"broadcast {kept.of} was deleted since", conflict=True)
        if source.content != kept.content or self._passes_of(source.broadcast_id, Kind.EDIT):
            return Refused(detail=f"broadcast {kept.of} was changed again since", conflict=True)
        return None

    def _shown(self, kept: Broadcast) -> Shown:
        running = self._passes.get(kept.broadcast_id)
        if running is None:
            return Shown(broadcast=kept)
        pace = running.per_second(now=self.monotonic())
        left = kept.counts.pending / pace if pace else None
        return Shown(broadcast=kept, per_second=pace, remaining_seconds=left)


def _as_tried_again(kept: Broadcast) -> Broadcast:
    """As it will stand when whoever is tried again is pending."""
    spared = {outcome.value: 0 for outcome in kept.again}
    return replace(kept, counts=replace(kept.counts, **spared))


def _is_another(kept: Broadcast, draft: Broadcast) -> bool:
    """Whether it is not what was asked for; an age is another time each time it is asked."""
    asked = [
        (each.content, replace(each.audience, active_since=None), each.repeat, each.paid, each.hold)
        for each in (kept, draft)
    ]
    return asked[0] != asked[1]


def _is_no_source(kept: Broadcast) -> Refused:
    return Refused(detail=f"it has sent nothing itself: name broadcast {kept.of}")


def _nobody(reach: Reach, unknown: Sequence[ProductId] = ()) -> Refused | None:
    """Why an audience cannot be told anything; None when somebody is in it. `unknown` are products
    of which nobody has heard.
    """
    if reach.reachable:
        return None
    if unknown:
        return _refused(filled(faults.NO_PRODUCT, names=", ".join(unknown)))
    if not reach.left_out:
        return _refused(faults.NOBODY)
    return _refused(filled(faults.NOBODY_REACHED, left_out=reach.left_out))


def _refused(said: Phrase, *, conflict: bool = False) -> Refused:
    return Refused(detail=said.en, conflict=conflict, said=said)
