"""RailWatch: whether everything on sale can be bought, and whether providers let it be paid for.

Receives  payments.RailAnswered (from the event stream); its own tick
Tells     nobody; publishes operations.Reported about each rail and about the catalogue
Owns      what each rail answered last, in memory only
Restarts  forgetful: the next buyer tells it again

A buyer whose checkout is declined can do nothing about it, and often tells nobody. So a rail is
`fail` from the moment its provider refuses our key until he takes it again, and `warn` while he
declines a product, until he has opened a checkout for the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from actors.kernel.charges import Rail
from actors.kernel.ids import ProductId
from actors.operations import messages as operations
from actors.operations.messages import HEARTBEAT_SECONDS
from actors.payments import messages as payments
from actors.payments.catalogue import Catalogue
from runtime import Actor, message

RAILS, CATALOGUE = "rails", "catalogue"
"""Components; a rail's is `rails.<rail>`."""

KEYS = {
    Rail.STARS: "BOT_TOKEN",
    Rail.TELEGRAM: "TELEGRAM_PROVIDER_TOKEN",
    Rail.STRIPE: "STRIPE_SECRET_KEY",
    Rail.YOOKASSA: "YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY",
    Rail.NOWPAYMENTS: "NOWPAYMENTS_API_KEY",
}
"""The settings by which a provider knows us."""


@dataclass(slots=True)
class _Answers:
    """What one rail has answered since this process began."""

    opened: int = 0
    declined: int = 0
    key_refused: str = ""
    """In the provider's words; blank while he takes our key."""
    declines: dict[ProductId, str] = field(default_factory=dict)
    """Products that he declined when he was asked last."""


@message
class _Tick:
    """Time to say it again."""


class RailWatch(Actor[payments.RailAnswered | _Tick]):
    """See the four headings above. `rails` are those that have credentials."""

    def __init__(self, *, catalogue: Catalogue, rails: Iterable[Rail]) -> None:
        super().__init__()
        self._unsold = catalogue.unsold()
        self._answers = {rail: _Answers() for rail in rails}

    async def on_start(self) -> None:
        self.subscribe(payments.RailAnswered)
        for product_id, why in self._unsold.items():
            self.log.warning("product.unsold", product=product_id, why=why)
        self._report()
        self.every(HEARTBEAT_SECONDS, _Tick(), key=_Tick)

    async def on_receive(self, message: payments.RailAnswered | _Tick) -> None:
        match message:
            case payments.RailAnswered():
                self._answered(message)
            case _Tick():
                self._report()
            case _:
                assert_never(message)

    def _answered(self, told: payments.RailAnswered) -> None:
        answers = self._answers.get(told.rail)
        if answers is None:
            return  # an order of a rail that has no credentials any more
        before = _verdict(told.rail, answers)
        _note(answers, told)
        if _verdict(told.rail, answers) != before:
            self._tell(told.rail, answers)

    def _report(self) -> None:
        unsold = [
            f"{product_id} is on sale nowhere: {why}" for product_id, why in self._unsold.items()
        ]
        self.publish(
            operations.Reported(
                component=CATALOGUE,
                status="warn" if unsold else "pass",
                output="; ".join(unsold),
                measurements=(operations.Measurement(name="unsold", value=float(len(unsold))),),
            )
        )
        for rail, answers in self._answers.items():
            self._tell(rail, answers)

    def _tell(self, rail: Rail, answers: _Answers) -> None:
        status, output = _verdict(rail, answers)
        figures = {"opened_total": answers.opened, "declined_total": answers.declined}
        self.publish(
            operations.Reported(
                component=f"{RAILS}.{rail}",
                status=status,
                output=output,
                measurements=tuple(
                    operations.Measurement(name=name, value=float(value))
                    for name, value in figures.items()
                ),
            )
        )


def _note(answers: _Answers, told: payments.RailAnswered) -> None:
    answers.key_refused = told.detail if told.key_refused else ""
    if told.product_id is None:
        return
    if not told.detail:
        answers.opened += 1
        answers.declines.pop(told.product_id, None)
        return
    answers.declined += 1
    if not told.key_refused:
        answers.declines[told.product_id] = told.detail


def _verdict(rail: Rail, answers: _Answers) -> tuple[operations.Status, str]:
    """How a rail is, and what a person can do."""
    if answers.key_refused:
        return "fail", (
            f"nobody can pay by {rail}, whose provider does not take our key: correct "
            f"{KEYS[rail]} ({answers.key_refused})"
        )
    if not answers.declines:
        return "pass", ""
    product_id, detail = next(reversed(answers.declines.items()))
    others = len(answers.declines) - 1
    besides = f" and {others} more" if others else ""
    return "warn", (
        f"nobody can buy {product_id}{besides} by {rail}, whose provider declines it: look at its "
        f"price ({detail})"
    )
