"""A fresh instance moves into its cell, whatever kind of pykka actor it is."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import pykka
import pytest
import trio

from runtime import Actor, Mailbox
from runtime.incarnation import InboxView, incarnating
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Blocking, Plain, Puppet, fail, sleeps


@pytest.mark.parametrize("kind", [Puppet, Blocking, Plain])
async def test_every_kind_of_actor_gets_the_identity_of_its_cell(kind: Any) -> None:
    async with running() as system:
        ref = system.spawn(kind, name="one", backoff=QUICK)
        for _ in range(2):
            seen = await ref.ask(lambda me: (me.actor_ref, me.actor_urn, me.actor_stopped.is_set()))
            assert seen == (ref, "urn:actor:root/spawned/one", False)
            ref.tell(fail)


class Forgetful(Actor[Any]):
    def __init__(self) -> None:
        self.sum = 0


@pytest.mark.parametrize("factory", [Forgetful, partial(lambda made: made, Puppet())])
async def test_an_actor_that_was_not_made_here_and_now_is_refused(factory: Any) -> None:
    async with running() as system:
        with pytest.raises(TypeError, match=r"__init__ has to call super\(\).__init__\(\)"):
            system.spawn(factory, name="one")


async def test_each_incarnation_is_made_by_the_factory() -> None:
    made: list[int] = []

    def factory() -> Puppet:
        made.append(len(made))
        return Puppet()

    async with running() as system:
        ref = system.spawn(factory, backoff=QUICK)
        for _ in range(3):
            ref.tell(fail)
        await trio.sleep(5)
        assert (made, ref._cell.incarnation) == ([0, 1, 2, 3], 4)


async def test_a_factory_that_fails_later_is_a_failed_start() -> None:
    made: list[int] = []

    def factory() -> Puppet:
        made.append(len(made))
        if len(made) in {2, 3}:
            raise OSError("no more")
        return Puppet()

    async with running() as system:
        ref = system.spawn(factory, backoff=QUICK)
        ref.tell(fail)
        assert await ref.ask("back") == "back"
        assert (len(made), ref._cell.incarnation, ref._cell.failed) == (4, 2, 3)


async def test_the_class_decides_about_its_mailbox_before_the_first_message() -> None:
    class Small(Puppet):
        mailbox: ClassVar[Mailbox] = Mailbox(limit=2)

    async with running() as system:
        ref = system.spawn(Small)
        assert ref._cell.policy is Small.mailbox
        assert system.spawn(Plain)._cell.policy.limit == 1_000_000


async def test_an_actor_made_outside_belongs_to_no_cell() -> None:
    assert incarnating.get() is None
    lonely = Actor[Any]()
    assert not hasattr(lonely, "_cell")


async def test_the_inbox_can_be_looked_at_and_written_to_but_not_emptied() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Puppet(out))
        inbox = ref.actor_inbox
        assert isinstance(inbox, InboxView)
        assert inbox.empty()
        ref.tell(sleeps(1))
        await system.settle()
        inbox.put(pykka._envelope.Envelope("put"))
        assert not inbox.empty()
        with pytest.raises(RuntimeError, match="the runtime takes the messages"):
            inbox.get()
        await trio.sleep(5)
        assert out.told == ["put"]


async def test_a_stopped_flag_tells_the_end_from_a_restart() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, backoff=QUICK)
        ref.tell(fail)
        await system.settle()
        assert not ref.actor_stopped.is_set()
        await ref.stop()
        assert ref.actor_stopped.is_set()
