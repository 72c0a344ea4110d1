"""What is typed becomes a plan, and a plan becomes what is typed."""

from __future__ import annotations

import shlex

import pytest

from config.sim_arguments import PROGRAM, Circumstances, Known, RefusedError
from runtime.testing.node import Crash
from runtime.testing.simulation import Plan
from tests.config.simulations import HERE, TEA


def test_a_name_of_the_list_is_known_with_its_options() -> None:
    rush = Known.by("rush")

    assert rush.name == "rush"
    assert Circumstances().plan(rush, 3) == Plan(seed=3, options=dict(rush.options(())))


def test_a_record_or_a_function_of_a_module_is_known_too() -> None:
    assert Known.by(f"{HERE}:TEA") == Known(f"{HERE}:TEA", TEA)
    assert Known.by(f"{HERE}:tea").record.title == "Tea is drunk."
    assert Known.by(f"{HERE}:tea").record.run == f"{HERE}:tea"


def test_a_function_takes_any_option() -> None:
    assert Known.by(f"{HERE}:tea").options(["cups=5"]) == {"cups": 5}


def test_the_last_setting_of_an_option_counts() -> None:
    assert Known.by(f"{HERE}:TEA").options(["cups=5", "cups=7"]) == {"cups": 7, "people": 1}


def test_a_module_without_its_function_is_told_how_scenarios_are_named() -> None:
    with pytest.raises(
        RefusedError, match=r"no scenario 'test_sims'; .*, and any `module:function`$"
    ):
        Known.by("test_sims")


@pytest.mark.parametrize(
    "name", ["nothing", ":", "a:", ":b", f"{HERE}:none", f"{HERE}:HERE", "no such:thing"]
)
def test_what_is_no_scenario_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="no scenario"):
        Known.by(name)


def test_a_replay_command_says_all_that_is_not_usual() -> None:
    known = Known.by(f"{HERE}:TEA")
    typed = Circumstances(scheduler="pct:2", crash=("a@1", "b@2"), set_=("cups=5",))
    plan = typed.plan(known, 7, choices="no tea:1=1;tasks:3=2")

    words = shlex.split(known.replay(plan, "pct:2"))

    assert plan.crashes == (Crash("a", 1), Crash("b", 2))
    assert tuple(words[:4]) == PROGRAM
    assert words[4:] == [
        "7", "--scenario", f"{HERE}:TEA", "--scheduler", "pct:2", "--crash", "a@1",
        "--crash", "b@2", "--set", "cups=5", "--choices", "no tea:1=1;tasks:3=2",
    ]  # fmt: skip


def test_choices_that_are_all_plain_are_played_back_as_well() -> None:
    known = Known.by(f"{HERE}:TEA")

    assert Circumstances().plan(known, 7, choices="").choices == {}
    assert shlex.split(known.replay(Plan(seed=1, choices={}), "walk"))[-2:] == ["--choices", ""]
    assert "--choices" not in known.replay(Plan(seed=1), "walk")


@pytest.mark.parametrize("text", ["tasks", "tasks:", "tasks:1", "tasks:-1=1", "tasks:1=x", ":1=1"])
def test_malformed_choices_are_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="no choices"):
        Circumstances().plan(Known.by(f"{HERE}:TEA"), 1, choices=text)


@pytest.mark.parametrize("change", ["cups", "cups=", "cups=x", "cups=-1"])
@pytest.mark.parametrize("name", [f"{HERE}:TEA", f"{HERE}:tea"])
def test_malformed_settings_are_refused(name: str, change: str) -> None:
    with pytest.raises(RefusedError, match=f"no setting: '{change}'; expected OPTION=NUMBER"):
        Known.by(name).options([change])


def test_a_scenario_without_options_has_none() -> None:
    with pytest.raises(RefusedError, match="registration has no option 'people'; it has none"):
        Known.by("registration").options(["people=5"])
