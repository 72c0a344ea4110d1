"""Whatever a user, the network and the process do: one panel, no skipped rule, nothing twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast.messages import Delivered
from actors.kernel.failures import Conflict, Unavailable
from actors.sessions import messages as sessions
from actors.sessions.model import State
from tests.actors.sessions.shop import Shop

LONG_ENOUGH_SECONDS = 1_800
"""For every patience and every back-off to have passed."""
LOST = (None, Unavailable("no answer"), Conflict("repeated"))
"""What becomes of the store's next answer."""


class Journey:
    """What can happen, by name; each act leaves the shop running."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.presses: list[sessions.ButtonPressed] = []
        self.paid = False

    async def act(self, name: str, number: int) -> None:
        shop = self.shop
        match name:
            case "press":
                await self.press(number)
            case "press_old":
                await self.press_again(number)
            case "command":
                await shop.command(COMMANDS[number % len(COMMANDS)])
            case "type":
                await shop.type(TEXTS[number % len(TEXTS)])
            case "share":
                await shop.share("380501234567", own=number % 3 > 0)
            case "rest":
                await shop.rest(RESTS[number % len(RESTS)])
            case "outage":
                self.outage(number)
            case "block":
                await shop.block(blocked=number % 2 == 0)
            case "lose":
                shop.chat.restart()
            case "vanish":
                shop.chat.shown.clear()
            case _:
                await {"go_on": self.go_on, "pay": self.pay, "hold": self.hold}[name]()

    async def press(self, number: int) -> None:
        if self.shop.chat.shown:
            buttons = [button for row in self.shop.chat.panel.keyboard for button in row]
            if buttons:
                press = self.shop.pressed(buttons[number % len(buttons)].text)
                self.presses.append(press)
                await self.shop.hear(press)

    async def press_again(self, number: int) -> None:
        """A button of some earlier panel, or the same one twice, or a forged one."""
        if self.presses:
            old = self.presses[number % len(self.presses)]
            data = old.data if number % 5 else f"{number}:paid"
            await self.shop.hear(replace(old, update_id=self.shop.update_id(), data=data))

    async def go_on(self) -> None:
        """What a user in a hurry does next, so that journeys get somewhere."""
        if self.shop.chat.held:
            await self.hold()
        match self.shop.state() if self.shop.store.connection.tables.sessions else State.NEW:
            case State.NAME:
                await self.shop.type("Anna")
            case State.CONTACT:
                await self.shop.share("380501234567")
            case State.AWAITING_PAYMENT:
                await self.pay()
            case State.NEW:
                await self.shop.command("start")
            case _:
                await self.press(0)

    async def pay(self) -> None:
        self.paid |= bool(self.shop.records.rows)
        await self.shop.pay()

    def outage(self, number: int) -> None:
        """The record table fails or is slow; the store's next answer gets lost."""
        self.shop.records.failure = Unavailable("503") if number % 2 else None
        self.shop.records.slow_seconds = number % 3 * 10
        self.shop.store.lost_answer = LOST[number % len(LOST)]

    async def hold(self) -> None:
        """The dispatcher falls behind, or catches up."""
        self.shop.chat.held = not self.shop.chat.held
        if not self.shop.chat.held:
            self.shop.chat.deliver()
        await self.shop.system.settle()

    async def come_to_rest(self) -> None:
        """Everything works again, and the user says one more word."""
        self.shop.records.failure, self.shop.records.slow_seconds = None, 0
        self.shop.store.lost_answer = None
        if self.shop.chat.held:
            await self.hold()
        await self.shop.block(blocked=False)
        await self.shop.rest(LONG_ENOUGH_SECONDS)
        await self.shop.command("status")
        await self.shop.rest(LONG_ENOUGH_SECONDS)


COMMANDS = ("start", "status", "cancel", "lang", "help", "nonsense")
TEXTS = ("Anna", "+380501234567", "", "\u202e", "<b>", "x" * 4_096)
RESTS = (1, 30, 400, 4_000)
NAMES = (
    *("go_on", "go_on", "go_on", "press", "press_old", "command", "type", "share", "pay"),
    *("rest", "outage", "lose", "hold", "vanish", "block", "restart"),
)


def processes(plan: list[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """The plan, cut where the process is restarted."""
    parts: list[list[tuple[str, int]]] = [[]]
    for name, number in plan:
        if name == "restart":
            parts.append([])
        else:
            parts[-1].append((name, number))
    return parts


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 60)), max_size=25))
async def test_every_journey_ends_with_one_panel_that_tells_the_truth(
    plan: list[tuple[str, int]],
) -> None:
    shop = Shop()
    journey = Journey(shop)
    strays = 0
    for process in processes(plan):
        async with shop.open() as system:
            for name, number in process:
                await journey.act(name, number)
        assert all(letter.reason == "stopped" for letter in system.dead_letters)
        strays += sum(isinstance(letter.message, Delivered) for letter in system.dead_letters)
    async with shop.open() as system:
        await journey.come_to_rest()
        shop.check(strays=strays)
        assert not system.dead_letters
    assert len(shop.records.rows) <= 1
    assert shop.state() is not State.SUCCESS or journey.paid
    assert sum("Payment received" in text for text in shop.chat.history) <= shop.chat.said
