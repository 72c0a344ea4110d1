"""A small system to be watched: what the operator's routes are tried on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actors.operations.actor import Observer
from actors.operations.model import Identity, Phase, Readiness
from adapters.http.operator import Views
from runtime import Actor, ActorSystem, Node, Unavailable

IDENTITY = Identity(service_id="factorage", version="0.1.0", release_id="abc123")
SERVING = Readiness(phase=Phase.SERVING, present=("store",))


class Clerk(Actor[str]):
    """Does what it is told: `crash`, `outage`, or nothing."""

    def on_receive(self, message: str) -> str:
        if message == "crash":
            raise ValueError("told to crash")
        if message == "outage":
            raise Unavailable("told to wait")
        return message


class Watched:
    """What the views show; a test changes it under their eyes."""

    def __init__(self, system: ActorSystem, observer: Any = None) -> None:
        self.system = system
        self.observer = observer or system.spawn(Observer, name="observer")
        self.alive = True
        self.readiness = SERVING
        self.snapshot: Callable[[], Node] = system.snapshot

    def views(self) -> Views:
        return Views(
            identity=IDENTITY,
            alive=lambda: self.alive,
            readiness=lambda: self.readiness,
            snapshot=lambda: self.snapshot(),  # noqa: PLW0108 - looked up when asked
            fates=self.system.fates,
            observer=self.observer,
            now=self._now,
            uptime_seconds=lambda: 12.5,
        )

    def _now(self) -> datetime:
        return self.system.world.now()
