"""Everything the bot says, in its three languages side by side; HTML, with `{placeholders}`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from actors.kernel.language import Language, Phrase
from actors.sessions.model import Note

BUTTON_LENGTH_MAX = 24
"""Characters of an inline button that a narrow phone shows in full."""


class Text(StrEnum):
    """What stands on panels, besides notes and buttons."""

    LANGUAGE = "language"
    LANGUAGE_CHOICE = "language_choice"
    NAME = "name"
    NAME_NOW = "name_now"
    CONTACT = "contact"
    CONTACT_NOW = "contact_now"
    SUMMARY = "summary"
    CHANGING = "changing"
    SAVING = "saving"
    SAVING_SLOW = "saving_slow"
    AWAITING_PAYMENT = "awaiting_payment"
    SUCCESS = "success"
    CANCELLED = "cancelled"
    CANCELLED_RECORD = "cancelled_record"
    EXPIRED = "expired"
    KEYBOARD_HIDDEN = "keyboard_hidden"


class Label(StrEnum):
    """What stands on buttons."""

    SHARE_PHONE = "share_phone"
    SAVE = "save"
    CHANGE = "change"
    CHANGE_NAME = "change_name"
    CHANGE_CONTACT = "change_contact"
    CHANGE_LANGUAGE = "change_language"
    BACK = "back"
    CANCEL = "cancel"
    RESTART = "restart"
    RESUME = "resume"


LANGUAGE_NAMES = {Language.RU: "Русский", Language.UK: "Українська", Language.EN: "English"}
"""Each in itself, so that whoever cannot read the panel finds his own."""

TEXTS: dict[Text, Phrase] = {
    Text.LANGUAGE: Phrase(
        ru="Здравствуйте! Здесь можно зарегистрироваться: понадобятся имя и номер телефона,"
        " это займёт около минуты.\n\nНа каком языке вам удобно?",
        uk="Вітаємо! Тут можна зареєструватися: знадобляться ім’я та номер телефону,"
        " це займе близько хвилини.\n\nЯкою мовою вам зручно?",
        en="Hello! You can register here: all it takes is your name, your phone number"
        " and about a minute.\n\nWhich language do you prefer?",
    ),
    Text.LANGUAGE_CHOICE: Phrase(
        ru="На каком языке вам удобно?",
        uk="Якою мовою вам зручно?",
        en="Which language do you prefer?",
    ),
    Text.NAME: Phrase(
        ru="<b>Шаг 1 из 2.</b> Как вас зовут? Напишите имя и фамилию.",
        uk="<b>Крок 1 з 2.</b> Як вас звати? Напишіть ім’я та прізвище.",
        en="<b>Step 1 of 2.</b> What is your name? Please type your first and last name.",
    ),
    Text.NAME_NOW: Phrase(
        ru="Сейчас указано имя <b>{name}</b>. Напишите новое.",
        uk="Зараз указано ім’я <b>{name}</b>. Напишіть нове.",
        en="Your name is given as <b>{name}</b>. Please type the new one.",
    ),
    Text.CONTACT: Phrase(
        ru="<b>Шаг 2 из 2.</b> По какому телефону с вами связаться? Нажмите кнопку под полем"
        " ввода или напишите номер, например <code>+79161234567</code>.\n\nПередумали? /cancel",
        uk="<b>Крок 2 з 2.</b> За яким телефоном з вами зв’язатися? Натисніть кнопку під полем"
        " введення або напишіть номер, наприклад <code>+380501234567</code>.\n\n"
        "Передумали? /cancel",
        en="<b>Step 2 of 2.</b> Which phone number can we reach you on? Press the button below"
        " the input field or type it, for example <code>+447911123456</code>.\n\n"
        "Changed your mind? /cancel",
    ),
    Text.CONTACT_NOW: Phrase(
        ru="Сейчас указан телефон <b>{contact}</b>. Напишите новый номер.",
        uk="Зараз указано телефон <b>{contact}</b>. Напишіть новий номер.",
        en="Your phone number is given as <b>{contact}</b>. Please type the new one.",
    ),
    Text.SUMMARY: Phrase(
        ru="<b>Проверьте, пожалуйста</b>\n\nИмя: {name}\nТелефон: {contact}\n\nВсё верно?",
        uk="<b>Перевірте, будь ласка</b>\n\nІм’я: {name}\nТелефон: {contact}\n\nУсе правильно?",
        en="<b>Please check</b>\n\nName: {name}\nPhone: {contact}\n\nIs everything correct?",
    ),
    Text.CHANGING: Phrase(
        ru="Имя: {name}\nТелефон: {contact}\n\nЧто изменить?",
        uk="Ім’я: {name}\nТелефон: {contact}\n\nЩо змінити?",
        en="Name: {name}\nPhone: {contact}\n\nWhat would you like to change?",
    ),
    Text.SAVING: Phrase(
        ru="Сохраняем регистрацию…",
        uk="Зберігаємо реєстрацію…",
        en="Saving your registration…",
    ),
    Text.SAVING_SLOW: Phrase(
        ru="Сохранение занимает больше времени, чем обычно. Ваши данные в безопасности: мы"
        " продолжаем попытки и сразу напишем здесь, когда всё получится.",
        uk="Збереження триває довше, ніж зазвичай. Ваші дані в безпеці: ми продовжуємо спроби"
        " й одразу напишемо тут, коли все вдасться.",
        en="Saving is taking longer than usual. Your details are safe: we keep trying and will"
        " tell you here as soon as it is done.",
    ),
    Text.AWAITING_PAYMENT: Phrase(
        ru="<b>Ожидаем оплату</b>\n\nРегистрация № {record_id} сохранена.\nИмя: {name}\n"
        "Телефон: {contact}\n\nКак только оплата регистрации поступит, здесь появится"
        " подтверждение. Проверять ничего не нужно.",
        uk="<b>Очікуємо на оплату</b>\n\nРеєстрацію № {record_id} збережено.\nІм’я: {name}\n"
        "Телефон: {contact}\n\nЩойно оплата реєстрації надійде, тут з’явиться підтвердження."
        " Перевіряти нічого не потрібно.",
        en="<b>Waiting for your payment</b>\n\nRegistration No. {record_id} is saved.\n"
        "Name: {name}\nPhone: {contact}\n\nAs soon as the payment for the registration arrives, the"
        " confirmation appears here. There is nothing you need to check.",
    ),
    Text.SUCCESS: Phrase(
        ru="<b>Оплата получена. Спасибо!</b>\n\nРегистрация № {record_id} подтверждена.\n"
        "Имя: {name}\nТелефон: {contact}",
        uk="<b>Оплату отримано. Дякуємо!</b>\n\nРеєстрацію № {record_id} підтверджено.\n"
        "Ім’я: {name}\nТелефон: {contact}",
        en="<b>Payment received. Thank you!</b>\n\nRegistration No. {record_id} is confirmed.\n"
        "Name: {name}\nPhone: {contact}",
    ),
    Text.CANCELLED: Phrase(
        ru="Регистрация отменена.\n\nНачать заново можно в любой момент.",
        uk="Реєстрацію скасовано.\n\nПочати знову можна будь-коли.",
        en="The registration is cancelled.\n\nYou can start again at any time.",
    ),
    Text.CANCELLED_RECORD: Phrase(
        ru="Регистрация № {record_id} отменена, платить не нужно.\n\nСами данные сохранены:"
        " если передумаете, продолжите одним нажатием. Если вы уже оплатили, подтверждение"
        " появится здесь.",
        uk="Реєстрацію № {record_id} скасовано, платити не потрібно.\n\nСамі дані збережено:"
        " якщо передумаєте, продовжіть одним натисканням. Якщо ви вже оплатили, підтвердження"
        " з’явиться тут.",
        en="Registration No. {record_id} is cancelled, there is nothing to pay.\n\nIt is kept:"
        " should you change your mind, one tap continues it. If you have paid already, the"
        " confirmation appears here.",
    ),
    Text.EXPIRED: Phrase(
        ru="Вы не завершили регистрацию, поэтому мы удалили введённые данные."
        "\n\nНачать заново можно в любой момент.",
        uk="Ви не завершили реєстрацію, тому ми видалили введені дані."
        "\n\nПочати знову можна будь-коли.",
        en="The registration was not completed, so what you entered has been deleted."
        "\n\nYou can start again at any time.",
    ),
    Text.KEYBOARD_HIDDEN: Phrase(ru="Готово.", uk="Готово.", en="Done."),
}

COMMANDS: dict[str, Phrase] = {
    "start": Phrase(ru="регистрация", uk="реєстрація", en="registration"),
    "status": Phrase(
        ru="что происходит сейчас", uk="що відбувається зараз", en="where things stand"
    ),
    "lang": Phrase(ru="язык", uk="мова", en="language"),
    "cancel": Phrase(ru="отменить", uk="скасувати", en="cancel"),
}
"""What people can ask for everywhere, as `/help` explains it."""

SHOP_COMMANDS: dict[str, Phrase] = {
    "buy": Phrase(ru="что продаётся", uk="що продається", en="what is on sale"),
    "orders": Phrase(ru="ваши заказы", uk="ваші замовлення", en="your orders"),
    "paysupport": Phrase(
        ru="вопросы об оплате", uk="питання щодо оплати", en="questions about a payment"
    ),
}
"""Where there are products; `payments` answers them."""

HELP = Phrase(ru="все команды", uk="усі команди", en="all commands")


def commands_of(*, sells: bool) -> dict[str, Phrase]:
    """Every command, as Telegram offers it to whoever types a slash."""
    return {**(SHOP_COMMANDS if sells else {}), **COMMANDS, "help": HELP}


def _explained(commands: Mapping[str, Phrase]) -> Phrase:
    """A line for each, in every language."""

    def lines(language: Language) -> str:
        return "\n".join(
            f"/{name} – {said.in_language(language)}" for name, said in commands.items()
        )

    return Phrase(ru=lines(Language.RU), uk=lines(Language.UK), en=lines(Language.EN))


NOTES: dict[Note, Phrase] = {
    Note.NAME_EMPTY: Phrase(
        ru="В имени нет видимых символов. Попробуйте ещё раз.",
        uk="В імені немає видимих символів. Спробуйте ще раз.",
        en="That name has no visible characters. Please try again.",
    ),
    Note.NAME_LONG: Phrase(
        ru="Имя слишком длинное: уместите его в 80 символов.",
        uk="Ім’я задовге: вмістіть його у 80 символів.",
        en="That name is too long: please keep it within 80 characters.",
    ),
    Note.PHONE_BAD: Phrase(
        ru="Не похоже на номер телефона. Напишите его с кодом страны, начиная с +.",
        uk="Не схоже на номер телефону. Напишіть його з кодом країни, починаючи з +.",
        en="That does not look like a phone number. Please type it with the country code,"
        " starting with +.",
    ),
    Note.PHONE_FOREIGN: Phrase(
        ru="Это контакт другого человека. Поделитесь, пожалуйста, своим номером.",
        uk="Це контакт іншої людини. Поділіться, будь ласка, своїм номером.",
        en="That is somebody else’s contact. Please share your own number.",
    ),
    Note.BUTTONS_ONLY: Phrase(
        ru="Сейчас отвечать текстом не нужно: воспользуйтесь кнопками или /help.",
        uk="Зараз відповідати текстом не потрібно: скористайтеся кнопками або /help.",
        en="No text is needed right now: please use the buttons or /help.",
    ),
    Note.UNSUPPORTED: Phrase(
        ru="Такие сообщения мы пока не умеем читать, только текст.",
        uk="Такі повідомлення ми поки не вміємо читати, лише текст.",
        en="We cannot read messages of this kind, only text.",
    ),
    Note.HELP: _explained(COMMANDS),
    Note.HELP_IN_SHOP: _explained(SHOP_COMMANDS | COMMANDS),
    Note.UNKNOWN_COMMAND: Phrase(
        ru="Такой команды нет. Доступны /start, /status, /lang, /cancel и /help.",
        uk="Такої команди немає. Доступні /start, /status, /lang, /cancel і /help.",
        en="There is no such command. Try /start, /status, /lang, /cancel or /help.",
    ),
    Note.UNKNOWN_IN_SHOP: Phrase(
        ru="Такой команды нет. Доступны /buy, /orders, /paysupport, /start, /status, /lang,"
        " /cancel и /help.",
        uk="Такої команди немає. Доступні /buy, /orders, /paysupport, /start, /status, /lang,"
        " /cancel і /help.",
        en="There is no such command. Try /buy, /orders, /paysupport, /start, /status, /lang,"
        " /cancel or /help.",
    ),
    Note.NOTHING_TO_CANCEL: Phrase(
        ru="Отменять нечего.",
        uk="Скасовувати нічого.",
        en="There is nothing to cancel.",
    ),
    Note.ALREADY_PAID: Phrase(
        ru="Регистрация уже оплачена, больше ничего делать не нужно.",
        uk="Реєстрацію вже оплачено, більше нічого робити не потрібно.",
        en="Your registration is already paid, there is nothing left to do.",
    ),
    Note.STALE_BUTTON: Phrase(
        ru="Эта кнопка уже неактуальна. Смотрите последнее сообщение.",
        uk="Ця кнопка вже неактуальна. Дивіться останнє повідомлення.",
        en="This button is out of date. Please use the latest message.",
    ),
}

LABELS: dict[Label, Phrase] = {
    Label.SHARE_PHONE: Phrase(
        ru="Отправить мой номер", uk="Надіслати мій номер", en="Share my phone number"
    ),
    Label.SAVE: Phrase(ru="Сохранить", uk="Зберегти", en="Save"),
    Label.CHANGE: Phrase(ru="Изменить", uk="Змінити", en="Change"),
    Label.CHANGE_NAME: Phrase(ru="Имя", uk="Ім’я", en="Name"),
    Label.CHANGE_CONTACT: Phrase(ru="Телефон", uk="Телефон", en="Phone"),
    Label.CHANGE_LANGUAGE: Phrase(ru="Язык", uk="Мова", en="Language"),
    Label.BACK: Phrase(ru="Назад", uk="Назад", en="Back"),
    Label.CANCEL: Phrase(ru="Отменить", uk="Скасувати", en="Cancel"),
    Label.RESTART: Phrase(ru="Начать заново", uk="Почати знову", en="Start again"),
    Label.RESUME: Phrase(ru="Ждать оплату", uk="Очікувати на оплату", en="Resume"),
}


def say(text: Text, language: Language, **values: object) -> str:
    """The panel's text; `values` must be HTML already."""
    return TEXTS[text].in_language(language).format(**values)


def note(remark: Note, language: Language) -> str:
    """The remark: plain text, which is valid HTML too."""
    return NOTES[remark].in_language(language)


def label(name: Label, language: Language) -> str:
    """The text of a button: plain, never HTML."""
    return LABELS[name].in_language(language)
