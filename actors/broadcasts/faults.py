"""Why a broadcast cannot be, in the three languages: operators read English, administrators theirs.

Plain text with `{places}`, which `filled` fills.
"""

from __future__ import annotations

from actors.kernel.language import Phrase


class FaultError(ValueError):
    """Something cannot be broadcast; says why, for whoever asked."""

    def __init__(self, said: Phrase) -> None:
        super().__init__(said.en)
        self.said = said


def filled(phrase: Phrase, **values: object) -> Phrase:
    """The phrase with these values in it."""
    return Phrase(*(text.format(**values) for text in phrase))


NO_TEXT = Phrase(ru="нет текста", uk="немає тексту", en="there is no text")
LONG_SOURCE = Phrase(
    ru="в тексте больше {most} знаков",
    uk="у тексті понад {most} знаків",
    en="the text has more than {most} characters",
)
CONTROL = Phrase(
    ru="в тексте есть управляющие символы или половина символа",
    uk="у тексті є керувальні символи або половина символу",
    en="the text holds control characters or half a character",
)
LONG_MESSAGE = Phrase(
    ru="с самыми длинными именами текст займёт {units} знаков, а в сообщение помещается {most}",
    uk="із найдовшими іменами текст займе {units} знаків, а в повідомлення вміщується {most}",
    en="the text may take {units} characters with the longest names; a message has at most {most}",
)
LONG_CAPTION = Phrase(
    ru="с самыми длинными именами подпись займёт {units} знаков, а помещается {most}",
    uk="із найдовшими іменами підпис займе {units} знаків, а вміщується {most}",
    en="the text may take {units} characters with the longest names; a caption has at most {most}",
)
SINGLE_BRACE = Phrase(
    ru="в тексте одиночная {brace}; напишите {brace}{brace}",
    uk="у тексті поодинока {brace}; напишіть {brace}{brace}",
    en="a single {brace} stands in the text; write {brace}{brace}",
)
UNKNOWN_PLACE = Phrase(
    ru="подстановки {place} нет; есть {known}",
    uk="підстановки {place} немає; є {known}",
    en="{place} is not known; there are {known}",
)
MEDIA = Phrase(
    ru="для {kind} нужен file_id из Telegram или адрес с https",
    uk="для {kind} потрібен file_id із Telegram або адреса з https",
    en="a {kind} is a file_id of Telegram, or an https address",
)
BUTTONS = Phrase(
    ru="кнопок может быть до {most}, от 1 до {row} в ряду",
    uk="кнопок може бути до {most}, від 1 до {row} у ряду",
    en="there are at most {most} buttons, and 1 to {row} in a row",
)
BUTTON_TEXT = Phrase(
    ru="на кнопке помещается от 1 до {most} знаков",
    uk="на кнопці вміщується від 1 до {most} знаків",
    en="the text of a button has 1 to {most} characters",
)
BUTTON_CONTROL = Phrase(
    ru="в тексте кнопки есть управляющие символы",
    uk="у тексті кнопки є керувальні символи",
    en="the text of a button holds control characters",
)
BUTTON_ADDRESS = Phrase(
    ru="кнопке «{text}» нужен адрес с http, https или tg",
    uk="кнопці «{text}» потрібна адреса з http, https або tg",
    en="the button {text!r} needs an http, https or tg address",
)
MANY_CHATS = Phrase(
    ru="перечислить можно не больше {most} чатов",
    uk="перелічити можна щонайбільше {most} чатів",
    en="at most {most} chats can be listed",
)
CHAT_ID = Phrase(
    ru="номер чата — целое число до {bits} бит, кроме 0",
    uk="номер чату — ціле число до {bits} біт, крім 0",
    en="a chat id is a whole number of at most {bits} bits, and not 0",
)
MANY_OPEN = Phrase(
    ru="незавершённых рассылок уже {most}: сначала отмените одну из них",
    uk="незавершених розсилок уже {most}: спершу скасуйте одну з них",
    en="{most} broadcasts are open already: cancel one first",
)
ABOUT_TO_CHANGE = Phrase(
    ru="её вот-вот изменит рассылка {number}: дождитесь её или отмените",
    uk="її от-от змінить розсилка {number}: дочекайтеся її або скасуйте",
    en="broadcast {number} is about to change it: wait for it, or cancel it",
)
NOBODY = Phrase(ru="получателей нет", uk="отримувачів немає", en="nobody would get it")
NO_PRODUCT = Phrase(
    ru="получателей нет; такого товара в продаже нет: {names}",
    uk="отримувачів немає; такого товару в продажу немає: {names}",
    en="nobody would get it; no such product is on sale: {names}",
)
NOBODY_REACHED = Phrase(
    ru="получателей нет; недоступны: {left_out}",
    uk="отримувачів немає; недоступні: {left_out}",
    en="nobody would get it; {left_out} cannot be reached",
)
