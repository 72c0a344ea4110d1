"""Dead letters are counted, published and logged, and none of it ever floods."""

from __future__ import annotations

from typing import Any, ClassVar

import structlog
import trio

from runtime import DeadLetter, Mailbox, VirtualWorld
from runtime.dead_letters import DeadLetters
from runtime.events import EventStream, Reason
from runtime.testing import Probe, running
from runtime.throttle import LOGGED_PER_WINDOW_MAX, WINDOW_SECONDS
from tests.runtime.puppet import QUICK, Puppet, fail, sleeps


def letter(number: int = 0, *, reason: Reason = "stopped", message: Any = None) -> DeadLetter:
    told = number if message is None else message
    return DeadLetter(message=told, recipient="root/a", sender=None, reason=reason)


async def test_each_is_published_and_counted_by_its_reason() -> None:
    events, probe = EventStream(), Probe()
    events.subscribe(DeadLetter, probe)
    box = DeadLetters(events, VirtualWorld())
    for reason in ("stopped", "failed", "stopped"):
        box.write(letter(reason=reason))
    assert box.by_reason == {"stopped": 2, "failed": 1}
    assert [told.reason for told in probe.told] == ["stopped", "failed", "stopped"]


async def test_the_log_shows_the_first_few_and_how_many_it_left_out() -> None:
    box = DeadLetters(EventStream(), VirtualWorld())
    with structlog.testing.capture_logs() as lines:
        for number in range(1_000):
            box.write(letter(number))
        await trio.sleep(WINDOW_SECONDS + 1)
        box.write(letter())
    written = [line for line in lines if line["event"] == "dead_letter.written"]
    assert len(written) == LOGGED_PER_WINDOW_MAX + 1
    assert [line["muted"] for line in lines if line["event"] == "dead_letter.muted"] == [990]


async def test_the_log_names_the_kind_of_message_never_its_content() -> None:
    box = DeadLetters(EventStream(), VirtualWorld())
    with structlog.testing.capture_logs() as lines:
        box.write(letter(message="4111 1111 1111 1111"))
    assert lines[0]["message_type"] == "str"
    assert "4111" not in str(lines)


async def test_a_letter_says_who_wrote_what_to_whom_and_why_it_died() -> None:
    async with running() as system:
        writer = system.spawn(Puppet, name="writer")
        reader = system.spawn(Puppet, name="reader", backoff=QUICK)

        def write(me: Puppet) -> None:
            me.correlate("c-1")
            reader.tell(fail)

        writer.tell(write)
        await trio.sleep(1)
        (dead,) = system.dead_letters
        assert (dead.message, dead.sender, dead.recipient) == (
            fail,
            "root/spawned/writer",
            "root/spawned/reader",
        )
        assert (dead.reason, dead.correlation) == ("failed", "c-1")
        assert isinstance(dead.error, ValueError)
        assert dead.error.__traceback__ is not None


async def test_a_listener_that_cannot_take_them_does_not_breed_more() -> None:
    class Full(Puppet):
        mailbox: ClassVar[Mailbox] = Mailbox(limit=1)

    async with running() as system:
        listener = system.spawn(lambda: Full(starts=lambda me: me.subscribe(DeadLetter)))
        await system.settle()
        listener.tell(sleeps(1))
        await system.settle()
        dead = system.spawn(Puppet)
        await dead.stop()
        for number in range(10):
            dead.inform(number)
        await trio.sleep(5)
        news = [told for told in system.dead_letters if isinstance(told.message, DeadLetter)]
        assert news == []
        assert system.dead_letter_box.by_reason == {"stopped": 10, "refused": 9}
