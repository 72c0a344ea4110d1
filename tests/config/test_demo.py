"""The demo, as a process of its own: the story holds, stdout is data, a kept database goes on."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from config.commands import main
from config.demo import INDENT, MAIN, WIDTH_MAX, Page, serve_sandbox
from config.process import Life
from config.settings import load_settings
from config.story import STARTS
from config.story_stage import Step
from config.story_world import ADMIN_CHAT_ID, Addresses
from tests.config.program import answers, ended, get, started
from tests.fixtures.postgres import reachable_folder

NAMES = [
    STARTS,
    "a buyer writes /start",
    "he gives his name",
    "his session crashes in the middle of it",
    "he presses Save",
    "PostgreSQL is killed, and he asks /status",
    "an operator ticks Paid",
    "he is told once",
    "he buys something, and pays with Stars",
    "another buyer pays at Stripe",
    "Stripe delivers that webhook again",
    "the worker is killed, and webhooks arrive",
    "administrators are told of each payment once",
    "the ledger balances",
    "he asks a question, in two messages",
    "the scenario at Make is switched off",
    "it is switched on again, and an operator says so",
    "an operator writes to many people",
    "meanwhile one of them asks /status",
    "everybody has one outcome",
]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = reachable_folder()
    yield made
    shutil.rmtree(made)


@pytest.mark.process
async def test_the_story_holds_on_a_fresh_and_on_a_kept_database(
    folder: Path, tmp_path: Path
) -> None:
    async with trio.open_nursery() as side_by_side:
        side_by_side.start_soon(_it_stays_up_after_its_summary, tmp_path)
        side_by_side.start_soon(_a_kept_database_goes_on, folder, tmp_path)


async def _it_stays_up_after_its_summary(tmp_path: Path) -> None:
    async with started("demo", "--json", folder=tmp_path) as demo:
        url = (await demo.says("/health ")).split()[0].removesuffix("/health")
        assert (await get(f"{url}/readyz")).status_code == 200
        health = await answers(f"{url}/health", 200)
        assert health.json()["status"] in {"pass", "warn"}
        await demo.says("Ctrl-C")
        assert demo.process.returncode is None
        place = Path((await demo.says("  cd ")).removeprefix("  cd "))
        events = ["replay", "list", "--source", "stripe", "--json"]
        status, listed, _ = await ended(*events, folder=place)
        assert status == 0
        assert {event["state"] for event in json.loads(listed)["events"]} == {
            "processed",
            "ignored",
        }
        assert (await ended("report", "ledger", folder=place))[0] == 0

        demo.send(signal.SIGINT)

        assert await demo.exit_status(within=15) == 0
    _check_summary(demo.out.decode())
    told = demo.err.decode()
    assert all(name in told for name in NAMES)
    assert "Traceback" not in told
    assert "warning" not in told
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - it leaves nothing where it was started


async def _a_kept_database_goes_on(folder: Path, tmp_path: Path) -> None:
    async with started("demo", "--keep", str(folder), folder=tmp_path) as first:
        await first.says("not paid yet")  # somebody waits, whom the next telling does not know
        first.send(signal.SIGINT)
        assert await first.exit_status(within=15) == 0
        assert first.err == b""

    status, out, err = await ended(
        "demo", "--exit", "--json", "--keep", str(folder), folder=tmp_path
    )

    assert status == 0, err
    _check_summary(out)
    assert "record 2 stands in NocoDB" in err


@pytest.mark.process
async def test_broken_off_it_says_that_the_story_was_not_told(tmp_path: Path) -> None:
    async with started("demo", "--exit", "--json", folder=tmp_path) as demo:
        await demo.says(NAMES[1])

        demo.send(signal.SIGINT)

        assert await demo.exit_status() == 1
        await trio.sleep(0.1)
        summary = json.loads(demo.out)
        assert summary["ok"] is False
        assert "FAIL" not in demo.output


@pytest.mark.process
async def test_without_a_folder_to_live_in_it_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    status, out, err = await ended(
        "demo", "--exit", "--json", "--keep", str(tmp_path / "file"), folder=tmp_path
    )

    assert status == 2
    assert json.loads(out)["ok"] is False
    assert "The demo cannot go on." in err


def test_addresses_are_whole_each_on_its_line() -> None:
    out = _Out("utf-8")
    ports = range(40_001, 40_007)
    at = Addresses(*(f"http://127.0.0.1:{port}" for port in ports))

    Page(out).addresses("http://127.0.0.1:40000", at, Path("/tmp/demo"))  # noqa: S108 - a name

    lines = [line.strip() for line in out.text().splitlines()]
    for port in ports:
        assert any(line.startswith(f"http://127.0.0.1:{port}/_control ") for line in lines)
    assert "cd /tmp/demo" in lines
    assert f"{sys.executable} {MAIN} report ledger" in lines
    assert f"curl http://127.0.0.1:40001/_control/users/{ADMIN_CHAT_ID}/screen" in lines
    assert max(len(line) for line in lines if str(MAIN) not in line) <= WIDTH_MAX


@pytest.mark.parametrize("option", ["--exit", "--json"])
def test_the_outside_world_alone_has_no_story_to_end(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--sandbox", option]) == 2
    assert "tells no story" in capsys.readouterr().err


async def test_the_outside_world_alone_says_how_a_shop_of_ones_own_gets_there(
    tmp_path: Path,
) -> None:
    out = io.StringIO()
    async with trio.open_nursery() as nursery:
        life = Life()
        nursery.start_soon(serve_sandbox, tmp_path / "data", out, life)
        await trio.testing.wait_all_tasks_blocked(0.5)
        file = tmp_path / ".env"
        file.write_text(out.getvalue(), "utf-8")
        settings = load_settings({}, env_file=file)
        assert (await get(f"{settings.telegram_api_url}/_control")).status_code == 200
        life.end()
    assert settings.data_dir == tmp_path / "data"
    assert settings.products_file is not None
    assert str(settings.http_bind) == "127.0.0.1:8080"


def test_a_page_is_narrow_and_plain_on_what_is_no_terminal() -> None:
    out = _Out("utf-8")

    page = Page(out)
    page.step(Step("he waits", ok=True, seconds=1.5, said="word " * 50))

    lines = out.text().splitlines()
    assert lines[0] == "ok     1.50 s  he waits"
    assert all(line.startswith(" " * INDENT + "word") for line in lines[1:])
    assert max(map(len, lines)) <= WIDTH_MAX
    assert "\x1b" not in out.text()


def test_a_step_that_failed_is_marked() -> None:
    out = _Out("utf-8", terminal=True)

    Page(out).step(Step("he waits", said="for nothing"))

    assert "FAIL" in out.text()


def test_a_page_says_what_its_encoding_can_and_obeys_nobody() -> None:
    out = _Out("ascii")

    Page(out).step(Step("Привіт", ok=True, said="[bold]\x1b[31m’"))

    assert r"\u041f" in out.text()
    assert r"[bold]\x1b[31m\u2019" in out.text()


def _check_summary(out: str) -> None:
    assert out.endswith("}\n")
    assert out.count("\n") == 1
    summary = json.loads(out)
    requests = [f"{name}_requests" for name in ("telegram", "nocodb", "stripe")]
    assert list(summary) == ["ok", "steps", *requests, "restarts"]
    assert summary["ok"] is True
    assert [step["name"] for step in summary["steps"]] == NAMES
    for step in summary["steps"]:
        assert list(step) == ["name", "ok", "seconds", "figures"]
        assert step["ok"] is True
        assert 0 < step["seconds"] < 60
    assert summary["restarts"] >= 2
    assert summary["telegram_requests"] > 10
    assert summary["nocodb_requests"] >= 3
    assert summary["stripe_requests"] == 2
    begun, answered, ended = (step["figures"] for step in summary["steps"][-3:])
    assert begun == {"recipients": 100}
    assert 0 < answered["answer_seconds"] < 60
    assert 0 < answered["pending"] < 100
    assert {name: ended[name] for name in ("sent", "blocked", "failed", "unknown")} == {
        "sent": 99,
        "blocked": 1,
        "failed": 0,
        "unknown": 0,
    }
    assert ended["limit_violations"] == 0


class _Out(io.TextIOWrapper):
    """A stream of some encoding."""

    def __init__(self, encoding: str, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        self.flush()
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode(self.encoding)
