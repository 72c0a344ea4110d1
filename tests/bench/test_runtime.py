"""The benchmark is wired up: each case exists for each system that it names."""

from __future__ import annotations

import importlib
import json

import pytest

from tests.bench import __main__ as bench
from tests.bench.runtime import CASES, PEERS, UNITS


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_unit_and_is_known_to_its_systems(case: str) -> None:
    assert case in UNITS
    for system in CASES[case]:
        peer = importlib.import_module(f"tests.bench.peers.{PEERS[system]}")
        assert case in peer._CASES


@pytest.mark.parametrize("name", bench.NAMES)
def test_every_benchmark_can_be_run_by_its_name(name: str) -> None:
    assert callable(importlib.import_module(f"tests.bench.{name}").run)


def test_an_unknown_name_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        bench.main(["nonsense"])
    assert caught.value.code == 2
    assert "runtime" in capsys.readouterr().err


def test_a_table_shows_figures_ratios_and_what_could_not_be_measured() -> None:
    result = {
        "bench": "runtime",
        "unit": {"tell": "per second"},
        "results": {"tell": {"factorage": 3_000.0, "pykka": 1_000.0, "asyncio_queue": None}},
    }
    table = bench._table(json.loads(json.dumps(result)))
    assert "factorage 3,000   pykka 1,000   asyncio_queue -   (3.00 times pykka)" in table
