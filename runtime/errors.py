"""Every error of the runtime, and who is to blame for it.

```
Exception
├── pykka.ActorDeadError         the recipient has stopped for good
├── pykka.Timeout                no answer by the deadline; a late reply is ignored
├── MailboxFullError             the recipient's mailbox is at its limit: slow down, or use `send`
├── AskCycleError                waiting for this answer would wait for ourselves
├── WouldBlockError              `get()` on the trio thread: await the future instead
├── NoSystemError                there is no running ActorSystem here
├── Unrecoverable                starting again cannot help: the supervisor gives up at once
├── SupervisionError             a child used up its restarts and nobody above could help
└── Unavailable                  a dependency does not answer: the actor is suspended, not blamed
```
"""

from __future__ import annotations

from pykka import ActorDeadError, Timeout

__all__ = [
    "ActorDeadError",
    "AskCycleError",
    "MailboxFullError",
    "NoSystemError",
    "SupervisionError",
    "Timeout",
    "Unavailable",
    "Unrecoverable",
    "WouldBlockError",
]


class MailboxFullError(Exception):
    """The mailbox is at its limit; the message became a dead letter."""


class AskCycleError(Exception):
    """A waits for B, which waits for A: none of them would ever answer."""


class WouldBlockError(RuntimeError):
    """Blocking here would stop every actor; await instead."""


class NoSystemError(RuntimeError):
    """No ActorSystem runs in this task."""


class SupervisionError(Exception):
    """A supervisor gave up; `__cause__` is the failure that used up the budget."""


class Unrecoverable(Exception):  # noqa: N818 - a verdict, like Unavailable
    """Starting again cannot help: a person has to do what the text says.

    Raised by a child of the tree, it ends the whole system at once, budgets aside. Nobody logs it:
    whoever runs the system gets it, and tells the person.
    """


def is_hopeless(error: BaseException) -> bool:
    """Whether the failure, or what lies behind it, is one that no restart can help."""
    return isinstance(error, Unrecoverable) or isinstance(error.__cause__, Unrecoverable)


class Unavailable(Exception):  # noqa: N818 - a verdict, as in "not now"
    """A dependency does not answer. Raised by a handler, it suspends the actor.

    `retry_after_seconds` is what the dependency asked for, when it said so.
    """

    def __init__(self, detail: str = "", *, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
