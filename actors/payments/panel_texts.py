"""What the panel of an order says in each state; HTML, with `{placeholders}`."""

from __future__ import annotations

from enum import StrEnum

from actors.kernel.language import Phrase
from actors.payments.orders import State


class Line(StrEnum):
    """What may stand below the panel of an order, whatever its state."""

    COMING = "coming"
    SURPLUS = "surplus"
    STRANGE = "strange"
    REFUNDED = "refunded"
    REINSTATED = "reinstated"


PANELS: dict[State, Phrase] = {
    State.OPENING: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nГотовим оплату…",
        uk="<b>{title}</b>\n{price}, {rail}\n\nГотуємо оплату…",
        en="<b>{title}</b>\n{price}, {rail}\n\nPreparing your payment…",
    ),
    State.WAITING: Phrase(
        ru="<b>{title}</b>\n{description}\n\nК оплате: <b>{price}</b>, {rail}\n"
        "Оплатите до {until}. Когда оплата придёт, это сообщение изменится само.",
        uk="<b>{title}</b>\n{description}\n\nДо сплати: <b>{price}</b>, {rail}\n"
        "Сплатіть до {until}. Коли оплата надійде, це повідомлення зміниться само.",
        en="<b>{title}</b>\n{description}\n\nTo pay: <b>{price}</b>, {rail}\n"
        "Please pay by {until}. This message will change by itself once you have.",
    ),
    State.PROCESSING: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nПлатёж в пути, ждём подтверждения. "
        "Ничего делать не нужно.",
        uk="<b>{title}</b>\n{price}, {rail}\n\nПлатіж у дорозі, чекаємо на підтвердження. "
        "Нічого робити не потрібно.",
        en="<b>{title}</b>\n{price}, {rail}\n\nYour payment is on its way and is being "
        "confirmed. There is nothing you need to do.",
    ),
    State.UNDERPAID: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nПришло {kept}, не хватает <b>{missing}</b>. "
        "Доплатите там же или напишите нам: /paysupport",
        uk="<b>{title}</b>\n{price}, {rail}\n\nНадійшло {kept}, бракує <b>{missing}</b>. "
        "Доплатіть там само або напишіть нам: /paysupport",
        en="<b>{title}</b>\n{price}, {rail}\n\nWe received {kept}; <b>{missing}</b> is missing. "
        "Pay the rest in the same place, or write to us: /paysupport",
    ),
    State.PAID: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nОплачено. Отправляем покупку…",
        uk="<b>{title}</b>\n{price}, {rail}\n\nСплачено. Надсилаємо покупку…",
        en="<b>{title}</b>\n{price}, {rail}\n\nPaid. Sending you what you bought…",
    ),
    State.GRANTED: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nОплачено и получено. Спасибо!",
        uk="<b>{title}</b>\n{price}, {rail}\n\nСплачено й отримано. Дякуємо!",
        en="<b>{title}</b>\n{price}, {rail}\n\nPaid and delivered. Thank you!",
    ),
    State.LATE: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nОплата пришла, когда заказ был уже закрыт. "
        "Деньги не потеряны: получите покупку сейчас или попросите вернуть их.",
        uk="<b>{title}</b>\n{price}, {rail}\n\nОплата надійшла, коли замовлення було вже закрито. "
        "Гроші не втрачено: отримайте покупку зараз або попросіть їх повернути.",
        en="<b>{title}</b>\n{price}, {rail}\n\nYour payment arrived after the order had been "
        "closed. Your money is safe: take what you bought now, or ask for it back.",
    ),
    State.HELD: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nПлатёж не совпадает с заказом, его проверит "
        "человек. Деньги не потеряны.",
        uk="<b>{title}</b>\n{price}, {rail}\n\nПлатіж не збігається із замовленням, його "
        "перевірить людина. Гроші не втрачено.",
        en="<b>{title}</b>\n{price}, {rail}\n\nYour payment does not match the order; a person "
        "will look at it. Your money is safe.",
    ),
    State.EXPIRED: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nВремя на оплату вышло. Новый заказ: /buy",
        uk="<b>{title}</b>\n{price}, {rail}\n\nЧас на оплату вийшов. Нове замовлення: /buy",
        en="<b>{title}</b>\n{price}, {rail}\n\nThe time to pay is over. To order again: /buy",
    ),
    State.CANCELLED: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nЗаказ отменён. Новый заказ: /buy",
        uk="<b>{title}</b>\n{price}, {rail}\n\nЗамовлення скасовано. Нове замовлення: /buy",
        en="<b>{title}</b>\n{price}, {rail}\n\nThe order is cancelled. To order again: /buy",
    ),
    State.FAILED: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nОплата не прошла, деньги не списаны. "
        "Попробуйте ещё раз: /buy",
        uk="<b>{title}</b>\n{price}, {rail}\n\nОплата не пройшла, гроші не списано. "
        "Спробуйте ще раз: /buy",
        en="<b>{title}</b>\n{price}, {rail}\n\nThe payment did not go through, and nothing was "
        "charged. To try again: /buy",
    ),
    State.REFUNDED: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nДеньги возвращены: {given_back}.",
        uk="<b>{title}</b>\n{price}, {rail}\n\nГроші повернено: {given_back}.",
        en="<b>{title}</b>\n{price}, {rail}\n\nYour money was given back: {given_back}.",
    ),
    State.DISPUTED: Phrase(
        ru="<b>{title}</b>\n{price}, {rail}\n\nБанк отозвал платёж. Если это ошибка, "
        "напишите нам: /paysupport",
        uk="<b>{title}</b>\n{price}, {rail}\n\nБанк відкликав платіж. Якщо це помилка, "
        "напишіть нам: /paysupport",
        en="<b>{title}</b>\n{price}, {rail}\n\nYour bank took the payment back. If that is a "
        "mistake, write to us: /paysupport",
    ),
}

OPENING_SLOWLY = Phrase(
    ru="<b>{title}</b>\n{price}, {rail}\n\nПлатёжная система пока не отвечает. Пробуем снова…",
    uk="<b>{title}</b>\n{price}, {rail}\n\nПлатіжна система поки не відповідає. Пробуємо знову…",
    en="<b>{title}</b>\n{price}, {rail}\n\nThe payment system does not answer yet. We keep trying…",
)

LINES: dict[Line, Phrase] = {
    Line.COMING: Phrase(
        ru="Ещё один платёж в пути.", uk="Ще один платіж у дорозі.", en="A payment is on its way."
    ),
    Line.SURPLUS: Phrase(
        ru="Сверх цены пришло {surplus}. Вернуть: /paysupport",
        uk="Понад ціну надійшло {surplus}. Повернути: /paysupport",
        en="{surplus} more than the price has arrived. To get it back: /paysupport",
    ),
    Line.STRANGE: Phrase(
        ru="Пришёл и платёж, которого мы не ждали: {strange}. Вернуть: /paysupport",
        uk="Надійшов і платіж, якого ми не чекали: {strange}. Повернути: /paysupport",
        en="A payment that we did not expect has arrived too: {strange}. "
        "To get it back: /paysupport",
    ),
    Line.REFUNDED: Phrase(
        ru="Возвращено: {given_back}.",
        uk="Повернено: {given_back}.",
        en="Given back: {given_back}.",
    ),
    Line.REINSTATED: Phrase(
        ru="Спор с банком закрыт: {won} снова засчитано.",
        uk="Суперечку з банком закрито: {won} знову зараховано.",
        en="The dispute with your bank is over: {won} counts as paid again.",
    ),
}

WORDS: dict[State, Phrase] = {
    State.OPENING: Phrase(ru="готовится", uk="готується", en="being prepared"),
    State.WAITING: Phrase(ru="ждёт оплаты", uk="чекає на оплату", en="to be paid"),
    State.PROCESSING: Phrase(ru="платёж в пути", uk="платіж у дорозі", en="payment on its way"),
    State.UNDERPAID: Phrase(ru="оплачен не полностью", uk="сплачено не повністю", en="partly paid"),
    State.PAID: Phrase(ru="оплачен", uk="сплачено", en="paid"),
    State.GRANTED: Phrase(ru="получен", uk="отримано", en="delivered"),
    State.LATE: Phrase(ru="оплачен с опозданием", uk="сплачено із запізненням", en="paid late"),
    State.HELD: Phrase(ru="проверяется", uk="перевіряється", en="being looked at"),
    State.EXPIRED: Phrase(ru="время вышло", uk="час вийшов", en="expired"),
    State.CANCELLED: Phrase(ru="отменён", uk="скасовано", en="cancelled"),
    State.FAILED: Phrase(ru="оплата не прошла", uk="оплата не пройшла", en="payment failed"),
    State.REFUNDED: Phrase(ru="деньги возвращены", uk="гроші повернено", en="refunded"),
    State.DISPUTED: Phrase(ru="платёж отозван", uk="платіж відкликано", en="taken back"),
}
"""A state in a list of orders."""
