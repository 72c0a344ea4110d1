"""What a conversation is: its states, its value, and what counts as a name or a phone number."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actors.kernel.ids import ChatId, MessageId, RecordId
from actors.kernel.language import Language

NAME_LENGTH_MAX = 80
"""Characters of a name, counted after cleaning."""

INPUT_LENGTH_MAX = 4_096
"""Characters of an input that are looked at: the longest text Telegram delivers."""

PHONE_DIGITS_MIN, PHONE_DIGITS_MAX = 7, 15
"""Digits of an international number with its country code (ITU-T E.164)."""

BARE_PHONE_DIGITS_MIN = 11
"""Digits that a typed number without `+` needs to be taken as an international one."""


class State(StrEnum):
    """Where a conversation stands."""

    NEW = "new"
    LANGUAGE = "language"
    NAME = "name"
    CONTACT = "contact"
    SUMMARY = "summary"
    CHANGING = "changing"
    SAVING = "saving"
    AWAITING_PAYMENT = "awaiting_payment"
    SUCCESS = "success"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Note(StrEnum):
    """A remark that stands above the panel, or in the bubble that answers a button."""

    NAME_EMPTY = "name_empty"
    NAME_LONG = "name_long"
    PHONE_BAD = "phone_bad"
    PHONE_FOREIGN = "phone_foreign"
    BUTTONS_ONLY = "buttons_only"
    UNSUPPORTED = "unsupported"
    HELP = "help"
    UNKNOWN_COMMAND = "unknown_command"
    HELP_IN_SHOP = "help_in_shop"
    UNKNOWN_IN_SHOP = "unknown_in_shop"
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    ALREADY_PAID = "already_paid"
    STALE_BUTTON = "stale_button"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One conversation, as it is kept. Times are aware UTC."""

    chat_id: ChatId
    state: State = State.NEW
    language: Language = Language.EN
    name: str | None = None
    contact: str | None = None
    """A phone number, normalised: `+` and 7 to 15 digits."""
    record_id: RecordId | None = None
    first_name: str | None = None
    """As Telegram tells it, cleaned like any name; offered as the name."""
    choosing_language: bool = False
    """The language choice covers the panel of the state."""
    note: Note | None = None
    step: int = 0
    """Raised whenever the panel asks something else; buttons of another step are stale."""
    attempts: int = 0
    """Failed attempts to create the record, since `saving` was entered."""
    deadline: datetime | None = None
    """When the state's time is up: it expires, or is tried again."""
    blocked: bool = False
    """The user does not let the bot write."""
    view_version: int = 0
    shown_version: int = 0
    """The newest version of the panel that Telegram confirmed; equal: nothing to do."""
    show_by: datetime | None = None
    """When a panel that nobody confirmed is shown again."""
    panel_message_id: MessageId | None = None
    stray_message_id: MessageId | None = None
    """A message of ours that is in the way; erased as soon as that was saved."""
    renew: bool = False
    """The panel must come as a new message at the bottom of the chat."""
    contact_keyboard: bool = False
    """The keyboard that shares a phone number may be open below the chat."""

    @property
    def due_at(self) -> datetime | None:
        """When the session wants to be woken up next."""
        return min(filter(None, (self.deadline, self.show_by)), default=None)

    @property
    def complete(self) -> bool:
        """Everything the form asks for is known."""
        return self.name is not None and self.contact is not None

    @property
    def unshown(self) -> bool:
        """The user has not seen the newest panel, and could."""
        return self.shown_version < self.view_version and not self.blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a user registers with; goes into the record table."""

    chat_id: ChatId
    name: str
    contact: str
    language: Language


def clean(text: str) -> str:
    """`text` as one line of what can be seen.

    Control, bidirectional, zero-width and unassigned characters and lone surrogates are
    removed, everything that separates words becomes one space, accents are composed (NFC).
    """
    kept = "".join(_cleaned(character) for character in text[:INPUT_LENGTH_MAX])
    return " ".join(unicodedata.normalize("NFC", kept).split())


def clean_name(text: str) -> str | Note:
    """The name that was typed, or why it cannot be one."""
    name = clean(text)
    if not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        return Note.NAME_EMPTY
    return name if len(name) <= NAME_LENGTH_MAX else Note.NAME_LONG


def clean_phone(text: str, language: Language, *, shared: bool = False) -> str | None:
    """The number as `+` and 7 to 15 digits (E.164); None when it is not one.

    Common separators are ignored. `00` stands for `+`. The national forms of the language
    are understood: `8 999 ...` in Russian, `050 ...` in Ukrainian. Any other number needs its
    country code: with `+`, or long enough to have one. `shared`: from Telegram, always
    international, mostly without `+`.
    """
    compact = unicodedata.normalize("NFKC", clean(text)).translate(_PHONE_SEPARATORS)
    digits = compact.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    if not compact.startswith("+"):
        if digits.startswith("00"):
            digits = digits[2:]
        elif not shared:
            digits = _with_country_code(digits, language)
    if digits.startswith("0") or not PHONE_DIGITS_MIN <= len(digits) <= PHONE_DIGITS_MAX:
        return None
    return f"+{digits}"


def _with_country_code(digits: str, language: Language) -> str:
    """Typed digits without `+`, made international; empty when nobody can tell how."""
    if language is Language.RU and len(digits) == 11 and digits.startswith("8"):  # noqa: PLR2004
        return f"7{digits[1:]}"
    if language is Language.UK and len(digits) == 10 and digits.startswith("0"):  # noqa: PLR2004
        return f"38{digits}"
    return digits if len(digits) >= BARE_PHONE_DIGITS_MIN else ""


_PHONE_SEPARATORS = dict.fromkeys(map(ord, " ()[].-/\u2010\u2011\u2012\u2013\u2014\u2212"))

_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Characters that Unicode calls letters or symbols and that show nothing."""


def _cleaned(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character).startswith("C") or character in _BLANK_LETTERS:
        return ""
    return character
