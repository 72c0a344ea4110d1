"""A wrong secret stays in sight between two tries of a provider, a stranger's try does not."""

from __future__ import annotations

from actors.ingress.model import SourceName
from actors.ingress.refusals import REFUSED_SECONDS, REFUSED_TIMES, Refusals

STRIPE, YOOKASSA = SourceName.STRIPE, SourceName.YOOKASSA


class Heard:
    """Refusals, told of one source at a time."""

    def __init__(self) -> None:
        self._refusals = Refusals()

    def __call__(
        self,
        why: str = "",
        *,
        times: int = 0,
        kept: bool = False,
        now: float = 0,
        source: SourceName = STRIPE,
    ) -> str:
        times = times or int(bool(why))
        return self._refusals.heard(source, why=why, times=times, kept=kept, now=now)


def test_several_in_a_row_count_for_a_day_and_each_one_begins_it_anew() -> None:
    heard = Heard()
    assert heard() == ""
    assert heard("signature", times=REFUSED_TIMES) == "signature"
    assert heard(now=REFUSED_SECONDS - 1) == "signature"
    assert heard("stale", now=REFUSED_SECONDS - 1) == "stale"
    assert heard(now=2 * REFUSED_SECONDS - 2) == "stale"
    assert heard(now=2 * REFUSED_SECONDS) == ""
    assert heard("stale", now=2 * REFUSED_SECONDS) == "", "counted from the first again"


def test_hours_may_lie_between_them_and_a_strangers_try_is_none() -> None:
    heard = Heard()
    for number in range(REFUSED_TIMES - 1):
        assert heard("signature", now=number * 3_600) == ""
    assert heard("signature", now=REFUSED_TIMES * 3_600) == "signature"


def test_a_good_delivery_ends_it_and_a_stranger_among_good_ones_is_none() -> None:
    heard = Heard()
    heard("signature", times=9)
    assert heard(kept=True, now=1) == ""
    assert heard(now=2) == ""
    assert heard("signature", times=9, kept=True, now=3) == ""
    assert heard(now=4) == ""


def test_each_source_has_a_secret_of_its_own() -> None:
    heard = Heard()
    heard("signature", times=9)
    assert heard(source=YOOKASSA, now=1) == ""
    heard(kept=True, source=YOOKASSA, now=2)
    assert heard(now=3) == "signature"
