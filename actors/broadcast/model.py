"""What can become of one attempt to deliver a letter, and what follows from it. Pure.

A messenger (see `ports`) maps whatever Telegram or the network answers to exactly one
outcome. It makes one attempt and repeats nothing: what follows is decided here, by `judge`.

```
the request ...            outcome    follows
was accepted               Sent       the sender is told
was refused for now, 429   Flooded    repeated when the time is over
never left this machine    NotSent    repeated after a back-off
left, no answer came       Unknown    repeated if that is harmless or wanted, else told
will never be accepted     Refused    told
names a closed chat        Blocked    told, for all that waits for that chat; remembered
names a lost message       Gone       told; an `Erase` is then as good as done
names a moved group        Migrated   repeated with the new chat
broke the messenger        Broken     told: a fault of ours must not repeat itself
was not made: the outbox
  took the letter back     Withdrawn  told
  cannot be asked          Held       repeated
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId, MessageId

FLOOD_MIN_SECONDS = 1.0
FLOOD_MAX_SECONDS = 86_400.0
"""A longer flood wait is taken as a day; whatever is no number at all as a second."""

BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 30.0

LETTER_AGE_MAX_SECONDS = 86_400.0
"""Telegram itself keeps an update for 24 h; an answer is not worth more than the question."""

UNKNOWN_SAYS_MAX = 10
"""So often may one `Say(repeat=True)` lose its answer. Each time it may have been shown: the
limit keeps a proxy that garbles every answer from filling a chat with copies."""

REDIRECTS_MAX = 3
"""A letter that is sent on more often goes round in circles."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Telegram accepted the letter.

    `message_id` is the message that now shows it: the new one of a `Say`, the edited one of
    an `Edit` (also when Telegram answers "message is not modified"). None for `Erase` and
    `AnswerCallback`, which show nothing.
    """

    message_id: MessageId | None = None


@dataclass(frozen=True, slots=True)
class Flooded:
    """HTTP 429: certainly not sent; nothing may be sent to this chat before the time is over.

    `retry_after_seconds` is Telegram's `parameters.retry_after`; 10,072 has been seen
    (tdlib/td 1331).
    """

    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Blocked:
    """HTTP 403, or 400 "chat not found": the bot may not write there until it is let in again.

    `detail` is Telegram's description, for a person; `closed` what it means.
    """

    detail: str
    closed: broadcast.Closed = "blocked"


@dataclass(frozen=True, slots=True)
class Gone:
    """400 "message to edit not found", "message can't be edited", "message to delete not
    found": that message is lost.
    """


@dataclass(frozen=True, slots=True)
class Refused:
    """Any other 400: Telegram will never accept this letter as it is.

    `detail` is Telegram's description ("can't parse entities: ..."), for a person.
    """

    detail: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not delivered: no connection, no TLS, pool time-out, HTTP 401, a 4xx of a proxy.
    Safe to repeat whatever the letter is. A 5xx is `Unknown`: it may come after the deed.

    `retry_after_seconds` is how long the other side asks to be left alone, if it does.
    """

    detail: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left and no usable answer came back: read time-out, broken connection, an
    answer that is not the Bot API's (HTML of a proxy, half a JSON).
    """

    detail: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """400 with `migrate_to_chat_id`: the group became a supergroup under `chat_id`."""

    chat_id: ChatId


Outcome = Sent | Flooded | Blocked | Gone | Refused | NotSent | Unknown | Migrated
"""What a messenger may answer."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The messenger raised what its port does not allow: a bug, met with this letter."""

    detail: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The outbox does not want the letter to leave any more; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Held:
    """The outbox could not be asked; nothing was sent."""

    detail: str
    retry_after_seconds: float | None = None


Ended = Outcome | Broken | Withdrawn | Held
"""How a delivery may end."""


@dataclass(frozen=True, slots=True)
class History:
    """What happened to a letter so far; `failures` and `unknowns` include this attempt."""

    age_seconds: float = 0.0
    failures: int = 0
    unknowns: int = 0
    redirects: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """Telegram did it, with the message of that id; None for what concerns no message."""

    message_id: MessageId | None


@dataclass(frozen=True, slots=True)
class Lost:
    """It will not be tried again; `whole_chat`: nor will anything else that waits there."""

    reason: Literal["blocked", "gone", "refused", "unknown", "withdrawn"]
    detail: str
    whole_chat: bool = False
    closed: broadcast.Closed | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """It stays first of its chat, which is closed for `wait_seconds`."""

    wait_seconds: float
    flooded: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """It goes to `chat_id` instead, with all that waits for its chat."""

    chat_id: ChatId


Verdict = Done | Lost | Again | Moved


def judge(letter: broadcast.Letter, outcome: Ended, history: History, *, jitter: float) -> Verdict:
    """What follows from `outcome`; `jitter` (0 to 1) spreads the back-off."""
    match outcome:
        case Sent():
            return _done(letter, outcome)
        case Blocked():
            return Lost("blocked", outcome.detail, whole_chat=True, closed=outcome.closed)
        case Gone():
            if isinstance(letter, broadcast.Erase):
                return Done(letter.message_id)
            return Lost("gone", "the message does not exist any more")
        case Refused():
            return Lost("refused", outcome.detail)
        case Broken():
            return Lost("unknown", outcome.detail)
        case Withdrawn():
            return Lost("withdrawn", "the outbox took it back")
        case Held():
            return Again(0.0, flooded=False)
        case Migrated():
            if history.redirects >= REDIRECTS_MAX:
                return Lost("refused", f"the chat moved {REDIRECTS_MAX} times in a row")
            return Moved(outcome.chat_id)
        case Flooded() | NotSent() | Unknown():
            return _repeat(letter, outcome, history, jitter)
        case _:
            assert_never(outcome)


def _done(letter: broadcast.Letter, sent: Sent) -> Verdict:
    match letter:
        case broadcast.Say() if sent.message_id is None:
            return Lost("unknown", "accepted, but the answer does not name the message")
        case broadcast.Edit() if sent.message_id is None:
            return Done(letter.message_id)
        case broadcast.Erase():
            return Done(letter.message_id)
        case _:
            return Done(sent.message_id)


def _repeat(
    letter: broadcast.Letter, outcome: Flooded | NotSent | Unknown, history: History, jitter: float
) -> Verdict:
    if isinstance(outcome, Flooded):
        detail = f"flood wait of {outcome.retry_after_seconds} s"
    else:
        detail = outcome.detail
    if isinstance(outcome, Unknown) and isinstance(letter, broadcast.Say):
        wanted = letter.repeat and history.unknowns < UNKNOWN_SAYS_MAX
        if not wanted:
            return Lost("unknown", detail)
    if history.age_seconds >= LETTER_AGE_MAX_SECONDS:
        reason: Literal["unknown", "refused"] = "unknown" if history.unknowns else "refused"
        return Lost(reason, f"given up after {history.age_seconds / 3600:.0f} h: {detail}")
    match outcome:
        case Flooded():
            return Again(obeyed_seconds(outcome.retry_after_seconds), flooded=True)
        case NotSent(retry_after_seconds=float() | int() as asked):
            return Again(obeyed_seconds(asked), flooded=False)
        case _:
            return Again(backoff_seconds(history.failures, jitter=jitter), flooded=False)


def obeyed_seconds(asked: float) -> float:
    """A wait somebody else asked for, within bounds whatever it is (negative, NaN, infinite)."""
    # The constant comes first: `max` keeps its first argument when the other is NaN.
    return min(FLOOD_MAX_SECONDS, max(FLOOD_MIN_SECONDS, asked))


def backoff_seconds(failures: int, *, jitter: float) -> float:
    """Wait before the next attempt: doubles from 1 s to 30 s, the upper half of it random."""
    doublings = min(max(failures - 1, 0), 16)
    full = min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2.0**doublings)
    return full * (1 + jitter) / 2
