"""People who follow the bot's questions by themselves, and an operator who ticks `Paid`.

A person does each thing exactly once: nobody repeats what was not answered, so that anything
lost on the way leaves him waiting for ever. Only buttons are pressed again: Telegram itself
drops a press that its bot has not fetched in time. What he may do, as people do: think, ask
for his status, change his mind about his name, cancel, block the bot, pay late or not at all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import count

import trio

from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.sessions import texts
from actors.sessions.texts import Text
from adapters.sandbox.telegram_user import TelegramUser
from config.scenarios.shop import SimulatedShop
from config.scenarios.witness import SUCCESS

WAITS = "Waiting for your payment"
PATIENCE_SECONDS = 7 * 86_400.0
"""Longer than any scenario: who is lost is found by the scenario, with all he has seen."""
PRESS_AGAIN_SECONDS = 300.0
"""Longer than Telegram keeps a press for its bot."""
CANCELS_SAVING = 0.2
"""Share of those who cancel while their record is being created, where people do that."""
CANCELLED = "is cancelled"
ASKED_LANGUAGE = "Which language"
EXPIRED = texts.say(Text.EXPIRED, Language.EN)


class FormExpiredError(Exception):
    """The form that somebody filled in was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """What a person is like; times in seconds."""

    comes_after: float = 0.0
    thinks_for: float = 0.0
    """At most, before he does anything."""
    pays_after: float | None = 0.0
    """From the moment he is asked to, until the operator ticks the box; None: he never pays.
    Negative: the operator ticks it as soon as he sees the row, before the bot has said a word.
    """
    cancels: bool = False
    """He cancels first, and pays nevertheless."""
    cancels_saving_after: float | None = None
    """So long after "Save" he cancels, perhaps while his record is being created: if there is
    one then, he pays nevertheless.
    """
    returns: bool = False
    """Who has cancelled so comes back at once, and fills the form in again if he is asked to."""
    asks: int = 0
    """How often he wants to know his status while he waits, without a pause."""
    renames: bool = False
    """He changes his name before he saves."""
    blocks_for: float = 0.0
    """He blocks the bot while he waits, and lets it in again after this."""


def cancels_saving_after(luck: random.Random) -> float | None:
    """For a temper: some cancel while their record is being created, most of them at once."""
    if luck.random() >= CANCELS_SAVING:
        return None
    return luck.choice((0.0, 0.1, 3.0)) * luck.random()


class Person:
    """One person, and what is known of him at the end."""

    def __init__(self, shop: SimulatedShop, number: int, temper: Temper) -> None:
        self._shop = shop
        self.temper = temper
        self._luck = random.Random(f"person {number}:{shop.sim.seed}")  # noqa: S311 - repeatable
        self.user: TelegramUser = shop.telegram.user(number, f"Person {number}")
        self.name = f"Person <{number}>"
        self.saved = False
        """He has seen what follows the form."""
        self.paid_at: float | None = None
        """When the operator ticked the box, in virtual seconds."""
        self.told_at: float | None = None
        self.slowest = 0.0
        """The longest wait for an answer, in virtual seconds; the payment's does not count."""

    async def live(self) -> None:
        """From /start to the confirmation, or for as long as he is interested."""
        await trio.sleep(self.temper.comes_after)
        async with trio.open_nursery() as operator:
            if (self.temper.pays_after or 0.0) < 0:
                operator.start_soon(self._pay_at_once)
            await self._register()
        await self._wait()
        if self.temper.pays_after is None:
            return
        await trio.sleep(max(0.0, self.temper.pays_after))
        if self.temper.cancels_saving_after is not None:
            if self._row() is None:
                return  # he cancelled in time
            if self._sees_last(CANCELLED):
                self._shop.sim.sometimes("paid although cancelled")
        self._pay()
        await self.user.sees(SUCCESS, within=PATIENCE_SECONDS)
        self.told_at = trio.current_time()

    async def _register(self) -> None:
        """Fill in the form; anew if the bot's clock ran ahead of him."""
        while True:
            try:
                await self._tries_to_register()
            except FormExpiredError:
                self._shop.sim.sometimes("a form expired")
                if not self._shop.ran_ahead:
                    self._shop.wrong(f"the form of {self.name} expired although he was there")
            else:
                return

    async def _tries_to_register(self) -> None:
        self.user.commands("/start")
        while self._sees_last(EXPIRED):
            await self.user.chat.changed.wait()
        await self._sees(ASKED_LANGUAGE)
        await self._fills_in()
        if self.temper.cancels_saving_after is not None:
            await self._cancels_saving(self.temper.cancels_saving_after)
        else:
            await self._presses("Save", WAITS, SUCCESS)
        self.saved = True

    async def _fills_in(self) -> None:
        user = self.user
        await self._presses("English", "What is your name")
        user.says("Somebody" if self.temper.renames else self.name)
        await self._sees("Which phone number")
        user.shares_contact(f"+4479{self.user.id % 100_000_000:08d}")
        await self._sees("Please check")
        if self.temper.renames:
            await self._presses("Change", "What would you like to change")
            await self._presses("Name", "Please type the new one")
            user.says(self.name)
            await self._sees(self.name)

    async def _cancels_saving(self, seconds: float) -> None:
        user = self.user
        user.presses("Save")
        await trio.sleep(seconds)
        user.commands("/cancel")
        await self._sees(CANCELLED, SUCCESS)
        if self.user.id in self._shop.tables.cancelled_saving:
            self._shop.sim.sometimes("cancelled while saving")
        if self.temper.returns:
            user.commands("/start")
            await self._sees(ASKED_LANGUAGE, WAITS, SUCCESS)
            if self._sees_last(ASKED_LANGUAGE):
                await self._fills_in()
                await self._presses("Save", WAITS, SUCCESS)

    async def _wait(self) -> None:
        user, temper = self.user, self.temper
        for _ in range(temper.asks):
            user.commands("/status")
        await self._think()
        if temper.cancels:
            user.commands("/cancel")
            await self._sees(CANCELLED, SUCCESS)
        if temper.blocks_for:
            user.blocks_bot()
            await trio.sleep(temper.blocks_for)
            user.unblocks_bot()

    async def _pay_at_once(self) -> None:
        while self._row() is None:
            await self._shop.nocodb.grown.wait()
        self._shop.sim.sometimes("paid at once")
        self._pay()

    def _pay(self) -> None:
        if self.paid_at is None:
            record_id = self._row()
            if record_id is None:
                raise AssertionError(f"{self.name} is asked to pay and has no row")
            self._shop.nocodb.tick(record_id)
            self.paid_at = trio.current_time()

    def _row(self) -> int | None:
        """The number of his row: the lowest, should there be several."""
        rows = self._shop.nocodb.table.rows
        his = (number for number, row in rows.items() if str(row["ChatId"]) == str(self.user.id))
        return min(his, default=None)

    @property
    def under_way(self) -> bool:
        """Somebody waits: he for the bot, or the bot's debt to him is open."""
        return not self.saved or (self.paid_at is not None and self.told_at is None)

    def faults(self) -> list[str]:
        """What is wrong with the end of his story."""
        screen = self.user.screen()
        rows = [r for r in self._shop.nocodb.rows if str(r["ChatId"]) == str(self.user.id)]
        told = len(self._shop.telegram.told.get(self.user.id, ()))
        found = []
        if self.under_way:
            found.append(f"{self.name} is still under way and sees\n{screen}")
        twice = told > 1 and self._shop.telegram.strict  # else an answer may have got lost
        if twice or bool(told) != (self.paid_at is not None):
            found.append(f"{self.name} was told {told} times, paid at {self.paid_at}:\n{screen}")
        names = [row["Name"] for row in rows]
        in_time = self.temper.cancels_saving_after is not None and not names
        if self.saved and names != [self.name] and not in_time:
            found.append(f"{self.name} has the records {rows}")
        return found + self._panel_faults()

    def _panel_faults(self) -> list[str]:
        """What he sees last is what was stored last, and the bot knows it."""
        session = self._shop.tables.sessions.get(ChatId(self.user.id))
        shown = self.user.screen().shown
        if session is None or not self.saved:
            return []
        if session.unshown or session.panel_message_id != max(m.message_id for m in shown):
            return [f"{self.name}: {session} is not what he sees\n{self.user.screen()}"]
        return []

    async def _sees(self, *texts: str) -> None:
        """Wait until one of these is there, and think about it."""
        since = trio.current_time()
        await self._until(texts)
        self.slowest = max(self.slowest, trio.current_time() - since)
        await self._think()

    async def _until(self, texts: tuple[str, ...]) -> None:
        while not self._sees_last(*texts):
            if self._sees_last(EXPIRED):
                raise FormExpiredError
            await self.user.chat.changed.wait()

    def _sees_last(self, *texts: str) -> bool:
        """What he sees last says one of these; what is above of it may be about to go."""
        shown = self.user.screen().shown
        return bool(shown) and any(text in shown[-1].text for text in texts)

    async def _presses(self, button: str, *until: str) -> None:
        """Press what leads to `until`, again when nothing has come of it for long."""
        since = trio.current_time()
        for attempt in count():
            if self.user.screen().find(button) is not None:
                self.user.presses(button)
            if attempt:
                self._shop.sim.sometimes("pressed again")
            with trio.move_on_after(PRESS_AGAIN_SECONDS):
                await self._until(until)
                break
        self.slowest = max(self.slowest, trio.current_time() - since)
        await self._think()

    async def _think(self) -> None:
        await trio.sleep(self._luck.random() * self.temper.thinks_for)
