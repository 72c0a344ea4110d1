"""A wrong secret stays in sight between two tries of a provider."""

from __future__ import annotations

from actors.ingress.model import SourceName
from actors.ingress.refusals import REFUSED_SECONDS, Refusals

STRIPE, YOOKASSA = SourceName.STRIPE, SourceName.YOOKASSA


def test_a_refusal_counts_for_a_day_and_each_one_begins_it_anew() -> None:
    refusals = Refusals()
    assert refusals.heard(STRIPE, why="", kept=False, now=0) == ""
    assert refusals.heard(STRIPE, why="signature", kept=False, now=0) == "signature"
    assert refusals.heard(STRIPE, why="", kept=False, now=REFUSED_SECONDS - 1) == "signature"
    assert refusals.heard(STRIPE, why="stale", kept=False, now=REFUSED_SECONDS - 1) == "stale"
    assert refusals.heard(STRIPE, why="", kept=False, now=2 * REFUSED_SECONDS - 2) == "stale"
    assert refusals.heard(STRIPE, why="", kept=False, now=2 * REFUSED_SECONDS) == ""


def test_a_good_delivery_ends_it_and_a_stranger_among_good_ones_is_none() -> None:
    refusals = Refusals()
    refusals.heard(STRIPE, why="signature", kept=False, now=0)
    assert refusals.heard(STRIPE, why="", kept=True, now=1) == ""
    assert refusals.heard(STRIPE, why="", kept=False, now=2) == ""
    assert refusals.heard(STRIPE, why="signature", kept=True, now=3) == ""
    assert refusals.heard(STRIPE, why="", kept=False, now=4) == ""


def test_each_source_has_a_secret_of_its_own() -> None:
    refusals = Refusals()
    refusals.heard(STRIPE, why="signature", kept=False, now=0)
    assert refusals.heard(YOOKASSA, why="", kept=False, now=1) == ""
    refusals.heard(YOOKASSA, why="", kept=True, now=2)
    assert refusals.heard(STRIPE, why="", kept=False, now=3) == "signature"
