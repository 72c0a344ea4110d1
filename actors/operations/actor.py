"""Observer: the newest report of every component.

Receives  operations.Reported (from the event stream), operations.Describe
Tells     nobody
Owns      the newest report of each component, in memory only
Restarts  forgetful: components report again within their own interval
"""

from __future__ import annotations

from typing import assert_never

from actors.operations import messages as operations
from actors.operations.model import Dated
from runtime import Actor

COMPONENTS_MAX = 500
"""Components are named by the program; more than this is a name made from data."""


class Observer(Actor[operations.Command]):
    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, Dated] = {}

    async def on_start(self) -> None:
        self.subscribe(operations.Reported)

    async def on_receive(
        self, message: operations.Command
    ) -> tuple[operations.Reported, ...] | None:
        match message:
            case operations.Reported():
                return self._keep(message)
            case operations.Describe():
                return self._describe()
            case _:
                assert_never(message)

    def _keep(self, told: operations.Reported) -> None:
        before = self._newest.get(told.component)
        if before is None and len(self._newest) >= COMPONENTS_MAX:
            self.log.warning("component.refused", component=told.component, limit=COMPONENTS_MAX)
            return
        self._newest[told.component] = Dated(report=told, at=self.monotonic())
        if told.status != ("pass" if before is None else before.report.status):
            log = self.log.info if told.status == "pass" else self.log.warning
            log(
                "component.changed",
                component=told.component,
                status=told.status,
                output=told.output,
            )

    def _describe(self) -> tuple[operations.Reported, ...]:
        now = self.monotonic()
        return tuple(self._newest[component].aged(now) for component in sorted(self._newest))
