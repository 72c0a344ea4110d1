"""The ledger: double entry, exact, never changed, each fact booked once. Pure.

An entry adds to an account: what is positive is with us or was spent, what is negative is owed
or was earned. The entries of a transfer sum to zero in each currency, and so do all balances.

```
provider:<rail>    money that a provider holds for us, less what it gave back or kept
customer:<chat>    negative: what a customer paid and did not get yet
unmatched          negative: money for which no order of ours is known
sales              negative: what was sold
fees               what providers kept
refunds            what went back to payers: refunds, and what their banks took and kept
owner:<id>         negative: what an owner of sold goods is owed

receipt     provider +, customer or unmatched -      charge -> settlement.observe
fee         fees +, provider -                       the same
refund      refunds or unmatched +, provider -       the same; a chargeback likewise
reinstated  provider +, refunds or unmatched -       the same; a dispute was won
match       unmatched +, customer -                  the same, once the order is known
sale        customer +, sales -                      a granted order
returned    customer +, refunds -                    money for which nothing was sold went back
```

A transfer is known by its key. Booked twice, it is there once; the same key with other
entries is refused (`KeyReused`), as a value. Corrections are new transfers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NewType

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId
from actors.kernel.money import Currency, Money

Account = NewType("Account", str)

UNMATCHED = Account("unmatched")
SALES = Account("sales")
FEES = Account("fees")
REFUNDS = Account("refunds")

KEY_LENGTH_MAX = 300

_Place = tuple[Account, Currency]


def provider(rail: Rail) -> Account:
    """What a provider holds for us."""
    return Account(f"provider:{rail}")


def customer(chat_id: ChatId) -> Account:
    """What a customer has with us."""
    return Account(f"customer:{chat_id}")


def owner(owner_id: str) -> Account:
    """What is owed to an owner of sold goods."""
    return Account(f"owner:{owner_id}")


@dataclass(frozen=True, slots=True)
class Entry:
    """`amount` is added to `account`; never zero."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moves between accounts, whole or not at all; equal when key and entries are.

    Raises `ValueError` unless there is an entry, none is zero, no account stands twice in one
    currency, and they sum to zero in each currency. The order of the entries means nothing.
    """

    key: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.key) <= KEY_LENGTH_MAX:
            raise ValueError(f"a key has 1 to {KEY_LENGTH_MAX} characters")
        ordered = sorted(self.entries, key=lambda each: (each.amount.currency, each.account))
        object.__setattr__(self, "entries", tuple(ordered))
        places = {(each.account, each.amount.currency) for each in self.entries}
        if len(places) != len(self.entries):
            raise ValueError(f"{self.key}: an account stands twice in one currency")
        if not self.entries or not all(each.amount for each in self.entries):
            raise ValueError(f"{self.key}: entries of nothing")
        off = imbalance(self.entries)
        if off:
            raise ValueError(f"{self.key}: out of balance by {', '.join(map(str, off))}")


def transfer(key: str, *sides: tuple[Account, Money]) -> Transfer:
    """A transfer of these sides; those of one account are added up, zeros are left out."""
    entries = added_up(Entry(account, amount) for account, amount in sides)
    return Transfer(key, tuple(each for each in entries if each.amount))


def imbalance(entries: Iterable[Entry]) -> tuple[Money, ...]:
    """What the entries are off by, by currency; empty when they balance."""
    totals: dict[Currency, Money] = {}
    for each in entries:
        currency = each.amount.currency
        totals[currency] = totals.get(currency, Money.zero(currency)) + each.amount
    return tuple(total for _, total in sorted(totals.items()) if total)


def added_up(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The balance of each account in each currency, also where it is zero."""
    totals: dict[_Place, Money] = {}
    for each in entries:
        _add(totals, each)
    return tuple(Entry(account, total) for (account, _), total in sorted(totals.items()))


def sale(order_id: OrderId, chat_id: ChatId, price: Money) -> Transfer:
    """The customer got what he paid for."""
    return transfer(f"order:{order_id}:sale", (customer(chat_id), price), (SALES, -price))


def returned(order_id: OrderId, chat_id: ChatId, change: Money, *, fact: str) -> Transfer:
    """Money that went back was the customer's: he is owed `change` less. Below zero it came again,
    and he is owed it as before. `fact` names the change. Raises `ValueError` for none.
    """
    key = f"order:{order_id}:returned:{fact}"
    return transfer(key, (customer(chat_id), change), (REFUNDS, -change))


@dataclass(frozen=True, slots=True)
class KeyReused:
    """Refused: `key` stands for a transfer with other entries. Nothing was booked."""

    key: str


@dataclass(slots=True)
class Ledger:
    """A ledger in memory: what the tables in PostgreSQL hold, and by the same rules."""

    transfers: dict[str, Transfer] = field(default_factory=dict)
    balances: dict[_Place, Money] = field(default_factory=dict)

    def refusal(self, transfers: Iterable[Transfer]) -> KeyReused | None:
        """The first of these that may not be booked."""
        for each in transfers:
            if self.transfers.get(each.key, each) != each:
                return KeyReused(each.key)
        return None

    def post(self, posted: Transfer) -> KeyReused | None:
        """Book it, unless it is booked already or refused."""
        refusal = self.refusal([posted])
        if refusal is None and posted.key not in self.transfers:
            self.transfers[posted.key] = posted
            for each in posted.entries:
                _add(self.balances, each)
        return refusal

    def entries(self) -> Iterator[Entry]:
        """Everything that was ever booked."""
        for booked in self.transfers.values():
            yield from booked.entries


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """The whole ledger at one moment.

    `balances` are those that are not zero, by account and currency. `imbalance` is what they
    are off by, and `drift` what they differ by from the sum of all entries: both are empty, or
    somebody has changed the tables by hand.
    """

    balances: tuple[Entry, ...]
    imbalance: tuple[Money, ...]
    drift: tuple[Entry, ...] = ()
    transfers: int = 0

    @classmethod
    def of(
        cls, balances: Iterable[Entry], sums: Iterable[Entry] | None = None, *, transfers: int
    ) -> TrialBalance:
        """From the kept balances, and from the sums of the entries where they were added up."""
        kept = _by_place(balances)
        added = kept if sums is None else _by_place(sums)
        held, drift = [], []
        for account, currency in sorted(kept.keys() | added.keys()):
            nothing = Money.zero(currency)
            balance = kept.get((account, currency), nothing)
            off = balance - added.get((account, currency), nothing)
            held += [Entry(account, balance)] if balance else []
            drift += [Entry(account, off)] if off else []
        return cls(
            balances=tuple(held),
            imbalance=imbalance(held),
            drift=tuple(drift),
            transfers=transfers,
        )

    @property
    def unmatched(self) -> tuple[Money, ...]:
        """Money that came in and belongs to no order of ours, by currency; positive."""
        return tuple(-each.amount for each in self.balances if each.account == UNMATCHED)


def _by_place(entries: Iterable[Entry]) -> Mapping[_Place, Money]:
    return {(each.account, each.amount.currency): each.amount for each in entries}


def _add(totals: dict[_Place, Money], entry: Entry) -> None:
    place = (entry.account, entry.amount.currency)
    totals[place] = totals.get(place, Money.zero(entry.amount.currency)) + entry.amount
