"""Broadcasts in the administrators' chat: what they write becomes one, what they press moves it.

The part of `actor.Broadcaster` that speaks their language. Whatever was pressed is answered; what
was pressed twice, or on a panel that shows something else by now, does nothing a second time.
"""

from __future__ import annotations

from typing import assert_never
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts import panel, panel_when, panel_whom
from actors.broadcasts import panel_texts as texts
from actors.broadcasts.desk import BroadcastDesk
from actors.broadcasts.messages import Refused, Shown
from actors.broadcasts.model import Broadcast, Content, Deed, State
from actors.broadcasts.panel_buttons import Press, fingerprint, press_of
from actors.broadcasts.panel_texts import Bubble
from actors.broadcasts.rules import Event, Occurrence, Remark
from actors.kernel.ids import LetterId
from actors.kernel.language import Phrase

WHY = "in the chat"
BUBBLE_MAX_CHARACTERS = 200
"""Bot API, `answerCallbackQuery`."""

_DEEDS: dict[Event, Deed] = {
    Event.RESUME: "resume",
    Event.PAUSE: "pause",
    Event.CANCEL: "cancel",
}


class BroadcastChat(BroadcastDesk):
    """Answers administrators; every verb raises `Unavailable`."""

    async def _composed(self, heard: broadcasts.Composed) -> None:
        text = self._reader.say(texts.USAGE)
        if heard.text.strip() or heard.media is not None:
            content = Content(text=heard.text, media=heard.media, buttons=heard.buttons)
            asked = broadcasts.Create(content=content, hold=True, who=heard.who)
            # Named after the update: heard again, it is the same broadcast.
            answer = await self._create(
                asked, creation_id=UUID(int=heard.update_id), handled=heard.update_id
            )
            if isinstance(answer, Shown):
                return
            text = panel.refusal(self._why_not(answer), self._reader)
        await self._store.finish(heard.update_id)
        if self._admin_chat_id is not None:
            self._dispatcher.tell(
                broadcast.Say(
                    letter_id=LetterId(f"broadcast-usage:{heard.update_id}"),
                    chat_id=self._admin_chat_id,
                    text=text,
                )
            )

    async def _pressed(self, heard: broadcasts.Pressed) -> None:
        press = press_of(heard.data)
        kept = None if press is None else await self._store.find(press.broadcast_id)
        if press is None or kept is None or not kept.in_chat:
            bubble = self._reader.bubble(Bubble.GONE)
            await self._store.finish(heard.update_id)
        else:
            bubble = await self._press(kept, press, heard)
        if self._admin_chat_id is not None:
            self._dispatcher.tell(
                broadcast.AnswerCallback(
                    chat_id=self._admin_chat_id,
                    callback_id=heard.callback_id,
                    text=bubble[:BUBBLE_MAX_CHARACTERS],
                )
            )

    async def _press(self, kept: Broadcast, press: Press, heard: broadcasts.Pressed) -> str:
        """Do what a button says; what its bubble says."""
        match press.verb:
            case "start":
                if kept.state is not State.READY:
                    return await self._not_done(kept, heard, texts.REMARKS[Remark.NOT_WAITING])
                if press.word != fingerprint(kept):
                    return await self._not_done(kept, heard, texts.BUBBLES[Bubble.CHANGED])
                later = kept.timed and kept.starts_at > self.now()
                done = Bubble.SCHEDULED if later else Bubble.STARTS
                return await self._act_on(kept, Event.RESUME, heard, done)
            case "resume":
                if kept.state is State.READY:
                    return await self._not_done(kept, heard, texts.BUBBLES[Bubble.CHANGED])
                return await self._act_on(kept, Event.RESUME, heard, Bubble.GOES_ON)
            case "pause":
                return await self._act_on(kept, Event.PAUSE, heard, Bubble.PAUSED)
            case "cancel":
                return await self._act_on(kept, Event.CANCEL, heard, Bubble.CANCELLED)
            case "page":
                await self._store.finish(heard.update_id)
                await self._turn(kept, press.word)
                return ""
            case "pick":
                return await self._pick(kept, press.word, heard)
            case _:
                assert_never(press.verb)

    async def _act_on(
        self, kept: Broadcast, event: Event, heard: broadcasts.Pressed, done: Bubble
    ) -> str:
        answer = await self._do(
            kept, Occurrence(event=event), _DEEDS[event], heard.who, WHY, handled=heard.update_id
        )
        if isinstance(answer, Refused):
            return self._why_not(answer)
        return self._reader.bubble(done)

    async def _pick(self, kept: Broadcast, word: str, heard: broadcasts.Pressed) -> str:
        """Somebody else gets it, or at another time; to be confirmed anew."""
        audience = panel_whom.chosen(kept.audience, word, now=self.now())
        starts_at = panel_when.chosen(kept, word, now=self.now())
        if audience is None and starts_at is None:
            return await self._not_done(kept, heard, texts.BUBBLES[Bubble.GONE])
        self._pages[kept.broadcast_id] = panel_whom.page_after(word)
        occurrence = Occurrence(event=Event.CHOOSE, audience=audience, starts_at=starts_at)
        answer = await self._do(kept, occurrence, "choose", heard.who, WHY, handled=heard.update_id)
        return self._why_not(answer) if isinstance(answer, Refused) else ""

    async def _turn(self, kept: Broadcast, word: str) -> None:
        """Show another page of the panel; a restart shows the first one again."""
        if word in set(panel_whom.Page):
            self._pages[kept.broadcast_id] = panel_whom.Page(word)
        await self._show_panel(kept)

    async def _not_done(self, kept: Broadcast, heard: broadcasts.Pressed, why: Phrase) -> str:
        """The button was of a panel that has gone: show the one that is."""
        await self._store.finish(heard.update_id)
        self._panels.pop(kept.broadcast_id, None)
        await self._show_panel(kept)
        return why.in_language(self._reader.language)

    def _why_not(self, refused: Refused) -> str:
        """In the language of whoever reads it here; operators read `detail`."""
        if refused.said is None:
            return refused.detail
        return refused.said.in_language(self._reader.language)
