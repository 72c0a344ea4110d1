"""Stars given back by the Bot API: `payments.ports.Refunding`.

Only a whole payment goes back (`refundStarPayment` knows no amount), and only Stars do: what a
provider of Telegram Payments has collected is given back on that provider's own page.
"""

from __future__ import annotations

from telegram.error import BadRequest, Forbidden, TelegramError

from actors.payments.deeds import Refund
from actors.payments.ports import Declined, GivenBack, Refunding
from adapters.telegram.bot import TrioBot
from adapters.telegram.refusals import unavailable

ALREADY = "charge_already_refunded"
"""The answer to whoever asks again: it went back the first time."""


class StarRefunds(Refunding):
    """Over `bot`, to which the payments were made. A private chat has its user's id."""

    def __init__(self, bot: TrioBot) -> None:
        self._bot = bot

    async def give_back(self, refund: Refund) -> GivenBack | Declined:
        if not refund.whole:
            return Declined(detail="Stars go back in one piece only: all that was paid")
        parameters = {
            "user_id": refund.chat_id,
            "telegram_payment_charge_id": refund.payment_id,
        }
        try:
            await self._bot.call("refundStarPayment", parameters)
        except (BadRequest, Forbidden) as error:
            if ALREADY in error.message.lower():
                return GivenBack()
            return Declined(detail=error.message)
        except TelegramError as error:
            raise unavailable(error) from None
        return GivenBack()
