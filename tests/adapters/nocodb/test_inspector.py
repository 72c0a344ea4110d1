"""The table's inspector says which columns are missing, and asks no more than it has to."""

from __future__ import annotations

import trio

from actors.kernel.failures import Unavailable
from actors.operations.messages import Reported
from adapters.nocodb.inspector import TableInspector
from runtime.testing import Probe, running


class Table:
    """Stands for `NocoRecords`: answers what it was given, one after the other."""

    def __init__(self, *answers: tuple[str, ...] | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def missing_columns(self) -> tuple[str, ...]:
        self.asked += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def _reports(table: Table) -> list[tuple[str, str]]:
    async with running() as system:
        probe = Probe()
        system.events.subscribe(Reported, probe)
        system.spawn(lambda: TableInspector(records=table))  # type: ignore[arg-type]  # the part of it that is used
        await trio.sleep(3_600)
        return [(report.status, report.output) for report in probe.told]


async def test_a_complete_table_is_looked_at_once() -> None:
    table = Table(())
    assert await _reports(table) == [("pass", "")]
    assert table.asked == 1


async def test_missing_columns_are_named() -> None:
    ((status, output),) = await _reports(Table(("Contact", "Sprache")))
    assert status == "fail"
    assert "no column 'Contact', 'Sprache'" in output


async def test_a_table_that_cannot_be_read_is_looked_at_again() -> None:
    table = Table(Unavailable("NocoDB is away"), Unavailable("NocoDB is away"), ())
    statuses = [status for status, _ in await _reports(table)]
    assert statuses == ["warn", "warn", "pass"]
    assert table.asked == 3
