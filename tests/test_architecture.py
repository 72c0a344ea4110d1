"""The house rules hold, and each check notices when they do not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import architecture as house
from tests.architecture import ROOT, Source

UNTESTED_ON_PURPOSE = {
    "__init__.py": "a package's face: its parts are tested",
    "messages.py": "declarations, used by every test of their subject",
    "ports.py": "declarations, tested through the contract suites",
    "actors/kernel/ids.py": "declarations",
    "actors/kernel/failures.py": "declarations",
    "runtime/testing/probe.py": "every actor test uses it; test_system.py has its promises",
}

TESTED_TOGETHER = {
    "config/scenarios/flood.py": "Makefile",
    "config/scenarios/outage.py": "Makefile",
    "config/scenarios/registration.py": "Makefile",
    "config/scenarios/restarts.py": "Makefile",
    "actors/broadcasts/keeping.py": "tests/actors/broadcasts/test_actor.py",
    "actors/broadcasts/panel_reader.py": "tests/actors/broadcasts/test_panel.py",
    "actors/broadcasts/panel_texts.py": "tests/actors/broadcasts/test_faults.py",
    "adapters/http/broadcasts_described.py": "tests/adapters/http/test_openapi.py",
    "adapters/http/described.py": "tests/adapters/http/test_openapi.py",
    "adapters/memory/relay_tables.py": "tests/adapters/contract/test_relay.py",
    "actors/payments/desk.py": "tests/actors/payments/test_actor.py",
    "actors/payments/drawer.py": "tests/actors/payments/test_actor.py",
    "actors/payments/keeping.py": "tests/actors/payments/test_actor.py",
    "actors/payments/panel_texts.py": "tests/actors/payments/test_texts.py",
    "config/payment_settings.py": "tests/config/test_settings.py",
    "config/parts.py": "tests/config/test_topology.py",
    "adapters/http/relay_described.py": "tests/adapters/http/test_openapi.py",
    "config/relay_settings.py": "tests/config/test_relay.py",
    "runtime/cell.py": "tests/runtime/test_fates.py",
    "runtime/dead_letters.py": "tests/runtime/test_fates.py",
    "runtime/errors.py": "tests/runtime/test_fates.py",
    "runtime/lifecycle.py": "tests/runtime/test_fates.py",
    "runtime/message.py": "tests/runtime/test_fates.py",
    "runtime/workers.py": "tests/runtime/test_fates.py",
    "runtime/child.py": "tests/runtime/test_supervisor.py",
    "runtime/testing/hooks.py": "tests/runtime/testing/test_network.py",
    "runtime/testing/hosts.py": "tests/runtime/testing/test_network.py",
    "runtime/testing/sockets.py": "tests/runtime/testing/test_network.py",
    "runtime/testing/timeline_drawing.py": "tests/runtime/testing/test_timeline.py",
    "runtime/testing/timeline_page.py": "tests/runtime/testing/test_timeline.py",
    "runtime/testing/timeline_style.py": "tests/runtime/testing/test_timeline.py",
    "runtime/testing/wire.py": "tests/runtime/testing/test_network.py",
    "runtime/supervised.py": "tests/runtime/test_supervisor.py",
    "config/sim_campaign.py": "tests/config/test_sim.py",
    "config/sim_planted.py": "tests/config/test_sim.py",
    "config/sim_single.py": "tests/config/test_sim.py",
    "runtime/testing/effects.py": "tests/runtime/testing/test_behaviour.py",
    "runtime/testing/hand_loop.py": "tests/runtime/testing/test_behaviour.py",
    "runtime/testing/recipients.py": "tests/runtime/testing/test_behaviour.py",
    "runtime/testing/stage.py": "tests/runtime/testing/test_behaviour.py",
}
"""Parts that mean something only as one machine, and the test of that machine. A scenario is a test
itself: `make test` runs it with many seeds, and here are tests of the parts that some have."""

COMMITTED_THOUGH_HIDDEN = {".ci", ".env.example", ".gitignore"}
NOT_COMMITTED = {"data", "__pycache__"}

BAD = [
    (house.foreign_library, "actors/a/actor.py", "import httpx"),
    (house.foreign_library, "adapters/nocodb/records.py", "from psycopg import sql"),
    (house.foreign_library, "adapters/new/thing.py", "import trio"),
    (house.foreign_library, "runtime/x.py", "from . import y"),
    (house.stranger_in_main, "main.py", "from adapters.postgres import database"),
    (house.stranger_in_main, "main.py", "import structlog"),
    (house.other_subject, "actors/a/actor.py", "from actors.b.model import Price"),
    (house.other_subject, "actors/a/actor.py", "from actors.b import actor"),
    (house.private_runtime, "actors/a/actor.py", "from runtime.mailbox import Mailbox"),
    (house.too_large, "config/x.py", "x = 1\n" * 401),
    (house.too_large, "config/x.py", "async def f():\n" + "    x = 1\n" * 60),
    (house.no_docstring, "config/x.py", "x = 1"),
    (house.missing_heading, "actors/a/actor.py", '"""A.\n\nReceives x\nTells y\nOwns z\n"""'),
    (house.missing_heading, "actors/a/actor.py", "x = 1"),
    (house.broad_except, "config/x.py", "try: f()\nexcept Exception: pass"),
    (house.broad_except, "config/x.py", "try: f()\nexcept: pass"),
    (house.broad_except, "config/x.py", "try: f()\nexcept (KeyError, BaseException) as e: raise e"),
    (house.outside_world, "actors/a/model.py", "import datetime\ndatetime.datetime.now()"),
    (house.outside_world, "actors/a/model.py", "from datetime import datetime as d\nd.now(tz)"),
    (house.outside_world, "actors/a/model.py", "from time import time as now\nnow()"),
    (house.outside_world, "actors/a/model.py", "import uuid\nuuid.uuid4()"),
    (house.outside_world, "actors/a/model.py", "import random\nrandom.random()"),
    (house.outside_world, "actors/a/model.py", "import os\nos.environ['X']"),
    (house.outside_world, "actors/a/model.py", "from os import urandom\nurandom(8)"),
    (house.faked, "tests/test_x.py", "from unittest import mock"),
    (house.faked, "tests/test_x.py", "from unittest.mock import patch"),
    (house.faked, "tests/test_x.py", "import mock"),
    (house.faked, "tests/test_x.py", "def test_a(monkeypatch: object) -> None: ..."),
    (house.faked, "tests/test_x.py", "with pytest.MonkeyPatch.context() as patch: ..."),
    (house.faked, "tests/test_x.py", "from trio.testing import MockClock"),
    (house.faked, "tests/test_x.py", "import trio\ntrio.testing.MockClock()"),
    (house.real_sleep, "tests/test_x.py", "import time\ndef test_a() -> None: time.sleep(1)"),
    (house.real_sleep, "tests/test_x.py", "from time import sleep as nap\nasync def a(): nap(1)"),
    (
        house.real_sleep,
        "tests/test_x.py",
        "import time\n@pytest.mark.real_clock\ndef test_a(): ...\ndef test_b(): time.sleep(1)",
    ),
]

GOOD = [
    (house.foreign_library, "adapters/postgres/database.py", "import psycopg, os, actors.kernel"),
    (house.stranger_in_main, "main.py", "import sys\nfrom config.commands import app"),
    (house.other_subject, "actors/a/actor.py", "from actors.b import messages as b"),
    (house.other_subject, "actors/a/actor.py", "from actors.b.messages import Told"),
    (house.other_subject, "actors/a/actor.py", "from actors.a.model import Price"),
    (house.other_subject, "actors/a/actor.py", "from actors.kernel.ids import ChatId"),
    (house.private_runtime, "actors/a/actor.py", "from runtime import Actor, message"),
    (house.too_large, "config/x.py", "x = 1\n" * 400),
    (house.broad_except, "config/x.py", "try: f()\nexcept KeyError: pass"),
    (house.broad_except, "config/x.py", "try: f()\nexcept BaseException:\n    undo()\n    raise"),
    (house.outside_world, "actors/a/model.py", "from random import Random\nx: Random"),
    (house.outside_world, "actors/a/model.py", "now = self.now()\nworld.random.random()"),
    (house.faked, "tests/test_x.py", "from tests.runtime.puppet import Puppet\npuppet.mock = 1"),
    (house.real_sleep, "tests/test_x.py", "import trio\nasync def test_a(): await trio.sleep(1)"),
    (
        house.real_sleep,
        "tests/test_x.py",
        "import time\n@pytest.mark.real_clock\ndef test_a() -> None: time.sleep(1)",
    ),
    (
        house.real_sleep,
        "tests/test_x.py",
        "import time\npytestmark = pytest.mark.process\ndef test_a(): time.sleep(1)",
    ),
]

Check = Callable[[Source], Iterator[str]]

OURS = (*(f"{package}/" for package in house.PACKAGES), "main.py")
EVERYTHING = (*OURS, "tests/")


class Rule(NamedTuple):
    """What must hold for every file at some places (how its path begins), and who is excepted."""

    check: Check
    places: tuple[str, ...]
    excepted: frozenset[str] = frozenset()


RULES = (
    Rule(house.foreign_library, OURS),
    Rule(house.stranger_in_main, ("main.py",)),
    Rule(house.other_subject, ("actors/",)),
    Rule(house.private_runtime, ("actors/", "adapters/")),
    Rule(house.too_large, EVERYTHING),
    Rule(house.no_docstring, EVERYTHING),
    Rule(house.missing_heading, ("actors/",)),
    Rule(house.broad_except, OURS, house.BROAD_EXCEPT_FILES),
    Rule(house.outside_world, ("runtime/", "actors/"), house.WORLD_FILES),
    Rule(house.faked, ("tests/",)),
    Rule(house.real_sleep, ("tests/",), house.SLEEPING_FILES),
)


@pytest.mark.parametrize(("check", "path", "text"), BAD)
def test_a_check_notices_what_breaks_its_rule(check: Check, path: str, text: str) -> None:
    assert list(check(Source(path, text)))


@pytest.mark.parametrize(("check", "path", "text"), GOOD)
def test_a_check_lets_good_work_pass(check: Check, path: str, text: str) -> None:
    assert list(check(Source(path, text))) == []


def test_the_tree_keeps_every_rule() -> None:
    faults = [
        fault
        for source in house.sources(*house.PACKAGES, "main.py", "tests")
        for rule in RULES
        if source.path.startswith(rule.places) and source.path not in rule.excepted
        for fault in rule.check(source)
    ]

    assert faults == []


def test_an_actor_is_where_the_rule_for_actors_looks() -> None:
    assert [source for source in house.sources("actors") if source.path.endswith("/actor.py")]


def test_the_readme_is_read_in_one_go() -> None:
    lines = (house.ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120


def test_every_exception_to_a_rule_still_exists() -> None:
    named = {name for name in UNTESTED_ON_PURPOSE if "/" in name}

    named |= {*TESTED_TOGETHER, *TESTED_TOGETHER.values(), *house.LIBRARIES}

    for path in named | house.BROAD_EXCEPT_FILES | house.WORLD_FILES | house.SLEEPING_FILES:
        assert (ROOT / path).exists(), f"{path} is gone: take it off its list"


def test_every_module_has_its_test() -> None:
    tests = {source.path for source in house.sources("tests")}
    modules = [source.path for source in house.sources(*house.PACKAGES)]

    exempt = UNTESTED_ON_PURPOSE | TESTED_TOGETHER

    faults = [fault for path in modules for fault in house.untested(path, tests, exempt)]

    assert faults == []


def test_a_module_without_a_test_is_noticed() -> None:
    tests = {"tests/config/test_a.py", "tests/adapters/contract/test_b.py"}

    def noticed(path: str) -> bool:
        return bool(list(house.untested(path, tests, {"ports.py": "why"})))

    assert not noticed("config/a.py")
    assert not noticed("adapters/memory/b.py")
    assert not noticed("actors/x/ports.py")
    assert noticed("config/b.py")
    assert noticed("adapters/http/b.py")


def test_no_file_names_a_package_index_or_somebodys_machine() -> None:
    faults = [
        fault
        for path in _committed_files()
        for fault in house.not_for_a_repository(path, (ROOT / path).read_text("utf-8", "replace"))
    ]

    assert faults == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-" + "url x",
        "https://pypi." + "org/simple",
        "--find-" + "links wheels",
        "DATA_DIR=/" + "home/ann/shop",
        'open("/' + 'root/x")',
    ],
)
def test_an_index_or_a_machines_path_is_noticed(line: str) -> None:
    assert list(house.not_for_a_repository("x", f"fine\n{line}\n"))


@pytest.mark.process
def test_import_contracts_hold() -> None:
    done = _lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.process
def test_every_import_contract_notices_its_violation(tmp_path: Path) -> None:
    violations = {
        "runtime/x.py": "import actors.kernel.ids\nimport httpx",
        "actors/kernel/ids.py": "import actors.a.model",
        "actors/a/actor.py": "import trio\nimport actors.b.actor",
        "actors/a/messages.py": "import actors.a.ports",
        "actors/a/model.py": "",
        "actors/a/ports.py": "",
        "actors/b/actor.py": "",
        "adapters/one/x.py": "import adapters.two.x\nimport actors.b.actor",
        "adapters/two/x.py": "",
        "config/x.py": "",
    }
    for path, text in violations.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for folder in [p for p in tmp_path.rglob("*") if p.is_dir()]:
        (folder / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    told = _lint_imports(tmp_path).stdout

    assert " KEPT" not in told, told
    assert "8 broken" in told, told


def _committed_files() -> Iterator[str]:
    """What git keeps, told without git: a release may be unpacked from an archive."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = filter(_is_committed, folders)
        for name in filter(_is_committed, files):
            yield (Path(folder) / name).relative_to(ROOT).as_posix()


def _is_committed(name: str) -> bool:
    hidden = name.startswith(".") and name not in COMMITTED_THOUGH_HIDDEN
    return not hidden and name not in NOT_COMMITTED


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: here the packages are imported already."""
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
