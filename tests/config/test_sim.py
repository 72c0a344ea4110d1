"""What is typed behind `main.py sim`, and the exit status that comes of it."""

from __future__ import annotations

import itertools
import json
import signal
from pathlib import Path

import pytest
import trio

from config.commands import main
from config.scenarios import SCENARIOS
from config.sim_arguments import Known
from config.sim_campaign import _pieces
from runtime.testing.campaign import find
from tests.config.program import POLL_SECONDS, ended, started
from tests.config.simulations import HERE

PLANTED_SEEDS = "5"


def told(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `main.py sim` with these arguments."""
    status = main(["sim", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


# list


def test_the_list_names_scenarios_options_and_what_must_happen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = told("list", capsys=capsys)

    assert status == 0
    for name, record in SCENARIOS.items():
        assert f"{name}: {record.title}\n" in out
        for option, known in record.options.items():
            assert f"  --set {option}={known.default}  {known.meaning}\n" in out
        for what in record.sometimes:
            assert f"  sometimes {what}\n" in out


def test_every_scenario_of_the_list_exists_and_some_are_part_of_make_sim() -> None:
    assert all(find(record.run) for record in SCENARIOS.values())
    assert sum(record.seeds for record in SCENARIOS.values()) >= 1000


# What is typed wrongly


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "nothing"], "no scenario 'nothing'; there are day, rush"),
        (["run", "nowhere:x"], "no scenario 'nowhere:x': No module named 'nowhere'"),
        (["run", f"{HERE}:HERE"], f"no scenario '{HERE}:HERE': it is no coroutine function"),
        (["run", f"{HERE}:tea", "--scheduler", "pct:x"], "no scheduler 'pct:x'"),
        (["run", f"{HERE}:tea", "--first", "-1"], "no seed: -1"),
        (["run", f"{HERE}:TEA", "--set", "pots=1"], "no option 'pots'; it has cups, people"),
        (["run", f"{HERE}:TEA", "--set", "cups"], "no setting: 'cups'; expected OPTION=NUMBER"),
        (["run", f"{HERE}:TEA", "--crash", "till"], "no crash: 'till'; expected NODE@STEP"),
        (["replay", "1", "--scenario", f"{HERE}:TEA", "--choices", "x"], "no choices: 'x'"),
        (["shrink", "1", "--scenario", f"{HERE}:TEA"], "passes with seed 1: nothing to shrink"),
        (["crash", f"{HERE}:TEA", "--node", "pot"], "no node 'pot'; there are none"),
        (["soak", "--minutes", "0"], "no time: 0 minutes"),
        (["soak", "--minutes", "nan"], "no time: nan minutes"),
        (["soak", "--minutes", "1", "--first", "-1"], "no seed: -1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = told(*arguments, capsys=capsys)

    assert status == 2
    assert out == ""
    assert reason in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["run", "--seeds", "0"], ["run", "--jobs", "0"], ["replay"], ["planted", "--seeds", "x"]],
)
def test_what_is_no_number_is_refused_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = told(*arguments, capsys=capsys)

    assert (status, out) == (2, "")
    assert "Usage: main.py" in err


# run


def test_a_campaign_passes_if_nothing_failed_and_everything_happened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = told("run", f"{HERE}:TEA", "--jobs", "1", capsys=capsys)

    assert (status, err) == (0, "")
    assert out.startswith(f"{HERE}:TEA: 4 runs, 0 failed\n  4.0 simulated hours in ")
    assert "\n  sometimes tea: 8\n" in out


def test_what_never_happened_fails_a_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", f"{HERE}:COFFEE", "--seeds", "30", "--jobs", "1")

    status, out, _ = told(*arguments, capsys=capsys)

    assert status == 1
    assert "\n  proves nothing about: coffee\n" in out
    assert "\n  sometimes coffee: 0\n" in out


@pytest.mark.parametrize("seeds", [1, 29])
def test_a_few_seeds_need_not_prove_anything(
    seeds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = told("run", f"{HERE}:COFFEE", "--seeds", str(seeds), capsys=capsys)

    assert status == 0
    assert "warning: proves nothing about: coffee" in out


def test_every_failure_comes_with_the_command_that_replays_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("run", f"{HERE}:race", "--seeds", "8", "--jobs", "1", "--json")

    status, out, err = told(*arguments, capsys=capsys)

    assert status == 1
    [line] = out.splitlines()
    figures = json.loads(line)
    assert figures["failed"] == len(figures["failures"]) >= 1
    for failure in figures["failures"]:
        assert failure["failure"] == "AssertionError: the tortoise won"
        assert failure["replay"] in err
        assert told(*failure["replay"].split()[3:], capsys=capsys)[0] == 1


def test_the_summary_for_machines_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", f"{HERE}:TEA", "--seeds", "6", "--first", "10", "--jobs", "1", "--json")

    status, out, _ = told(*arguments, "--set", "cups=4", capsys=capsys)

    figures = json.loads(out)
    assert status == 0
    assert list(figures) == [
        "scenario", "seeds", "failed", "simulated_hours", "seconds", "seeds_per_second",
        "simulated_hours_per_second", "sometimes", "never", "failures",
    ]  # fmt: skip
    assert figures["scenario"] == f"{HERE}:TEA"
    assert (figures["seeds"], figures["failed"], figures["simulated_hours"]) == (6, 0, 12.0)
    assert figures["sometimes"]["tea"] == 24
    assert figures["simulated_hours_per_second"] > figures["seeds_per_second"] > 0, "two hours each"
    assert (figures["never"], figures["failures"]) == ([], [])


def test_several_scenarios_have_a_line_each_and_the_worst_decides(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = (f"{HERE}:COFFEE", f"{HERE}:TEA")

    status, out, _ = told("run", *names, "--seeds", "30", "--jobs", "1", "--json", capsys=capsys)

    assert status == 1
    assert [json.loads(line)["scenario"] for line in out.splitlines()] == list(names)


@pytest.mark.process
async def test_processes_find_what_one_process_finds(tmp_path: Path) -> None:
    arguments = ("sim", "run", f"{HERE}:race", "--seeds", "20", "--json", "--jobs")

    (one, alone, _), (two, together, _) = [
        await ended(*arguments, jobs, folder=tmp_path) for jobs in ("1", "2")
    ]

    assert one == two == 1
    for key in ("seeds", "failed", "simulated_hours", "sometimes", "failures"):
        assert json.loads(alone)[key] == json.loads(together)[key]


@pytest.mark.process
async def test_a_process_that_dies_ends_the_campaign(tmp_path: Path) -> None:
    arguments = ("sim", "run", f"{HERE}:deadly", "--seeds", "50", "--jobs", "2")

    status, out, err = await ended(*arguments, folder=tmp_path)

    assert status == 1
    assert "a process died (exit status 9)" in err
    assert f"python main.py sim replay 3 --scenario {HERE}:deadly" in err
    assert f"{HERE}:deadly: " in out


@pytest.mark.process
@pytest.mark.parametrize("jobs", ["1", "2"])
async def test_ctrl_c_ends_a_campaign_with_what_is_known(jobs: str, tmp_path: Path) -> None:
    arguments = ("sim", "run", f"{HERE}:slow", "--seeds", "100000", "--jobs", jobs, "--json")
    async with started(*arguments, folder=tmp_path) as program:
        await program.says(":slow: ")
        program.send(signal.SIGINT)

        status = await program.exit_status()

        await program.says("interrupted")
        await trio.sleep(POLL_SECONDS)
    assert status == 130
    assert json.loads(program.out)["seeds"] > 0
    assert "Traceback" not in program.output


# crash, soak, planted


def test_a_node_is_killed_at_each_of_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("crash", f"{HERE}:till", "--node", "till", "--jobs", "1", "--json")

    status, out, err = told(*arguments, capsys=capsys)

    figures = json.loads(out)
    assert status == 1
    assert figures["seeds"] == figures["sometimes"]["crash of till"] == 5
    assert [failure["replay"][-7:] for failure in figures["failures"]] == [" till@2", " till@4"]
    assert "AssertionError: money is lost" in err


def test_pairs_of_kills_are_tried_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("crash", f"{HERE}:till", "--node", "till", "--jobs", "1", "--json")

    _, out, _ = told(*arguments, "--pairs", "--every", "2", capsys=capsys)

    figures = json.loads(out)
    assert figures["seeds"] == 3 + 3
    assert figures["failures"][-1]["replay"].endswith("--crash till@3 --crash till@5")


def test_what_fails_without_a_crash_is_not_crashed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("crash", f"{HERE}:race", "--node", "x", "--json")

    status, out, err = told(*arguments, capsys=capsys)

    assert status == 1
    assert json.loads(out)["seeds"] == 1
    assert "fails without a crash already" in err


@pytest.mark.process
async def test_a_soak_runs_all_until_the_time_is_over(tmp_path: Path) -> None:
    names = [f"{HERE}:TEA", f"{HERE}:slow"]
    arguments = ("sim", "soak", "--minutes", "0.05", "--first", "8", "--jobs", "2", "--json")
    scenarios = [word for name in names for word in ("--scenario", name)]

    _, out, err = await ended(*arguments, *scenarios, folder=tmp_path)

    assert "seeds from 8 on" in err
    told = [json.loads(line) for line in out.splitlines()]
    assert [figures["scenario"] for figures in told] == names
    assert all(figures["seeds"] > 0 == figures["failed"] for figures in told)


def test_in_a_soak_scenarios_share_the_time_and_not_the_runs() -> None:
    scenarios = {name: Known.by(f"{HERE}:{name}") for name in ("TEA", "slow")}
    spent = dict.fromkeys(scenarios, 0.0)
    seeds: dict[str, list[int]] = {name: [] for name in scenarios}

    for piece in itertools.islice(_pieces(scenarios, spent, seconds=60, first=7), 55):
        seeds[piece.name].append(piece.plan.seed)
        spent[piece.name] += {"TEA": 1.0, "slow": 10.0}[piece.name]

    assert seeds == {"TEA": list(range(7, 57)), "slow": list(range(7, 12))}


@pytest.mark.process
async def test_the_planted_bugs_are_found(tmp_path: Path) -> None:
    arguments = ("sim", "planted", "--seeds", PLANTED_SEEDS, "--json")

    status, out, _ = await ended(*arguments, folder=tmp_path)

    figures = json.loads(out)
    assert figures["planted"] == len(figures["bugs"]) >= 12
    missed = [name for name, bug in figures["bugs"].items() if not bug["found"]]
    assert figures["found"] == figures["planted"] - len(missed)
    assert status == (1 if missed else 0)


# replay, shrink, diff


def test_a_replay_tells_the_failure_and_whether_it_is_repeatable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("replay", "0", "--scenario", f"{HERE}:race", "--events", "2")

    status, out, err = told(*arguments, capsys=capsys)

    assert (status, err) == (1, "")
    assert "Traceback (most recent call last)" in out
    assert 'told == ["hare", "tortoise"]' in out
    assert f"{HERE}:race failed with seed 0: AssertionError: the tortoise won" in out
    assert "run again it was the same run: digest " in out


def test_a_replay_draws_the_run_into_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.html"
    arguments = ("replay", "0", "--scenario", f"{HERE}:race", "--html", str(file))

    status, out, err = told(*arguments, "--html-events", "2", capsys=capsys)

    page = file.read_text(encoding="utf-8")
    assert (status, err) == (1, f"timeline in {file}\n")
    assert "run again it was the same run: digest " in out
    assert "AssertionError: the tortoise won" in page
    assert "only the last 2 of " in page
    assert f"python main.py sim replay 0 --scenario {HERE}:race" in page
    told(*arguments, "--html-events", "2", capsys=capsys)
    assert file.read_text(encoding="utf-8") == page
    told(*arguments, capsys=capsys)
    assert "things happened, all drawn" in file.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("replay", "0", "--scenario", f"{HERE}:TEA", "--html", str(tmp_path))

    status, out, err = told(*arguments, capsys=capsys)

    assert (status, out, err) == (2, "", f"cannot write {tmp_path}: Is a directory\n")


def test_what_is_not_repeatable_has_a_status_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = told("replay", "0", "--scenario", f"{HERE}:restless", capsys=capsys)

    assert status == 3
    assert "NOT REPEATABLE" in out


def test_crashes_options_and_scheduler_are_played_as_they_are_typed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    usual = ("replay", "0", "--scenario", f"{HERE}:till", "--json")

    fifo = json.loads(told(*usual, "--scheduler", "fifo", capsys=capsys)[1])
    killed = json.loads(told(*usual, "--crash", "till@2", capsys=capsys)[1])

    assert fifo["scheduler"] == "fifo"
    assert fifo["failure"] is None
    assert killed["failure"] == "AssertionError: money is lost"


def test_the_program_logs_only_on_request_and_in_the_simulations_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("replay", "0", "--scenario", f"{HERE}:talkative")

    quiet, loud = [told(*arguments, *more, capsys=capsys)[2] for more in ((), ("--log",))]

    assert quiet == ""
    [line] = loud.splitlines()
    assert line.startswith("01-01 00:01:01.500000 ")
    assert "minute.over" in line


def test_a_failure_is_shrunk_to_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("shrink", "0", "--scenario", f"{HERE}:race", "--crash", "nobody@1")

    status, out, err = told(*arguments, "--json", capsys=capsys)

    shrunk = json.loads(out)
    assert status == 0
    assert "choices out of the ordinary" in err
    assert (shrunk["choices"], shrunk["crashes"]) == (1, [])
    [cause] = shrunk["causes"]
    assert "tortoise overtook task 2 hare" in cause
    assert told(*shrunk["replay"].split()[3:], capsys=capsys)[0] == 1


@pytest.mark.process
async def test_two_processes_show_where_runs_part(tmp_path: Path) -> None:
    arguments = ("sim", "diff", "0", "--scenario")

    same, equal, _ = await ended(*arguments, f"{HERE}:race", folder=tmp_path)
    other, parted, _ = await ended(*arguments, f"{HERE}:differing", folder=tmp_path)

    assert (same, other) == (0, 3)
    assert equal.startswith("equal: ")
    assert [line[0] for line in parted.splitlines()][-2:] == ["-", "+"]
    assert "name " in parted
