"""What the gateway knows about an update: the words it uses, and two decisions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from actors.broadcasts import messages as broadcasts
from actors.kernel.ids import ChatId, UpdateId
from actors.operations import messages as operations
from actors.payments import messages as payments
from actors.sessions import messages as sessions

COMPONENT = "telegram.gateway"

ATTEMPTS_MAX = 5
"""So often recovery may find an update first in its chat's queue before the update is parked."""

BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 30.0
RETRY_AFTER_MAX_SECONDS = 300.0
"""Telegram sometimes asks for hours (10,072 s: tdlib/td 1331), and a proxy may say anything. To
ask again after five minutes costs whoever meant it one refusal; a bot that believed a wrong figure
would be deaf, and only a restart would help."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One update as it came: its id, and its JSON with every non-ASCII character escaped."""

    update_id: UpdateId
    body: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One update on its way into the inbox; `handled` when there is nothing to do for it."""

    update_id: UpdateId
    body: str
    chat_id: ChatId | None = None
    handled: bool = False
    parked_reason: str | None = None

    @property
    def is_work(self) -> bool:
        """Somebody is to hear of it."""
        return not self.handled and self.parked_reason is None


@dataclass(frozen=True, slots=True)
class Stored:
    """An unhandled update; `attempts` counts the processes that died while it was in work."""

    update_id: UpdateId
    body: str
    chat_id: ChatId | None
    attempts: int = 0


Heard = sessions.Heard | payments.Heard | payments.PreCheckoutAsked | broadcasts.Heard
"""Whatever an update can become."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Somebody is to hear `message`: by default the session of `chat_id`."""

    chat_id: ChatId
    message: Heard

    @property
    def for_admins(self) -> bool:
        """The broadcaster hears it, from the chat of the administrators."""
        return isinstance(self.message, broadcasts.Heard)

    @property
    def for_purchases(self) -> bool:
        """The purchases of the chat hear it, and not its session."""
        match self.message:
            case payments.PaymentReceived() | payments.PaymentRefunded():
                return True
            case sessions.CommandReceived(name=name):
                return name in payments.COMMANDS
            case sessions.ButtonPressed(data=data):
                return data.startswith(payments.BUTTON_PREFIX)
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do; `kind` is the update's own, or `kind:why`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not an update as the Bot API describes it."""

    detail: str

    @property
    def reason(self) -> str:
        """Why it is parked."""
        return f"malformed: {self.detail}"


Reading = Routed | Ignored | Malformed


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the inbox holds that somebody still has to deal with."""

    unhandled: int
    parked: int


@dataclass(slots=True)
class Totals:
    """What the gateway has counted since it started."""

    polls: int = 0
    updates: int = 0
    duplicates: int = 0
    ignored: int = 0
    parked: int = 0
    last_update_id: int = 0

    def kept(self, updates: Sequence[Arrival], new: Collection[UpdateId]) -> None:
        """These have come, and those of them are `new`."""
        self.last_update_id = updates[-1].update_id
        self.updates += len(new)
        self.duplicates += len(updates) - len(new)


def asks_now(reading: Reading) -> bool:
    """Whether somebody waits for the answer so briefly that it comes before everything else."""
    return isinstance(reading, Routed) and isinstance(reading.message, payments.PreCheckoutAsked)


def entry(arrival: Arrival, reading: Reading) -> Entry:
    """How the inbox keeps an update that was read."""
    match reading:
        case Routed():
            return Entry(arrival.update_id, arrival.body, chat_id=reading.chat_id)
        case Ignored():
            return Entry(arrival.update_id, arrival.body, handled=True)
        case Malformed():
            return Entry(arrival.update_id, arrival.body, parked_reason=reading.reason)


def suspects(stored: Iterable[Stored]) -> list[Stored]:
    """The first unhandled update of each chat: sessions work in order, so only these can
    have been in work when the process died.
    """
    first: dict[ChatId | None, Stored] = {}
    for update in stored:
        first.setdefault(update.chat_id, update)
    return list(first.values())


def judged(stored: Iterable[Stored]) -> tuple[frozenset[UpdateId], dict[UpdateId, int]]:
    """Of what recovery finds: what is to be parked, and what is accused once more, how often."""
    accused = suspects(stored)
    guilty = frozenset(u.update_id for u in accused if u.attempts >= ATTEMPTS_MAX)
    return guilty, {u.update_id: u.attempts + 1 for u in accused if u.update_id not in guilty}


def wait_seconds(
    failures: int, *, jitter: float, retry_after_seconds: float | None = None
) -> float:
    """Wait before the next poll: what Telegram asked for (five minutes at most), or 1 s
    doubling to 30 s of which the upper half is random. `jitter` is in [0, 1).
    """
    if retry_after_seconds is not None:
        # The constant comes first: `max` keeps its first argument when the other is NaN.
        asked = min(RETRY_AFTER_MAX_SECONDS, max(BACKOFF_FIRST_SECONDS, retry_after_seconds))
        return asked + jitter
    doublings = min(max(failures - 1, 0), 16)
    full = min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * float(2**doublings))
    return full * (1 + jitter) / 2


def reported(
    status: operations.Status, output: str, totals: Totals, counts: Counts
) -> operations.Reported:
    """How the gateway is; what ends in `_total` counts from its last restart."""
    figures = {
        "polls_total": totals.polls,
        "updates_total": totals.updates,
        "duplicates_total": totals.duplicates,
        "ignored_total": totals.ignored,
        "parked_total": totals.parked,
        "last_update_id": totals.last_update_id,
        "unhandled": counts.unhandled,
        "parked": counts.parked,
    }
    return operations.Reported(
        component=COMPONENT,
        status=status,
        output=output,
        measurements=tuple(operations.Measurement(name=k, value=n) for k, n in figures.items()),
    )
