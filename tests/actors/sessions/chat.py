"""One user's phone: does what the letters say, shows what is left, and presses buttons."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, assert_never

from actors.broadcast import messages as broadcast
from actors.kernel.ids import LetterId, MessageId


@dataclass(slots=True)
class Shown:
    """One message of the bot, as it is on the screen."""

    text: str
    keyboard: broadcast.Keyboard = ()
    contact_button: str | None = None
    editable: bool = True


class Chat:
    """The dispatcher and Telegram behind it, for one chat. A letter told twice is one letter."""

    def __init__(self) -> None:
        self.shown: dict[MessageId, Shown] = {}
        self.contact_keyboard = False
        self.bubbles: list[str] = []
        self.erased: list[MessageId] = []
        """What the bot told to erase, there or not."""
        self.said = self.edited = 0
        self.history: list[str] = []
        """Every text that was ever on the screen, in order, without repetitions in a row."""
        self.held = False
        """Letters wait in `queue` until `deliver`."""
        self.queue: deque[broadcast.Command] = deque()
        self.refusal: Literal["blocked", "refused"] | None = None
        self._message_id = 100
        self._delivered: dict[LetterId, broadcast.Delivered] = {}

    def tell(self, message: broadcast.Command, /) -> None:
        self.queue.append(message)
        if not self.held:
            self.deliver()

    def deliver(self) -> None:
        while self.queue:
            self._do(self.queue.popleft())

    def restart(self) -> None:
        """The dispatcher crashes: what it had not sent, and what it remembered, is lost."""
        self.queue.clear()
        self._delivered.clear()

    def user_wrote(self) -> MessageId:
        self._message_id += 1
        return MessageId(self._message_id)

    @property
    def panel(self) -> Shown:
        """The lowest message on the screen."""
        return self.shown[self.panel_id]

    @property
    def panel_id(self) -> MessageId:
        return max(self.shown)

    def button(self, label: str) -> broadcast.Button:
        buttons = [button for row in self.panel.keyboard for button in row]
        (found,) = [button for button in buttons if button.text == label]
        return found

    def _do(self, letter: broadcast.Command) -> None:
        match letter:
            case broadcast.Say() | broadcast.Edit():
                self._show(letter)
            case broadcast.Erase():
                self.erased.append(letter.message_id)
                self.shown.pop(letter.message_id, None)
            case broadcast.Typing():
                pass
            case broadcast.AnswerCallback():
                self.bubbles.append(letter.text)
            case _:
                assert_never(letter)

    def _show(self, letter: broadcast.Say | broadcast.Edit) -> None:
        receipt = self._receipt(letter)
        if letter.notify is not None:
            letter.notify.tell(receipt)

    def _receipt(self, letter: broadcast.Say | broadcast.Edit) -> broadcast.Receipt:
        if letter.letter_id in self._delivered:
            return self._delivered[letter.letter_id]
        reason = self.refusal or ("gone" if not self._accepts(letter) else None)
        if reason is not None:
            return broadcast.Undelivered(
                letter_id=letter.letter_id, chat_id=letter.chat_id, reason=reason, detail=""
            )
        receipt = broadcast.Delivered(
            letter_id=letter.letter_id, chat_id=letter.chat_id, message_id=self._accept(letter)
        )
        self._delivered[letter.letter_id] = receipt
        return receipt

    def _accepts(self, letter: broadcast.Say | broadcast.Edit) -> bool:
        if isinstance(letter, broadcast.Say):
            return True
        shown = self.shown.get(letter.message_id)
        return shown is not None and shown.editable

    def _accept(self, letter: broadcast.Say | broadcast.Edit) -> MessageId:
        if not self.history or self.history[-1] != letter.text:
            self.history.append(letter.text)
        if isinstance(letter, broadcast.Edit):
            self.edited += 1
            self.shown[letter.message_id] = Shown(letter.text, letter.keyboard)
            return letter.message_id
        self.said += 1
        # Telegram: one kind of keyboard per message, and only inline ones can be edited.
        assert sum([bool(letter.keyboard), bool(letter.contact_button), letter.remove_keyboard]) < 2
        if letter.contact_button or letter.remove_keyboard:
            self.contact_keyboard = letter.contact_button is not None
        message_id = self.user_wrote()
        self.shown[message_id] = Shown(
            letter.text,
            letter.keyboard,
            letter.contact_button,
            editable=not (letter.contact_button or letter.remove_keyboard),
        )
        return message_id
