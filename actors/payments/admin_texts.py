"""What administrators are told of payments and orders, in the language of their chat. Pure; HTML,
with every value in it escaped.
"""

from __future__ import annotations

from html import escape

from actors.kernel.charges import Rail
from actors.kernel.language import Language, Phrase
from actors.payments.orders import Charge, Order
from actors.payments.panel_texts import WORDS
from actors.payments.ports import Notice

RAILS = {
    Rail.STARS: "Telegram Stars",
    Rail.TELEGRAM: "Telegram Payments",
    Rail.STRIPE: "Stripe",
    Rail.YOOKASSA: "YooKassa",
    Rail.NOWPAYMENTS: "NOWPayments",
}
"""Names of companies: the same in every language."""

_PAID = Phrase(
    ru="<b>Пришёл платёж: {amount}</b>\n{rail}, номер <code>{payment_id}</code>",
    uk="<b>Надійшов платіж: {amount}</b>\n{rail}, номер <code>{payment_id}</code>",
    en="<b>Payment received: {amount}</b>\nby {rail}, charge <code>{payment_id}</code>",
)
_UNMATCHED = Phrase(
    ru="Заказа к нему мы не знаем: <code>main.py report ledger</code>",
    uk="Замовлення до нього ми не знаємо: <code>main.py report ledger</code>",
    en="No order of ours is known for it: <code>main.py report ledger</code>",
)
_BUYER = Phrase(
    ru="Имя: {name}\nТелефон: {phone}\nЗаказ: <code>{order_id}</code>\nЧат: <code>{chat_id}</code>",
    uk="Ім'я: {name}\nТелефон: {phone}\nЗамовлення: <code>{order_id}</code>\n"
    "Чат: <code>{chat_id}</code>",
    en="Name: {name}\nPhone: {phone}\nOrder: <code>{order_id}</code>\nChat: <code>{chat_id}</code>",
)
_NOT_TOLD = Phrase(ru="не назвал", uk="не назвав", en="not told")
_HELP = Phrase(
    ru="<b>Покупателю нужна помощь</b> с заказом <code>{order_id}</code>\n{buyer}, чат {chat_id}\n"
    "{title}, {price}, {rail}: {state}",
    uk="<b>Покупцеві потрібна допомога</b> із замовленням <code>{order_id}</code>\n"
    "{buyer}, чат {chat_id}\n{title}, {price}, {rail}: {state}",
    en="<b>A customer needs help</b> with order <code>{order_id}</code>\n{buyer}, chat {chat_id}\n"
    "{title}, {price}, {rail}: {state}",
)
_CHARGE = Phrase(
    ru="платёж <code>{payment_id}</code>: {standing}, пришло {received}, возвращено {refunded}",
    uk="платіж <code>{payment_id}</code>: {standing}, надійшло {received}, повернено {refunded}",
    en="charge <code>{payment_id}</code>: {standing}, received {received}, refunded {refunded}",
)
_NO_CHARGE = Phrase(ru="платежей мы не знаем", uk="платежів ми не знаємо", en="no charge is known")


def notice(told: Notice, language: Language) -> str:
    """A payment has arrived."""
    paid = _say(
        _PAID,
        language,
        amount=told.amount,
        rail=RAILS[told.rail],
        payment_id=told.payment_id,
    )
    if told.chat_id is None:
        return f"{paid}\n{_say(_UNMATCHED, language)}"
    nothing = _NOT_TOLD.in_language(language)
    buyer = _say(
        _BUYER,
        language,
        name=told.name or nothing,
        phone=told.phone or nothing,
        order_id=told.order_id or "",
        chat_id=told.chat_id,
    )
    return f"{paid}\n{buyer}"


def call_for_help(order: Order, first_name: str | None, language: Language) -> str:
    """Somebody needs help with an order; his name leads to him."""
    link = f'<a href="tg://user?id={order.chat_id}">{escape(first_name or "?")}</a>'
    wanted = _HELP.in_language(language).format(
        order_id=escape(order.order_id),
        buyer=link,
        chat_id=order.chat_id,
        title=escape(order.title),
        price=order.price,
        rail=RAILS[order.rail],
        state=WORDS[order.state].in_language(language),
    )
    charges = [_charge(each, language) for each in order.charges]
    lines = charges or [_say(_NO_CHARGE, language)]
    return "\n".join([wanted, *lines])


def _charge(charge: Charge, language: Language) -> str:
    return _say(
        _CHARGE,
        language,
        payment_id=charge.payment_id,
        standing=charge.standing,
        received=charge.received,
        refunded=charge.refunded,
    )


def _say(phrase: Phrase, language: Language, **values: object) -> str:
    escaped = {name: escape(str(value)) for name, value in values.items()}
    return phrase.in_language(language).format(**escaped)
