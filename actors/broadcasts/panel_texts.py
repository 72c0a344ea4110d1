"""What the panel of a broadcast says to administrators, in the three languages side by side; HTML,
with `{places}`. Bubbles and buttons are plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from actors.broadcasts.messages import COMMAND
from actors.broadcasts.model import Kind, State
from actors.broadcasts.rules import Remark
from actors.broadcasts.template import PLACEHOLDERS
from actors.kernel.language import Phrase


class Label(StrEnum):
    """What stands on buttons."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    PAUSE = "pause"
    GO_ON = "go_on"
    WHOM = "whom"
    WHEN = "when"
    AT_ONCE = "at_once"
    REGISTRATION = "registration"
    PLAN = "plan"
    ACTIVE = "active"
    ANY_TIME = "any_time"
    BACK = "back"


class Bubble(StrEnum):
    """What answers a pressed button."""

    STARTS = "starts"
    SCHEDULED = "scheduled"
    GOES_ON = "goes_on"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    GONE = "gone"
    CHANGED = "changed"


_PLACES = " ".join(f"<code>{{{{{name}}}}}</code>" for name in PLACEHOLDERS)

USAGE = Phrase(
    ru=f"Напишите, что разослать, после <code>/{COMMAND}</code> или в подписи к фото, видео,"
    f" документу или анимации; или ответьте командой <code>/{COMMAND}</code> на сообщение, чтобы"
    " разослать его. Кнопки — последними строками: <code>[Текст] https://example.org</code>."
    f" Подставляются {_PLACES}.\n\nСначала вы увидите всё так, как увидят получатели, и выберете,"
    " кому и когда отправить. Без подтверждения ничего не будет отправлено.",
    uk=f"Напишіть, що розіслати, після <code>/{COMMAND}</code> або в підписі до фото, відео,"
    f" документа чи анімації; або дайте відповідь командою <code>/{COMMAND}</code> на"
    " повідомлення, щоб розіслати його. Кнопки — останніми рядками:"
    f" <code>[Текст] https://example.org</code>. Підставляються {_PLACES}.\n\nСпочатку ви"
    " побачите все так, як побачать отримувачі, і виберете, кому й коли надіслати. Без"
    " підтвердження нічого не буде надіслано.",
    en=f"Write what is to be sent behind <code>/{COMMAND}</code>, or below a photo, a video, a"
    f" document or an animation; or answer a message with <code>/{COMMAND}</code> to send that"
    " one. Buttons are the last lines: <code>[Text] https://example.org</code>. These are filled"
    f" in: {_PLACES}.\n\nYou see it first as everybody will, and choose who gets it and when."
    " Nothing is sent before you confirm.",
)
"""`_PLACES` survives one filling, like all of it."""

TITLES: Mapping[Kind, Phrase] = {
    Kind.SEND: Phrase(ru="Рассылка", uk="Розсилка", en="Broadcast"),
    Kind.EDIT: Phrase(ru="Правка", uk="Правка", en="Change"),
    Kind.DELETE: Phrase(ru="Удаление", uk="Видалення", en="Deletion"),
}

HEADINGS: Mapping[State, Phrase] = {
    State.CHECKING: Phrase(
        ru="{it}: проверяем", uk="{it}: перевіряємо", en="{it} is being checked"
    ),
    State.DRAFT: Phrase(
        ru="{it}: начать нельзя", uk="{it}: почати не можна", en="{it} cannot start"
    ),
    State.READY: Phrase(
        ru="{it}: ждёт подтверждения", uk="{it}: чекає на підтвердження", en="{it} waits for you"
    ),
    State.SCHEDULED: Phrase(ru="{it}: начинаем", uk="{it}: починаємо", en="{it} starts"),
    State.RUNNING: Phrase(ru="{it}: идёт", uk="{it}: триває", en="{it} is under way"),
    State.PAUSED: Phrase(ru="{it}: на паузе", uk="{it}: на паузі", en="{it} is paused"),
    State.FINISHED: Phrase(ru="{it}: готово", uk="{it}: готово", en="{it} is done"),
    State.CANCELLED: Phrase(ru="{it}: отменено", uk="{it}: скасовано", en="{it} is cancelled"),
    State.DELETED: Phrase(
        ru="{it}: остановлено, отправленное удаляется",
        uk="{it}: зупинено, надіслане видаляється",
        en="{it} is being taken back",
    ),
}
STARTS_AT = Phrase(
    ru="{it}: начнётся {when}", uk="{it}: почнеться {when}", en="{it} starts at {when}"
)

PREPARING = Phrase(
    ru="Составляем список получателей…",
    uk="Складаємо список отримувачів…",
    en="The recipients are being listed…",
)
OF = Phrase(ru="{done} из {total}", uk="{done} з {total}", en="{done} of {total}")
PACE = Phrase(
    ru="{pace} в секунду, осталось {left}",
    uk="{pace} за секунду, лишилося {left}",
    en="{pace} a second, {left} left",
)
REACH = Phrase(ru="Получат: {count}", uk="Отримають: {count}", en="Recipients: {count}")
NOBODY = Phrase(
    ru="Получателей нет: выберите других",
    uk="Отримувачів немає: виберіть інших",
    en="Nobody would get it: choose others",
)
LEFT_OUT = Phrase(
    ru="недоступны: {count}", uk="недоступні: {count}", en="cannot be reached: {count}"
)
NOBODY_YET = Phrase(ru="пока никто", uk="поки ніхто", en="nobody yet")

DONE: Mapping[Kind, Phrase] = {
    Kind.SEND: Phrase(ru="получили: {count}", uk="отримали: {count}", en="{count} sent"),
    Kind.EDIT: Phrase(ru="изменено: {count}", uk="змінено: {count}", en="{count} changed"),
    Kind.DELETE: Phrase(ru="удалено: {count}", uk="видалено: {count}", en="{count} deleted"),
}
BLOCKED = Phrase(ru="недоступны: {count}", uk="недоступні: {count}", en="{count} unreachable")
FAILED = Phrase(ru="ошибки: {count}", uk="помилки: {count}", en="{count} failed")
UNKNOWN = Phrase(
    ru="исход неизвестен: {count}", uk="результат невідомий: {count}", en="{count} unknown"
)
SKIPPED = Phrase(
    ru="пропущены заранее: {count}", uk="пропущені наперед: {count}", en="{count} left out"
)

TO_EVERYBODY = Phrase(ru="Кому: всем", uk="Кому: усім", en="To everybody")
TO = Phrase(ru="Кому: {whom}", uk="Кому: {whom}", en="To: {whom}")
TO_LANGUAGE = Phrase(ru="язык — {which}", uk="мова — {which}", en="language: {which}")
TO_REGISTRATION = Phrase(
    ru="регистрация — {which}", uk="реєстрація — {which}", en="registration: {which}"
)
TO_PLAN = Phrase(ru="купили {which}", uk="купили {which}", en="have bought {which}")
TO_ACTIVE = Phrase(ru="были активны с {when}", uk="були активні з {when}", en="active since {when}")
TO_CHATS = Phrase(ru="чаты по списку: {count}", uk="чати за списком: {count}", en="{count} chats")

BEGINS = Phrase(ru="Начало: {when}", uk="Початок: {when}", en="Start: {when}")
ASKS_WHEN = Phrase(
    ru="Выберите, когда начать. Сейчас {now}.",
    uk="Виберіть, коли почати. Зараз {now}.",
    en="Choose when it starts. It is {now} now.",
)
ASKS_WHOM = Phrase(
    ru="Отметьте, кто получит: подходит тот, к кому относится всё отмеченное.",
    uk="Позначте, хто отримає: підходить той, кого стосується все позначене.",
    en="Mark who gets it: those to whom everything that is marked applies.",
)

LABELS: Mapping[Label, Phrase] = {
    Label.CONFIRM: Phrase(ru="Подтвердить", uk="Підтвердити", en="Confirm"),
    Label.CANCEL: Phrase(ru="Отменить", uk="Скасувати", en="Cancel"),
    Label.PAUSE: Phrase(ru="Пауза", uk="Пауза", en="Pause"),
    Label.GO_ON: Phrase(ru="Продолжить", uk="Продовжити", en="Go on"),
    Label.WHOM: Phrase(ru="Кому…", uk="Кому…", en="To whom…"),
    Label.WHEN: Phrase(ru="Когда…", uk="Коли…", en="When…"),
    Label.AT_ONCE: Phrase(ru="Сразу", uk="Одразу", en="At once"),
    Label.REGISTRATION: Phrase(ru="Регистрация…", uk="Реєстрація…", en="Registration…"),
    Label.PLAN: Phrase(ru="Покупки…", uk="Покупки…", en="Purchases…"),
    Label.ACTIVE: Phrase(ru="Активность…", uk="Активність…", en="Activity…"),
    Label.ANY_TIME: Phrase(ru="Когда угодно", uk="Будь-коли", en="Any time"),
    Label.BACK: Phrase(ru="Назад", uk="Назад", en="Back"),
}

REGISTRATIONS: Mapping[str, Phrase] = {
    "filling": Phrase(ru="не закончена", uk="не закінчена", en="not finished"),
    "awaiting_payment": Phrase(ru="ждёт оплаты", uk="чекає на оплату", en="to be paid"),
    "success": Phrase(ru="оплачена", uk="оплачена", en="paid"),
    "cancelled": Phrase(ru="отменена", uk="скасована", en="cancelled"),
    "expired": Phrase(ru="просрочена", uk="прострочена", en="expired"),
}
"""Where a conversation stands, as far as administrators tell them apart (`panel.STATES`)."""

AGES: Mapping[int, Phrase] = {
    1: Phrase(ru="За сутки", uk="За добу", en="Past day"),
    7: Phrase(ru="За неделю", uk="За тиждень", en="Past week"),
    30: Phrase(ru="За 30 дней", uk="За 30 днів", en="Past 30 days"),
    90: Phrase(ru="За 90 дней", uk="За 90 днів", en="Past 90 days"),
}
"""In days."""

SECONDS = Phrase(ru="{n} с", uk="{n} с", en="{n} s")
MINUTES = Phrase(ru="{n} мин", uk="{n} хв", en="{n} min")
HOURS = Phrase(ru="{h} ч {n} мин", uk="{h} год {n} хв", en="{h} h {n} min")

BUBBLES: Mapping[Bubble, Phrase] = {
    Bubble.STARTS: Phrase(ru="Начинаем.", uk="Починаємо.", en="It starts."),
    Bubble.SCHEDULED: Phrase(
        ru="Начнётся в своё время.", uk="Почнеться у свій час.", en="It starts at its time."
    ),
    Bubble.GOES_ON: Phrase(ru="Продолжаем.", uk="Продовжуємо.", en="It goes on."),
    Bubble.PAUSED: Phrase(ru="Поставлено на паузу.", uk="Поставлено на паузу.", en="It is paused."),
    Bubble.CANCELLED: Phrase(ru="Отменено.", uk="Скасовано.", en="It is cancelled."),
    Bubble.GONE: Phrase(
        ru="Этого здесь уже нет.", uk="Цього тут уже немає.", en="That is not here any more."
    ),
    Bubble.CHANGED: Phrase(
        ru="Рассылка изменилась. Посмотрите ещё раз и подтвердите.",
        uk="Розсилка змінилася. Перегляньте її ще раз і підтвердьте.",
        en="It has changed meanwhile. Look again, and confirm.",
    ),
}

REMARKS: Mapping[Remark, Phrase] = {
    Remark.NOT_UNDER_WAY: Phrase(
        ru="рассылка сейчас не идёт",
        uk="розсилка зараз не триває",
        en=Remark.NOT_UNDER_WAY.value,
    ),
    Remark.NOT_WAITING: Phrase(
        ru="она уже не ждёт подтверждения",
        uk="вона вже не чекає на підтвердження",
        en=Remark.NOT_WAITING.value,
    ),
    Remark.IS_OVER: Phrase(
        ru="рассылка уже завершена", uk="розсилку вже завершено", en=Remark.IS_OVER.value
    ),
    Remark.NOT_FINISHED: Phrase(
        ru="рассылка ещё не завершена",
        uk="розсилку ще не завершено",
        en=Remark.NOT_FINISHED.value,
    ),
    Remark.NOTHING_FAILED: Phrase(
        ru="ошибок не было", uk="помилок не було", en=Remark.NOTHING_FAILED.value
    ),
    Remark.HAS_STARTED: Phrase(
        ru="рассылка уже началась", uk="розсилка вже почалася", en=Remark.HAS_STARTED.value
    ),
    Remark.NOT_STARTED: Phrase(
        ru="ещё ничего не отправлено: отмените рассылку",
        uk="ще нічого не надіслано: скасуйте розсилку",
        en=Remark.NOT_STARTED.value,
    ),
    Remark.IS_CANCELLED: Phrase(
        ru="рассылка отменена: создайте новую",
        uk="розсилку скасовано: створіть нову",
        en=Remark.IS_CANCELLED.value,
    ),
    Remark.IS_DELETED: Phrase(
        ru="рассылка удалена: создайте новую",
        uk="розсилку видалено: створіть нову",
        en=Remark.IS_DELETED.value,
    ),
}

NOT_SENT = Phrase(ru="Не отправлено: {why}", uk="Не надіслано: {why}", en="Not sent: {why}")

NOT_SHOWN = Phrase(
    ru="Telegram не принимает это сообщение: {detail}",
    uk="Telegram не приймає це повідомлення: {detail}",
    en="Telegram does not show it to the administrators: {detail}",
)
NOT_ALLOWED = Phrase(
    ru="бот не может писать администраторам: {detail}",
    uk="бот не може писати адміністраторам: {detail}",
    en="the bot may not write to ADMIN_CHAT_ID: {detail}",
)
NOBODY_LEFT = Phrase(
    ru="получателей больше нет",
    uk="отримувачів більше немає",
    en="there is nobody to send it to any more",
)
