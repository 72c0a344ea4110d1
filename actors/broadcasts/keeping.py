"""Keeping broadcasts in step with the store and with the administrators' chat.

The part of `actor.Broadcaster` that knows how a broadcast is changed, whatever the reason: it is
moved (`life`), saved, and only then are others told.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from actors.broadcast import messages as broadcast
from actors.broadcasts import letters, life, panel
from actors.broadcasts.model import (
    OPEN,
    UNSTARTED,
    Action,
    Broadcast,
    Deed,
    Kind,
    Reach,
    State,
)
from actors.broadcasts.panel_reader import Reader
from actors.broadcasts.panel_texts import NOBODY_LEFT, NOT_ALLOWED, NOT_SHOWN
from actors.broadcasts.panel_whom import Page
from actors.broadcasts.ports import Broadcasts
from actors.broadcasts.put_off import PutOff
from actors.broadcasts.rules import Effect, Event, Occurrence
from actors.broadcasts.running import Pass
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import BroadcastId, ChatId, MessageId, UpdateId
from runtime import Actor, Recipient

OPEN_MAX = 100
"""Broadcasts that are not over; whoever wants one more has to cancel one first."""
RUNNING_MAX = 8
"""Passes at once; a further one starts when one of them has ended, but for a deletion."""
PANEL_SECONDS = 3.0
"""Between two looks of a progress in the chat: it takes one message a second, replies included."""


class BroadcastKeeper(Actor[Any]):
    """Changes broadcasts, and tells the administrators."""

    def __init__(
        self,
        *,
        store: Broadcasts,
        dispatcher: Recipient[broadcast.Command],
        admin_chat_id: ChatId | None,
        reader: Reader,
    ) -> None:
        super().__init__()
        self._store, self._dispatcher, self._admin_chat_id = store, dispatcher, admin_chat_id
        self._reader = reader
        self._open: dict[BroadcastId, Broadcast] = {}
        """Those that are not over, by number; their counts are not kept up to date."""
        self._passes: dict[BroadcastId, Pass] = {}
        """Those that run."""
        self._put_off = PutOff()
        """Those whose recipients could not be looked up."""
        self._panels: dict[BroadcastId, tuple[str, broadcast.Keyboard]] = {}
        """What was told last to be shown of them in the chat."""
        self._pages: dict[BroadcastId, Page] = {}
        """Which page of it, if it is not the first."""
        self._deleted_panels: dict[BroadcastId, MessageId] = {}
        """The message that was one, and that somebody has deleted."""

    async def _load(self) -> None:
        """Take over what was saved, and tell again what may not have been heard."""
        for kept in await self._store.listing(states=OPEN, limit=OPEN_MAX):
            self._remember(kept)
            if kept.state is State.CHECKING:
                await self._check(kept)
            else:
                await self._show_panel(kept)

    def _remember(self, kept: Broadcast) -> None:
        broadcast_id = kept.broadcast_id
        known = self._open.get(broadcast_id, kept)
        if kept.state not in OPEN or (known.state, known.audience) != (kept.state, kept.audience):
            self._put_off.forget(broadcast_id)  # it would be another look
        if kept.state in OPEN:
            self._open[broadcast_id] = kept
        else:
            self._open.pop(broadcast_id, None)
        if kept.state is not State.RUNNING or not kept.prepared:
            self._passes.pop(broadcast_id, None)
        elif broadcast_id not in self._passes:
            self._passes[broadcast_id] = Pass(kept, now=self.monotonic())

    async def _move(
        self,
        before: Broadcast,
        heard: Occurrence,
        *,
        action: Action | None = None,
        handled: UpdateId | None = None,
    ) -> life.Step:
        """Save what `heard` makes of it, then do what follows. Raises `Unavailable`, also when it
        was not what it was taken for: then it has been read again.
        """
        step = life.step(before, heard, now=self.now())
        if step.refused is not None or step.broadcast == before:
            if handled is not None:
                await self._store.finish(handled)
            return step
        after = replace(step.broadcast, version=before.version + 1)
        try:
            if heard.event is Event.STARTED:
                await self._store.start(after)
            else:
                await self._store.save(after, action=action, handled=handled)
        except Conflict as conflict:
            await self._look_again(before)
            raise Unavailable(f"it has changed meanwhile: {conflict}") from conflict
        self.log.info(
            "broadcast.moved",
            broadcast_id=after.broadcast_id,
            was=before.state,
            to=after.state,
            why=heard.event,
        )
        kept = await self._look_again(after)
        if step.effect is Effect.CHECK:
            await self._check(kept)
        await self._show_panel(kept)
        return replace(step, broadcast=kept)

    async def _look_again(self, known: Broadcast) -> Broadcast:
        """As it is kept now, with its counts."""
        kept = await self._store.find(known.broadcast_id) or known
        self._remember(kept)
        return kept

    async def _check(self, kept: Broadcast) -> None:
        """Show it to the administrators; told again, it is the same letter."""
        if kept.kind is Kind.DELETE:
            await self._move(kept, Occurrence(event=Event.ACCEPTED))
        elif self._admin_chat_id is None:
            nobody = "ADMIN_CHAT_ID is not set: there is nobody to whom it can be shown first"
            await self._move(kept, Occurrence(event=Event.REFUSED, detail=nobody))
        else:
            admin = await self._store.person(self._admin_chat_id)
            self._dispatcher.tell(letters.check(kept, admin, self.actor_ref))

    async def _checked(self, receipt: broadcast.Receipt) -> None:
        """The administrators see it, or Telegram does not show it."""
        shown = letters.checked(receipt.letter_id)
        kept = None if shown is None else self._open.get(shown[0])
        if shown is None or kept is None or kept.version != shown[1]:
            return
        if isinstance(receipt, broadcast.Delivered):
            await self._move(kept, Occurrence(event=Event.ACCEPTED))
            return
        detail = NOT_SHOWN.en.format(detail=receipt.detail)
        if receipt.reason == "blocked":
            detail = NOT_ALLOWED.en.format(detail=receipt.detail)
        self.log.warning("broadcast.refused", broadcast_id=kept.broadcast_id, detail=detail)
        await self._move(kept, Occurrence(event=Event.REFUSED, detail=detail))

    async def _start_due(self) -> None:
        """Start what is due, also what was due while nobody looked."""
        now = self.now()
        for kept in list(self._open.values()):
            if kept.state is not State.SCHEDULED or kept.starts_at > now:
                continue
            if self._running >= RUNNING_MAX and kept.kind is not Kind.DELETE:
                continue  # a mistake is taken back at once, however much else runs
            if not self._put_off.due(kept.broadcast_id, now=self.monotonic()):
                continue
            if kept.of is not None and await self._store.under_way(kept.of):
                continue  # what is being sent right now is to be changed or deleted as well
            if kept.kind is not Kind.SEND or (await self._reach(kept)).reachable:
                await self._move(kept, Occurrence(event=Event.STARTED))
            else:
                await self._move(kept, Occurrence(event=Event.EMPTY, detail=NOBODY_LEFT.en))

    async def _reach(self, kept: Broadcast) -> Reach:
        try:
            reach = await self._store.reach(kept)
        except Unavailable as error:  # the next look begins with the others
            self._put_off.failed(kept.broadcast_id, str(error), now=self.monotonic())
            raise
        self._put_off.forget(kept.broadcast_id)
        return reach

    @property
    def _running(self) -> int:
        """Those that run, or are being prepared for it."""
        return sum(kept.state is State.RUNNING for kept in self._open.values())

    def _passes_of(self, broadcast_id: BroadcastId, kind: Kind) -> list[Broadcast]:
        """Those that are not over and change, or take back, what this one has sent."""
        return [
            kept for kept in self._open.values() if kept.of == broadcast_id and kept.kind is kind
        ]

    def _action(self, what: Deed, who: str, why: str) -> Action:
        return Action(action_id=self.world.uuid(), what=what, who=who, why=why, at=self.now())

    # The panel in the administrators' chat

    async def _show_panel(self, kept: Broadcast) -> None:
        """Show how it stands, where it was begun in the chat and looks otherwise than before. One
        whose audience cannot be looked up stays as it is: nobody else waits for that.
        """
        if not kept.in_chat or self._admin_chat_id is None or kept.state is State.CHECKING:
            return
        reach: Reach | None = None
        if kept.state in UNSTARTED:
            if not self._put_off.due(kept.broadcast_id, now=self.monotonic()):
                return
            try:
                reach = await self._reach(kept)
            except Unavailable:
                return  # shown with a later report
        running = self._passes.get(kept.broadcast_id)
        pace = None if running is None else running.per_second(now=self.monotonic())
        page = self._pages.get(kept.broadcast_id, Page.MAIN)
        seen = panel.view(
            kept, self._reader, reach=reach, per_second=pace, page=page, now=self.now()
        )
        if self._panels.get(kept.broadcast_id) == seen:
            return
        self._panels[kept.broadcast_id] = text, keyboard = seen
        if kept.panel_message_id is None:
            self._dispatcher.tell(
                broadcast.Say(
                    letter_id=letters.panel_letter(
                        kept.broadcast_id, self._deleted_panels.get(kept.broadcast_id)
                    ),
                    chat_id=self._admin_chat_id,
                    text=text,
                    keyboard=keyboard,
                    notify=self.actor_ref,
                )
            )
        else:
            self._dispatcher.tell(
                broadcast.Edit(
                    letter_id=letters.panel_edit(
                        kept.broadcast_id, kept.panel_message_id, self.world.uuid()
                    ),
                    chat_id=self._admin_chat_id,
                    message_id=kept.panel_message_id,
                    text=text,
                    keyboard=keyboard,
                    lane="notice",
                    notify=self.actor_ref,
                )
            )

    async def _panel_shown(self, receipt: broadcast.Delivered) -> None:
        """Remember where the panel is."""
        broadcast_id = letters.panel_of(receipt.letter_id)
        kept = None if broadcast_id is None else await self._store.find(broadcast_id)
        if kept is None or kept.panel_message_id is not None:
            return
        await self._panel_is(kept, receipt.message_id)

    async def _panel_lost(self, receipt: broadcast.Undelivered) -> None:
        """Somebody has deleted the panel: show it anew."""
        edited = letters.panel_edited(receipt.letter_id)
        kept = None if edited is None else await self._store.find(edited[0])
        if edited is None or kept is None or kept.panel_message_id != edited[1]:
            return
        self._deleted_panels[kept.broadcast_id] = edited[1]
        await self._panel_is(kept, None)

    async def _panel_is(self, kept: Broadcast, message_id: MessageId | None) -> None:
        after = replace(kept, panel_message_id=message_id, version=kept.version + 1)
        with suppress(Conflict):  # it is shown anew, and told again
            await self._store.save(after)
        self._panels.pop(after.broadcast_id, None)
        known = await self._look_again(after)
        if known.state is State.CHECKING:
            await self._check(known)  # what is being shown has the version before
        await self._show_panel(known)
