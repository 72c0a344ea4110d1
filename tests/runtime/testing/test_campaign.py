"""Many runs are counted; what never happened in any of them is told."""

from __future__ import annotations

import pytest

from runtime.testing.campaign import FAILURES_KEPT, Campaign, Pace, Result, find, results
from runtime.testing.simulation import Plan, simulate
from tests.runtime.testing import errands

QUIET = f"{errands.HERE}:quiet"
BROKEN = f"{errands.HERE}:broken"


def test_a_campaign_adds_up_its_runs() -> None:
    campaign = Campaign(wanted=("rain", "snow"))
    for result in results(QUIET, [Plan(seed=seed) for seed in range(20)]):
        campaign.add(result)

    assert (campaign.seeds, campaign.failed, campaign.seconds) == (20, 0, 20 * 3600.0)
    assert 0 < campaign.sometimes["rain"] == campaign.sometimes["umbrella"] < 20
    assert campaign.never == ("snow",)
    assert Pace(campaign).hours_per_second == pytest.approx(
        Pace(campaign).seeds_per_second, rel=0.9
    )


def test_only_so_many_failures_are_kept() -> None:
    campaign = Campaign()
    failed = Result.of(simulate(errands.broken, Plan(seed=_broken_seed())))
    for _ in range(FAILURES_KEPT + 5):
        campaign.add(failed)

    assert (campaign.failed, len(campaign.failures)) == (FAILURES_KEPT + 5, FAILURES_KEPT)


def test_a_failure_names_every_error_of_a_group_and_brings_its_last_events() -> None:
    run = simulate(errands.broken, Plan(seed=_broken_seed()))
    result = Result.of(run)

    assert isinstance(run.failure, BaseExceptionGroup)
    assert result.failure is not None
    assert set(result.failure.splitlines()) == {
        "ValueError: water in the cellar",
        "ValueError: water in the attic",
    }
    assert result.events == run.events
    assert Result.of(simulate(errands.quiet, Plan(seed=1))).events == ()


@pytest.mark.process
def test_processes_get_the_same_results() -> None:
    plans = [Plan(seed=seed) for seed in range(10)]

    alone = list(results(BROKEN, plans))
    together = sorted(results(BROKEN, plans, jobs=2), key=lambda result: result.seed)

    assert [result.digest for result in together] == [result.digest for result in alone]
    assert [result.plan for result in together] == plans
    assert len({result.failure for result in together}) > 1


@pytest.mark.parametrize("name", ["tests.runtime.testing.errands:nothing", f"{errands.HERE}:HERE"])
def test_what_is_no_scenario_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected `module:attribute`"):
        find(name)


def _broken_seed() -> int:
    return next(
        seed for seed in range(50) if simulate(errands.broken, Plan(seed=seed)).failure is not None
    )
