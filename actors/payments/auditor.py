"""The auditor: looks whether the books balance, and says so.

Receives  its own tick
Tells     nobody; publishes operations.Reported about the ledger
Owns      nothing; it asks ports.Books
Restarts  safely: it looks again

Balances are looked at each minute, and once an hour every entry is added up again.
"""

from __future__ import annotations

from actors.kernel.ledger import TrialBalance
from actors.kernel.money import Money
from actors.operations import messages as operations
from actors.payments.ports import Books
from runtime import Actor, message

COMPONENT = "ledger"

INTERVAL_SECONDS = 60.0
THOROUGH_EVERY = 60
"""Looks from one that adds everything up to the next."""
UNMATCHED_MAX = 100
"""Unmatched charges are counted up to here: it is a sign, not a statistic."""


@message
class _Tick:
    """Time to look."""


class LedgerAuditor(Actor[_Tick]):
    """See the four headings above."""

    def __init__(self, *, books: Books) -> None:
        super().__init__()
        self._books = books
        self._looks = 0
        self._drift: TrialBalance | None = None
        """The newest thorough look."""

    async def on_start(self) -> None:
        self.actor_ref.tell(_Tick())
        self.every(INTERVAL_SECONDS, _Tick(), key=_Tick)

    async def on_receive(self, message: _Tick) -> None:
        del message  # there is only one
        thorough = self._looks % THOROUGH_EVERY == 0
        trial = await self._books.trial_balance(thorough=thorough)
        unmatched = await self._books.unmatched(limit=UNMATCHED_MAX)
        self._looks += 1
        if thorough:
            self._drift = trial
        report = verdict(trial, self._drift or trial, len(unmatched))
        if report.status == "fail":
            self.log.error("ledger.off", output=report.output)
        self.publish(report)


def verdict(trial: TrialBalance, added_up: TrialBalance, unmatched: int) -> operations.Reported:
    """How the ledger is. `added_up` is the newest trial balance that added up all entries."""
    status: operations.Status = "pass"
    output = ""
    if trial.imbalance or added_up.drift:
        off = [*map(str, trial.imbalance), *(f"{e.account} {e.amount}" for e in added_up.drift)]
        status = "fail"
        output = (
            f"the ledger is off by {', '.join(off)}: somebody has changed its tables by hand; "
            "`main.py report ledger` shows the accounts"
        )
    elif unmatched:
        status = "warn"
        money = ", ".join(map(str, trial.unmatched))
        output = (
            f"{money or 'money'} came in for no order of ours: `main.py report ledger` shows the "
            "charges, give it back or find out whose it is"
        )
    figures = {
        "imbalance_amount": _size(trial.imbalance),
        "drift_amount": _size(tuple(each.amount for each in added_up.drift)),
        "transfers_total": float(trial.transfers),
        "unmatched_charges": float(unmatched),
    }
    return operations.Reported(
        component=COMPONENT,
        status=status,
        output=output,
        measurements=tuple(
            operations.Measurement(name=name, value=value) for name, value in figures.items()
        ),
    )


def _size(off: tuple[Money, ...]) -> float:
    """Anything but zero is an alarm, whatever the currencies."""
    return float(sum(abs(each.amount) for each in off))
