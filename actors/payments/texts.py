"""Everything that is said about purchases, in three languages side by side; HTML, with
`{placeholders}`. Bubbles, buttons and refusals before a payment are plain text.
"""

from __future__ import annotations

from enum import StrEnum

from actors.kernel.charges import Rail
from actors.kernel.language import Language, Phrase
from actors.payments.rules import Remark


class Text(StrEnum):
    """What stands in messages that are no order's panel."""

    SHOP = "shop"
    NOTHING_ON_SALE = "nothing_on_sale"
    PRODUCT = "product"
    ORDERS = "orders"
    NO_ORDERS = "no_orders"
    SUPPORT = "support"
    SUPPORT_NO_ORDERS = "support_no_orders"
    SUPPORT_ASKED = "support_asked"
    GOODS = "goods"


class Label(StrEnum):
    """What stands on buttons."""

    PAY = "pay"
    CANCEL = "cancel"
    TAKE = "take"
    SUPPORT = "support"
    SHOP = "shop"
    BACK = "back"


class Refusal(StrEnum):
    """Why a payment may not go ahead."""

    PAID = "paid"
    EXPIRED = "expired"
    CHANGED = "changed"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    AWAY = "away"


TEXTS: dict[Text, Phrase] = {
    Text.SHOP: Phrase(
        ru="Что вы хотите купить?", uk="Що ви хочете купити?", en="What would you like to buy?"
    ),
    Text.NOTHING_ON_SALE: Phrase(
        ru="Сейчас ничего не продаётся.",
        uk="Зараз нічого не продається.",
        en="Nothing is on sale just now.",
    ),
    Text.PRODUCT: Phrase(
        ru="<b>{title}</b>\n{description}\n\nКак вы хотите оплатить?",
        uk="<b>{title}</b>\n{description}\n\nЯк ви хочете сплатити?",
        en="<b>{title}</b>\n{description}\n\nHow would you like to pay?",
    ),
    Text.ORDERS: Phrase(ru="Ваши заказы:", uk="Ваші замовлення:", en="Your orders:"),
    Text.NO_ORDERS: Phrase(
        ru="Заказов пока нет. Купить: /buy",
        uk="Замовлень поки немає. Купити: /buy",
        en="You have no orders yet. To buy something: /buy",
    ),
    Text.SUPPORT: Phrase(
        ru="С каким заказом помочь? Мы получим ваш вопрос и ответим здесь.",
        uk="З яким замовленням допомогти? Ми отримаємо ваше запитання й відповімо тут.",
        en="Which order do you need help with? We will hear of it and answer here.",
    ),
    Text.SUPPORT_NO_ORDERS: Phrase(
        ru="Заказов пока нет, так что помочь не с чем. Купить: /buy",
        uk="Замовлень поки немає, тож допомогти немає з чим. Купити: /buy",
        en="You have no orders yet, so there is nothing to help with. To buy something: /buy",
    ),
    Text.SUPPORT_ASKED: Phrase(
        ru="Мы получили вопрос о заказе «{title}» ({reference}) и ответим здесь.",
        uk="Ми отримали запитання про замовлення «{title}» ({reference}) і відповімо тут.",
        en="We have your question about the order “{title}” ({reference}) and will answer here.",
    ),
    Text.GOODS: Phrase(
        ru="<b>Чек</b>\n{title}: {sold}, {rail}\n{paid_at}, "
        "заказ <code>{reference}</code>\n\n{goods}",
        uk="<b>Чек</b>\n{title}: {sold}, {rail}\n{paid_at}, "
        "замовлення <code>{reference}</code>\n\n{goods}",
        en="<b>Receipt</b>\n{title}: {sold}, {rail}\n{paid_at}, "
        "order <code>{reference}</code>\n\n{goods}",
    ),
}

LABELS: dict[Label, Phrase] = {
    Label.PAY: Phrase(ru="Оплатить", uk="Сплатити", en="Pay"),
    Label.CANCEL: Phrase(ru="Отменить", uk="Скасувати", en="Cancel"),
    Label.TAKE: Phrase(ru="Получить покупку", uk="Отримати покупку", en="Take it now"),
    Label.SUPPORT: Phrase(ru="Нужна помощь", uk="Потрібна допомога", en="I need help"),
    Label.SHOP: Phrase(ru="Купить ещё", uk="Купити ще", en="Buy again"),
    Label.BACK: Phrase(ru="Назад", uk="Назад", en="Back"),
}

RAILS: dict[Rail, Phrase] = {
    Rail.STARS: Phrase(ru="Звёзды Telegram", uk="Зірки Telegram", en="Telegram Stars"),
    Rail.TELEGRAM: Phrase(ru="карта в Telegram", uk="картка в Telegram", en="card in Telegram"),
    Rail.STRIPE: Phrase(ru="карта (Stripe)", uk="картка (Stripe)", en="card (Stripe)"),
    Rail.YOOKASSA: Phrase(ru="ЮKassa", uk="ЮKassa", en="YooKassa"),
    Rail.NOWPAYMENTS: Phrase(ru="криптовалюта", uk="криптовалюта", en="crypto"),
}

REMARKS: dict[Remark, Phrase] = {
    Remark.CANCELLED: Phrase(
        ru="Заказ отменён.", uk="Замовлення скасовано.", en="The order is cancelled."
    ),
    Remark.TOO_LATE_TO_CANCEL: Phrase(
        ru="Платёж уже в пути, отменить нельзя. Вопросы: /paysupport",
        uk="Платіж уже в дорозі, скасувати не можна. Питання: /paysupport",
        en="A payment is on its way, so the order cannot be cancelled. Questions: /paysupport",
    ),
    Remark.TAKEN: Phrase(
        ru="Спасибо! Отправляем покупку.",
        uk="Дякуємо! Надсилаємо покупку.",
        en="Thank you! It is on its way.",
    ),
    Remark.NOT_SOLD_ANY_MORE: Phrase(
        ru="По этой цене больше не продаётся. Вернуть деньги: /paysupport",
        uk="За цією ціною більше не продається. Повернути гроші: /paysupport",
        en="It is not sold at this price any more. To get your money back: /paysupport",
    ),
    Remark.STALE: Phrase(
        ru="Эта кнопка уже неактуальна.",
        uk="Ця кнопка вже неактуальна.",
        en="This button is out of date.",
    ),
}

REFUSALS: dict[Refusal, Phrase] = {
    Refusal.PAID: Phrase(
        ru="Этот заказ уже оплачен.",
        uk="Це замовлення вже сплачено.",
        en="This order is paid already.",
    ),
    Refusal.EXPIRED: Phrase(
        ru="Этот заказ закрыт. Сделайте новый: /buy",
        uk="Це замовлення закрито. Зробіть нове: /buy",
        en="This order is closed. Please make a new one: /buy",
    ),
    Refusal.CHANGED: Phrase(
        ru="Сумма не совпадает с заказом. Сделайте новый: /buy",
        uk="Сума не збігається із замовленням. Зробіть нове: /buy",
        en="The amount is not that of the order. Please make a new one: /buy",
    ),
    Refusal.FOREIGN: Phrase(
        ru="Этот счёт выставлен не вам. Сделайте свой заказ: /buy",
        uk="Цей рахунок виставлено не вам. Зробіть своє замовлення: /buy",
        en="This invoice is somebody else's. Please make an order of your own: /buy",
    ),
    Refusal.UNKNOWN: Phrase(
        ru="Мы не знаем этого заказа. Сделайте новый: /buy",
        uk="Ми не знаємо цього замовлення. Зробіть нове: /buy",
        en="We do not know this order. Please make a new one: /buy",
    ),
    Refusal.AWAY: Phrase(
        ru="Сейчас оплатить нельзя, ничего не списано. Попробуйте через минуту.",
        uk="Зараз сплатити не можна, нічого не списано. Спробуйте за хвилину.",
        en="You cannot pay just now, and nothing was charged. Please try again in a minute.",
    ),
}


def say(text: Text, language: Language, **values: object) -> str:
    """A message's text; `values` must be HTML already."""
    return TEXTS[text].in_language(language).format(**values)


def label(name: Label, language: Language) -> str:
    """The text of a button: plain, never HTML."""
    return LABELS[name].in_language(language)


def rail(name: Rail, language: Language) -> str:
    """How people call the rail: plain."""
    return RAILS[name].in_language(language)


def remark(name: Remark | None, language: Language) -> str:
    """The bubble of a button: plain, "" says nothing."""
    return "" if name is None else REMARKS[name].in_language(language)


def refusal(name: Refusal, language: Language) -> str:
    """Why a payment may not go ahead: plain."""
    return REFUSALS[name].in_language(language)
