"""What a chat's purchases say outside of any order's panel. Nothing of it is kept: letters are
named after the update that they answer, so that an update told again is answered once.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId, LetterId, MessageId, UpdateId
from actors.kernel.language import Language
from actors.payments import admin_texts, counter
from actors.payments.catalogue import Catalogue
from actors.payments.orders import Order
from actors.payments.rules import Remark
from actors.payments.texts import remark
from actors.payments.views import View
from actors.sessions import messages as sessions
from runtime import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`admin_chat_id` hears who needs help, in `admin_language`; without one nobody does but the
    log.
    """

    chat_id: ChatId
    catalogue: Catalogue
    dispatcher: Recipient[broadcast.Command]
    admin_chat_id: ChatId | None
    admin_language: Language

    def shop(self, language: Language) -> View:
        """What is on sale."""
        return counter.shop(self.catalogue, language)

    def item(self, product_id: str, language: Language) -> View:
        """How a product can be paid for; what is on sale when there is none of this name."""
        product = self.catalogue.find(product_id)
        if product is None or not self.catalogue.offers(product):
            return self.shop(language)
        return counter.item(self.catalogue, product, language)

    def say(self, update_id: UpdateId, view: View) -> None:
        """A message of its own."""
        self.dispatcher.tell(
            broadcast.Say(
                letter_id=_letter_id(update_id),
                chat_id=self.chat_id,
                text=view.text,
                keyboard=view.keyboard,
            )
        )

    def turn(self, update_id: UpdateId, message_id: MessageId, view: View) -> None:
        """Make a message show another page."""
        self.dispatcher.tell(
            broadcast.Edit(
                letter_id=_letter_id(update_id),
                chat_id=self.chat_id,
                message_id=message_id,
                text=view.text,
                keyboard=view.keyboard,
            )
        )

    def answer(self, callback_id: str, bubble: Remark | None, language: Language) -> None:
        """Stop the spinner on a pressed button."""
        self.dispatcher.tell(
            broadcast.AnswerCallback(
                chat_id=self.chat_id, callback_id=callback_id, text=remark(bubble, language)
            )
        )

    def help(self, order: Order, told: sessions.ButtonPressed, language: Language) -> None:
        """Tell the administrators who needs help with what, and him that they know."""
        if self.admin_chat_id is not None:
            self.dispatcher.tell(
                broadcast.Say(
                    letter_id=LetterId(f"p:{told.update_id}:help"),
                    chat_id=self.admin_chat_id,
                    text=admin_texts.call_for_help(
                        order, told.profile.first_name, self.admin_language
                    ),
                )
            )
        self.say(told.update_id, counter.support_asked(order, language))


def _letter_id(update_id: UpdateId) -> LetterId:
    return LetterId(f"p:{update_id}")
