"""Supervision is data: what to start, when to restart it, how long it may take to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.intensity import DEFAULT_BACKOFF, DEFAULT_BUDGET, Backoff, Budget
from runtime.strategy import Restart, Strategy

if TYPE_CHECKING:
    import pykka

SHUTDOWN_SECONDS = 5.0
START_SECONDS = 60.0
IDLE_SECONDS = 300.0
AWAKE_MAX = 100_000
SLEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One actor. `factory` makes a fresh instance for each incarnation.

    `permanent` is always restarted, `transient` only after a failure, `temporary` never.
    A start may take `start_seconds`, a stop `shutdown_seconds`; then the actor is killed.
    """

    name: str
    factory: Callable[[], pykka.Actor]
    restart: Restart = "permanent"
    start_seconds: float = START_SECONDS
    shutdown_seconds: float = SHUTDOWN_SECONDS
    budget: Budget = DEFAULT_BUDGET
    backoff: Backoff = DEFAULT_BACKOFF


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedSpec:
    """A region of actors, one per key, made by `factory(key)` for the key's first message.

    They are temporary in OTP's sense: one that fails comes back with its next message, after
    a back-off of its own, and never costs the region anything. One that was idle for
    `idle_seconds` goes to sleep (its `on_stop` may take `sleep_seconds`); beyond `awake_max`
    the longest idle ones sleep early.
    """

    name: str
    factory: Callable[[Any], pykka.Actor]
    idle_seconds: float = IDLE_SECONDS
    awake_max: int = AWAKE_MAX
    start_seconds: float = START_SECONDS
    sleep_seconds: float = SLEEP_SECONDS
    shutdown_seconds: float = SHUTDOWN_SECONDS
    budget: Budget = DEFAULT_BUDGET
    backoff: Backoff = DEFAULT_BACKOFF


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSpec:
    """Children that start left to right, stop right to left and fall as `strategy` says.

    The budget that a failing child uses up is its own; then the supervisor stops its other
    children and fails towards its parent, whose child it is, with `budget` and `backoff`.
    """

    name: str
    strategy: Strategy = "one_for_one"
    children: tuple[ChildSpec | KeyedSpec | SupervisorSpec, ...] = ()
    budget: Budget = DEFAULT_BUDGET
    backoff: Backoff = DEFAULT_BACKOFF

    def __post_init__(self) -> None:
        names = [child.name for child in self.children]
        if len(set(names)) != len(names):
            msg = f"the children of {self.name!r} need different names: {names}"
            raise ValueError(msg)


Spec = ChildSpec | KeyedSpec | SupervisorSpec
