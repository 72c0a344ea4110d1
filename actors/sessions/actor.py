"""One chat's session: leads its user through the flow, and keeps one message in step with it.

Receives  sessions.Command: what the user does, receipts, Due, tracker.PaymentStatusChanged
Tells     broadcast.Say, Edit, Erase, AnswerCallback; tracker.Track; debounce.Collect;
          publishes sessions.DueBy
Owns      the chat's Session, through ports.Sessions; the user's row, through ports.Records
Restarts  safely: everything is saved before anybody is told, and on_start tells again what
          nobody confirmed: a view, a payment to wait for, a record to create

A view is told under the name of its version and an edit is idempotent, so the user sees
each change once. A handler that is run again finds its update handled already (`Conflict`)
and reads what was saved instead of doing it twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.debounce import messages as debounce
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import ChatId, LetterId, RecordId, UpdateId
from actors.sessions import flow, panel
from actors.sessions import messages as sessions
from actors.sessions.hearing import Said, acquainted, occurrence
from actors.sessions.model import Note, Registration, Session, State
from actors.sessions.passing import collect
from actors.sessions.ports import Records, Sessions
from actors.sessions.rules import Effect, Event, Occurrence
from actors.sessions.texts import note
from actors.tracker import messages as tracker
from runtime import Actor, Recipient, message

RETRY_FIRST_SECONDS = 5.0
RETRY_MAX_SECONDS = 300.0
"""A record that cannot be created is tried again after 5 s, doubling to 5 min, without end."""
RETRY_JITTER = 0.25
"""A pause is up to this part longer, so that sessions do not come back all at once."""


@message
class _Recorded:
    """The record exists; `step` tells for which round of the form it was created."""

    step: int
    record_id: RecordId


@message
class _Absent:
    """The record table has no record of this chat."""

    step: int


@message
class _Postponed:
    """The record table did not answer as it should."""

    step: int
    error: Exception


_Own = _Recorded | _Absent | _Postponed


class UserSession(Actor[sessions.Command | _Own]):
    """Without a `batcher` nothing is passed on. `sells`: there are products, and `/buy`."""

    def __init__(
        self,
        *,
        chat_id: ChatId,
        store: Sessions,
        records: Records,
        dispatcher: Recipient[broadcast.Command],
        tracker: Recipient[tracker.Command],
        batcher: Recipient[debounce.Collect] | None = None,
        sells: bool = False,
    ) -> None:
        super().__init__()
        self._store, self._records = store, records
        self._dispatcher, self._tracker, self._batcher = dispatcher, tracker, batcher
        self._session, self._sells = Session(chat_id=chat_id), sells
        self._registering = False
        self._letter: LetterId | None = None
        """The letter whose receipt is awaited; the next view waits for it."""

    async def on_start(self) -> None:
        await self._recover()

    async def on_receive(self, message: sessions.Command | _Own) -> None:
        match message:
            case (
                sessions.CommandReceived()
                | sessions.TextReceived()
                | sessions.ContactReceived()
                | sessions.ButtonPressed()
                | sessions.UnsupportedReceived()
            ):
                await self._hear(message)
            case sessions.BotBlocked():
                await self._block(message)
            case sessions.Due():
                await self._look()
            case broadcast.Delivered():
                await self._shown(message)
            case broadcast.Undelivered():
                await self._not_shown(message)
            case tracker.PaymentStatusChanged():
                await self._payment(message)
            case _Recorded():
                await self._recorded(message)
            case _Absent():
                await self._absent(message)
            case _Postponed():
                await self._postponed(message)
            case _:
                assert_never(message)

    async def _hear(self, said: Said) -> None:
        known = acquainted(self._session, said.profile)
        passed = None if self._batcher is None else collect(known, said, now=self.now())
        heard = occurrence(known, said)
        heard = replace(heard, relayed=passed is not None, sells=self._sells)
        bubble = await self._occur(heard, known, handled=said.update_id, passed=passed)
        if isinstance(said, sessions.ButtonPressed):
            self._answer(said, bubble)
        self._show()

    async def _block(self, told: sessions.BotBlocked) -> None:
        now, after = self.now(), self._session
        if told.blocked:
            after = panel.blocked(after, now=now)
        elif after.blocked:
            after = panel.unblocked(after, now=now)
        await self._keep(after, handled=told.update_id)
        self._show()

    async def _look(self) -> None:
        now = self.now()
        if self._session.deadline is not None and self._session.deadline <= now:
            await self._occur(Occurrence(event=Event.TIMED_OUT), self._session)
        if self._session.show_by is not None and self._session.show_by <= now:
            # No receipt for too long: the dispatcher was restarted, or is far behind. It
            # knows a letter by its name, so telling it again costs nobody a second message.
            await self._keep(panel.patient(self._session, now=now))
            self._letter = None
        self._show()

    async def _shown(self, receipt: broadcast.Delivered) -> None:
        self._heard_back(receipt)
        await self._keep(panel.delivered(self._session, receipt, now=self.now()))
        self._tidy()
        self._show()

    async def _not_shown(self, receipt: broadcast.Undelivered) -> None:
        self._heard_back(receipt)
        self.log.warning("session.view_undelivered", reason=receipt.reason, detail=receipt.detail)
        hopeless = panel.is_hopeless(self._session, receipt)
        await self._keep(panel.undelivered(self._session, receipt, now=self.now()))
        if not hopeless:
            self._show()

    async def _payment(self, told: tracker.PaymentStatusChanged) -> None:
        if told.status is tracker.PaymentStatus.PAID:
            paid = Occurrence(event=Event.PAID, record_id=told.record_id)
            await self._occur(paid, self._session)
            self._show()

    async def _recorded(self, told: _Recorded) -> None:
        self._registering = False
        if not self._begins_anew(told.step):
            recorded = Occurrence(event=Event.RECORDED, record_id=told.record_id)
            await self._occur(recorded, self._session)
            self._show()

    async def _absent(self, told: _Absent) -> None:
        self._registering = False
        if not self._begins_anew(told.step):
            await self._occur(Occurrence(event=Event.ABSENT), self._session)

    async def _postponed(self, told: _Postponed) -> None:
        self._registering = False
        if not isinstance(told.error, Unavailable):
            raise told.error
        if not self._begins_anew(told.step):
            pause = self._pause_seconds(told.error)
            self.log.warning("session.record_postponed", detail=str(told.error), seconds=pause)
            retry_at = self.now() + timedelta(seconds=pause)
            postponed = Occurrence(event=Event.POSTPONED, retry_at=retry_at)
            await self._occur(postponed, self._session)
            self._show()

    def _begins_anew(self, step: int) -> bool:
        """An answer for a round that was cancelled, and the next round waits for its own."""
        anew = self._session.state is State.SAVING and self._session.step != step
        if anew:
            self._register()
        return anew

    def _pause_seconds(self, error: Unavailable) -> float:
        doublings = min(self._session.attempts, 16)
        pause = min(RETRY_MAX_SECONDS, RETRY_FIRST_SECONDS * 2.0**doublings)
        jitter: float = 1 + RETRY_JITTER * self.world.random.random()
        return max(pause * jitter, error.retry_after_seconds or 0.0)

    async def _occur(
        self,
        heard: Occurrence,
        known: Session,
        *,
        handled: UpdateId | None = None,
        passed: debounce.Collect | None = None,
    ) -> Note | None:
        """Move the session, save it, then do what follows; the bubble for a button."""
        before, now = self._session, self.now()
        step = flow.step(known, heard, now=now)
        passed = passed if step.effect is Effect.RELAY else None
        after = panel.raised(before, step.session, heard, now=now, passed=passed is not None)
        kept = await self._keep(after, handled=handled, passed=passed)
        if passed is not None and self._batcher is not None:
            # Also if it was handled before, perhaps by ourselves, and we did not hear of it: the
            # batcher passes on what is stored, once, and nothing else.
            self._batcher.tell(passed)
        if not kept:
            return None
        if after.state is not before.state:
            self.log.info("session.moved", to=after.state, by=heard.event, was=before.state)
        self._follow(step.effect)
        return step.bubble

    async def _keep(
        self,
        session: Session,
        *,
        handled: UpdateId | None = None,
        passed: debounce.Collect | None = None,
    ) -> bool:
        """Save, if there is anything to save; False when the update had been handled before."""
        if session == self._session and handled is None:
            return True
        try:
            await self._store.save(session, handled=handled, passed=passed)
        except Conflict:
            await self._recover()
            return False
        due_at, before = session.due_at, self._session.due_at
        if due_at is not None and (before is None or due_at < before):
            self.publish(sessions.DueBy(at=due_at))
        self._session = session
        return True

    async def _recover(self) -> None:
        """Take over what was saved, and tell again what may not have been heard."""
        loaded = await self._store.load(self._session.chat_id) or self._session
        self._session = loaded
        match loaded.state:
            case State.SAVING if loaded.attempts == 0:
                self._follow(Effect.REGISTER)
            case State.AWAITING_PAYMENT | State.CANCELLED:
                self._follow(Effect.TRACK)
            case _:
                pass  # a postponed attempt has its own time, see `Due`
        self._tidy()
        self._show()
        if self._session != loaded:  # else a chat that only sleeps and wakes erases for ever
            await self._store.save(self._session)

    def _follow(self, effect: Effect | None) -> None:
        record_id = self._session.record_id
        match effect:
            case Effect.REGISTER:
                self._register()
            case Effect.LOOK_UP:
                self._look_up()
            case Effect.TRACK if record_id is not None:
                self._tracker.tell(
                    tracker.Track(
                        record_id=record_id,
                        chat_id=self._session.chat_id,
                        cancelled=self._session.state is State.CANCELLED,
                    )
                )
            case _:
                pass

    def _register(self) -> None:
        """Create the record beside the mailbox; one request at a time, or there may be two rows."""
        session, step = self._session, self._session.step
        if self._registering or session.name is None or session.contact is None:
            return
        self._registering = True
        registration = Registration(
            chat_id=session.chat_id,
            name=session.name,
            contact=session.contact,
            language=session.language,
        )
        self.pipe(
            self._records.create,
            registration,
            then=lambda record_id: _Recorded(step=step, record_id=record_id),
            failed=lambda error: _Postponed(step=step, error=error),
        )

    def _look_up(self) -> None:
        """Find out whether there is a record; its creation may still be under way."""
        if self._registering:
            return
        self._registering, step = True, self._session.step
        self.pipe(
            self._records.find,
            self._session.chat_id,
            then=lambda found: (
                _Absent(step=step) if found is None else _Recorded(step=step, record_id=found)
            ),
            failed=lambda error: _Postponed(step=step, error=error),
        )

    def _answer(self, pressed: sessions.ButtonPressed, bubble: Note | None) -> None:
        text = note(bubble, self._session.language) if bubble else ""
        chat_id = self._session.chat_id
        self._dispatcher.tell(
            broadcast.AnswerCallback(chat_id=chat_id, callback_id=pressed.callback_id, text=text)
        )
        if pressed.message_id is not None and panel.is_stray(self._session, pressed.message_id):
            self._dispatcher.tell(broadcast.Erase(chat_id=chat_id, message_id=pressed.message_id))

    def _heard_back(self, receipt: broadcast.Receipt) -> None:
        if receipt.letter_id == self._letter:
            self._letter = None

    def _tidy(self) -> None:
        """Erase what is in the way. That it is gone is saved with whatever is saved next."""
        stray, chat_id = self._session.stray_message_id, self._session.chat_id
        if stray is not None:
            self._dispatcher.tell(broadcast.Erase(chat_id=chat_id, message_id=stray))
            self._session = replace(self._session, stray_message_id=None)

    def _show(self) -> None:
        """Tell the newest view, unless the user sees it or another letter is out."""
        if self._session.unshown and self._letter is None:
            for letter in panel.letters(self._session, self.actor_ref):
                self._dispatcher.tell(letter)
                self._letter = letter.letter_id
