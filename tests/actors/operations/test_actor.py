"""The observer: keeps the newest report of each component, and its age."""

from __future__ import annotations

import trio

from actors.operations.actor import COMPONENTS_MAX, Observer
from actors.operations.messages import Describe, Measurement, Reported
from actors.operations.model import REPORT_AGE, age_seconds
from runtime import ask
from runtime.testing import running


async def test_nobody_has_reported_yet() -> None:
    async with running() as system:
        observer = system.spawn(Observer, name="observer")
        assert await ask(observer, Describe()) == ()


async def test_reports_reach_it_over_the_event_stream_sorted_by_component() -> None:
    async with running() as system:
        observer = system.spawn(Observer, name="observer")
        await system.settle()
        system.events.publish(Reported(component="telegram", status="pass"))
        system.events.publish(Reported(component="nocodb", status="warn", output="slow"))
        await system.settle()
        reports = await ask(observer, Describe())
        assert [r.component for r in reports] == ["nocodb", "telegram"]
        assert [r.status for r in reports] == ["warn", "pass"]


async def test_the_newest_report_replaces_the_one_before() -> None:
    async with running() as system:
        observer = system.spawn(Observer, name="observer")
        observer.tell(Reported(component="nocodb", status="fail", output="down"))
        observer.tell(Reported(component="nocodb", status="pass"))
        (report,) = await ask(observer, Describe())
        assert (report.status, report.output) == ("pass", "")


async def test_a_silent_component_stays_as_it_was_and_grows_old() -> None:
    async with running() as system:
        observer = system.spawn(Observer, name="observer")
        figure = Measurement(name="latency_seconds", value=1.0)
        observer.tell(Reported(component="nocodb", status="warn", measurements=(figure,)))
        await system.settle()
        await trio.sleep(90)
        (report,) = await ask(observer, Describe())
        assert report.status == "warn"
        assert report.measurements[0] == figure
        assert report.measurements[1].name == REPORT_AGE
        assert 90 <= age_seconds(report) < 91


async def test_a_flood_of_component_names_is_bounded() -> None:
    async with running() as system:
        observer = system.spawn(Observer, name="observer")
        for number in range(COMPONENTS_MAX + 10):
            observer.tell(Reported(component=f"c{number}", status="pass"))
        assert len(await ask(observer, Describe())) == COMPONENTS_MAX


async def test_after_a_restart_components_are_heard_again() -> None:
    async with running() as system:
        observer = system.spawn(Observer, name="observer")
        observer.tell("no message of ours")  # a crash
        await trio.sleep(5)
        assert await ask(observer, Describe()) == ()
        system.events.publish(Reported(component="store", status="pass"))
        assert [r.component for r in await ask(observer, Describe())] == ["store"]
