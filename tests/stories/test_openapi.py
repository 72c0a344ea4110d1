"""schemathesis against the running program: what `/openapi.json` says is what is answered.

Hundreds of requests, right and wrong, from a stranger and from an operator: no crash, no hang, no
answer that the document does not have. What is right by the document is refused all the same
where it is not signed (`positive_data_acceptance` is left out).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from adapters.http.openapi import document
from config.identity import IDENTITY
from tests.config.program import PATIENCE_SECONDS, outside, running, surroundings
from tests.stories.rails import OPERATOR, credentials

SEED = 1
EXAMPLES = 5
"""For each route, beside those that schemathesis always tries."""
ANSWER_SECONDS = 8
OPERATIONS = sum(len(item) for item in document(IDENTITY)["paths"].values()) - 1
"""The document itself is where it begins."""

pytestmark = pytest.mark.process


async def test_every_route_answers_as_it_is_described(tmp_path: Path, database_url: str) -> None:
    settings = credentials() | {"DATABASE_URL": database_url, "OPERATOR_TOKEN": OPERATOR}
    told: dict[str, str] = {}

    async def explore(who: str, *arguments: str) -> None:
        folder = tmp_path / who
        folder.mkdir()
        told[who] = await _explored(f"{url}/openapi.json", folder, *arguments)

    async with outside() as world, running(world, tmp_path, **settings) as (program, url):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(explore, "stranger", "--phases=fuzzing")
            bearer = f"--header=Authorization: Bearer {OPERATOR}"
            nursery.start_soon(explore, "operator", "--phases=coverage,fuzzing", bearer)
        assert program.process.returncode is None
    for who, report in told.items():
        assert f"Tested: {OPERATIONS}\n" in report, f"{who}:\n{report}"
        assert "No issues found" in report, f"{who}:\n{report}"
    assert "http.request_failed" not in program.output


async def _explored(url: str, folder: Path, *arguments: str) -> str:
    """What schemathesis says of it in the end."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", url),
        *(f"--max-examples={EXAMPLES}", f"--seed={SEED}", "--continue-on-failure"),
        *("--checks=all", "--exclude-checks=positive_data_acceptance", "--warnings=off"),
        *(f"--request-timeout={ANSWER_SECONDS}", *arguments),
    ]
    with trio.fail_after(PATIENCE_SECONDS):
        done = await trio.run_process(
            command,
            cwd=folder,
            env=surroundings(),
            check=False,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
        )
    return done.stdout.decode(errors="replace")
