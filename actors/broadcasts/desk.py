"""What people ask of broadcasts: operators through the API, administrators in their chat.

The part of `actor.Broadcaster` that says no, with a reason, and does everything else durably before
it answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts import panel
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
    State,
    check_audience,
    check_content,
)
from actors.broadcasts.rules import Event, Occurrence
from actors.kernel.ids import BroadcastId, LetterId, UpdateId

NOBODY_TO_SHOW = (
    "set ADMIN_CHAT_ID: every broadcast is shown to the administrators before it is sent"
)
OTHER_KEY = "this Idempotency-Key was used for another broadcast"
TOO_MANY_OPEN = f"{OPEN_MAX} broadcasts are open already: cancel one first"

_EVENTS: dict[str, Event] = {
    "resume": Event.RESUME,
    "pause": Event.PAUSE,
    "cancel": Event.CANCEL,
}
_DONE = {"resume": "It goes on.", "pause": "It is paused.", "cancel": "It is cancelled."}


class BroadcastDesk(BroadcastKeeper):
    """Answers questions about broadcasts; every verb raises `Unavailable`."""

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
        draft = self._draft(
            content=asked.content,
            audience=asked.audience,
            starts_at=asked.starts_at or self.now(),
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
        if not reach.reachable:
            left_out = f"; {reach.left_out} cannot be reached" if reach.left_out else ""
            return Refused(detail=f"nobody would get it{left_out}")
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
        if len(self._open) >= OPEN_MAX:
            return Refused(detail=TOO_MANY_OPEN, conflict=True)
        try:
            check_audience(draft.audience)
            if draft.kind is not Kind.DELETE:
                check_content(draft.content)
        except ContentError as error:
            return Refused(detail=str(error))
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
        again: tuple[Outcome, ...] = (),
    ) -> Answer:
        action = self._action(what, who, why)
        step = await self._move(kept, heard, action=action, handled=handled, again=again)
        if step.refused is not None:
            return Refused(detail=step.refused.value, conflict=True)
        return self._shown(step.broadcast)

    async def _retry(self, asked: broadcasts.Retry) -> Answer | None:
        kept = await self._store.find(asked.broadcast_id)
        if kept is None:
            return None
        again: tuple[Outcome, ...] = (Outcome.FAILED,)
        many = kept.counts.failed
        if asked.unknown:
            again, many = (*again, Outcome.UNKNOWN), many + kept.counts.unknown
        heard = Occurrence(event=Event.RETRY, again=many)
        return await self._do(kept, heard, "retry", asked.who, asked.why, again=again)

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
                return Refused(detail=str(error))
            heard = Occurrence(event=Event.EDIT, content=content)
            return await self._do(kept, heard, "edit", asked.who, asked.why)
        if refused := _no_second_pass(kept):
            return refused
        if content.media is not None:
            return Refused(detail="media stays as it was sent: change the text only")
        changed: Content = replace(content, media=kept.content.media)
        draft = self._draft(
            kind=Kind.EDIT, of=kept.broadcast_id, content=changed, audience=Audience()
        )
        return await self._begin(draft, "edit", asked)

    async def _take_back(self, kept: Broadcast, asked: broadcasts.Act) -> Answer:
        if kept.state in UNSTARTED:
            return Refused(detail="nothing of it was sent: cancel it", conflict=True)
        if refused := _no_second_pass(kept):
            return refused
        draft = self._draft(
            kind=Kind.DELETE, of=kept.broadcast_id, content=kept.content, audience=Audience()
        )
        return await self._begin(draft, "delete", asked)

    def _shown(self, kept: Broadcast) -> Shown:
        running = self._passes.get(kept.broadcast_id)
        if running is None:
            return Shown(broadcast=kept)
        pace = running.per_second(now=self.monotonic())
        left = kept.counts.pending / pace if pace else None
        return Shown(broadcast=kept, per_second=pace, remaining_seconds=left)

    # In the administrators' chat

    async def _composed(self, heard: broadcasts.Composed) -> None:
        text = panel.USAGE
        if heard.text.strip() or heard.media is not None:
            asked = broadcasts.Create(
                content=Content(text=heard.text, media=heard.media), hold=True, who=heard.who
            )
            # Named after the update: heard again, it is the same broadcast.
            answer = await self._create(
                asked, creation_id=UUID(int=heard.update_id), handled=heard.update_id
            )
            if isinstance(answer, Shown):
                return
            text = panel.refusal(answer.detail)
        await self._store.finish(heard.update_id)
        self._say(LetterId(f"broadcast-usage:{heard.update_id}"), text)

    async def _pressed(self, heard: broadcasts.Pressed) -> None:
        pressed = panel.press_of(heard.data)
        kept = None if pressed is None else await self._store.find(pressed[1])
        if pressed is None or kept is None:
            bubble = "That is not here any more."
            await self._store.finish(heard.update_id)
        else:
            verb = pressed[0]
            occurrence = Occurrence(event=_EVENTS[verb])
            answer = await self._do(
                kept, occurrence, verb, heard.who, "in the chat", handled=heard.update_id
            )
            refused = isinstance(answer, Refused)
            bubble = answer.detail if isinstance(answer, Refused) else _DONE[verb]
            if verb == "resume" and not refused and kept.state is State.READY:
                bubble = "It starts."
        if self._admin_chat_id is not None:
            self._dispatcher.tell(
                broadcast.AnswerCallback(
                    chat_id=self._admin_chat_id, callback_id=heard.callback_id, text=bubble
                )
            )

    def _say(self, letter_id: LetterId, text: str) -> None:
        if self._admin_chat_id is not None:
            self._dispatcher.tell(
                broadcast.Say(letter_id=letter_id, chat_id=self._admin_chat_id, text=text)
            )


def _is_another(kept: Broadcast, draft: Broadcast) -> bool:
    """Whether it is not what was asked for; an age is another time each time it is asked."""
    asked = [
        (each.content, replace(each.audience, active_since=None), each.repeat, each.paid, each.hold)
        for each in (kept, draft)
    ]
    return asked[0] != asked[1]


def _no_second_pass(kept: Broadcast) -> Refused | None:
    """Why what a broadcast has sent cannot be changed now."""
    if kept.kind is not Kind.SEND:
        return Refused(detail=f"it has sent nothing itself: name broadcast {kept.of}")
    if kept.state not in {*OVER, State.PAUSED}:
        return Refused(detail="it is under way: pause or cancel it first", conflict=True)
    if not kept.counts.sent:
        return Refused(detail="nothing of it was sent", conflict=True)
    return None
