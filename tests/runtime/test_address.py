"""Addresses are values; a recipient is whatever one can write to."""

from __future__ import annotations

from runtime import (
    Address,
    Asks,
    KeyedRecipient,
    KeyedSpec,
    Recipient,
    SupervisorSpec,
    ask,
    message,
)
from runtime.testing import Probe, running
from tests.runtime.puppet import Puppet


@message
class Age(Asks[int]):
    pass


def test_an_address_is_its_kind_and_key() -> None:
    assert Address("root/sessions", 7) == Address("root/sessions", 7)
    assert len({Address("root/sessions", key) for key in (7, 8, 7)}) == 2
    assert (str(Address("root/tracker")), str(Address("root/sessions", 7))) == (
        "root/tracker",
        "root/sessions/7",
    )


async def test_a_reference_answers_its_address_and_is_equal_by_it() -> None:
    keyed = KeyedSpec(name="keyed", factory=lambda _: Puppet())
    async with running(SupervisorSpec(name="root", children=(keyed,))) as system:
        region = system.region("root/keyed")
        ref = system.spawn(Puppet, name="one")
        assert ref.address == Address("root/spawned/one")
        assert region.ref(7).address == Address("root/keyed", 7)
        assert region.ref(7) == region.ref(7)
        assert region.awake == 0, "an address wakes nobody"


async def test_ask_answers_with_the_type_the_question_promises() -> None:
    class Person(Puppet):
        async def on_receive(self, message: object) -> int:
            return 42

    async with running() as system:
        age: int = await ask(system.spawn(Person), Age(), timeout=1.0)
        assert age == 42


async def test_references_regions_and_probes_are_recipients() -> None:
    keyed = KeyedSpec(name="keyed", factory=lambda _: Puppet(out))
    out = Probe()
    async with running(SupervisorSpec(name="root", children=(keyed,))) as system:
        recipients: list[Recipient[str]] = [system.spawn(lambda: Puppet(out)), Probe()]
        families: list[KeyedRecipient[int, str]] = [system.region("root/keyed"), out.keyed]
        for recipient in recipients:
            recipient.tell("plain")
        for family in families:
            family.tell(7, "keyed")
        await system.settle()
        assert sorted(out.told, key=str) == [(7, "keyed"), "keyed", "plain"]
