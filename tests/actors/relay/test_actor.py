"""The relay in virtual time: every event arrives, in the order of its user, whatever happens."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from uuid import UUID

import trio

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId
from actors.payments import messages as payments
from actors.relay import messages as relay
from actors.relay.actor import (
    ATTEMPTS_MAX,
    DELIVERED_KEPT,
    LOOK_SECONDS,
    PARALLEL_MAX,
    PAYMENTS_SECONDS,
)
from actors.relay.gate import PROBE_SECONDS, REQUESTS_MAX, WINDOW_SECONDS
from actors.relay.model import Accepted, Failed, Gone, QueueFull, Refused, Throttled
from runtime import ask
from tests.actors.relay.world import ADMIN, ANNA, BOB, Post, answering, down

PAID = payments.OrderMoved(
    order_id=OrderId("a" * 32),
    chat_id=ANNA,
    rail=Rail.STARS,
    was="waiting",
    state="paid",
)


async def test_a_batch_arrives_with_everything_that_belongs_to_it() -> None:
    post = Post()
    async with post.open():
        event_id = await post.put(text="How much?")
        await post.rest(1)
        (told,) = post.webhook.received
        assert told["event_id"] == event_id
        assert (told["event_type"], told["user_id"], told["batch_size"]) == ("message_batch", 1, 1)
        assert [message["text"] for message in told["messages"]] == ["How much?"]
        assert post.states() == ["delivered"]


async def test_a_users_events_go_one_after_the_other_and_users_side_by_side() -> None:
    post = Post()
    async with post.open():
        ids = [await post.put(chat_id) for chat_id in (ANNA, ANNA, BOB, ANNA)]
        await post.rest(0.15)
        assert set(post.webhook.ids()) == {ids[0], ids[2]}
        await post.rest(2)
        assert post.webhook.ids(1) == [ids[0], ids[1], ids[3]]
        assert post.webhook.most_of_one == 1


async def test_so_many_users_at_once_and_no_more() -> None:
    post = Post()
    post.webhook.seconds = 5
    async with post.open():
        for number in range(1, 2 * PARALLEL_MAX):
            await post.put(ChatId(number))
        await post.rest(30)
        assert post.webhook.most == PARALLEL_MAX
        assert set(post.states()) == {"delivered"}


async def test_the_rate_of_the_destination_is_kept() -> None:
    post = Post()
    post.webhook.seconds = 0.001
    async with post.open():
        for number in range(1, 1_001):
            await post.put(ChatId(number), tell=False)
        post.relay.tell(relay.Look())
        await post.rest(120)
        times = post.webhook.times
        assert len(times) == 1_000
        for place, at in enumerate(times[REQUESTS_MAX:]):
            assert at - times[place] >= WINDOW_SECONDS
        assert times[-1] - times[0] < 45


async def test_make_is_down_for_an_hour_and_everything_arrives_afterwards() -> None:
    post = Post()
    expected: dict[int, list[str]] = defaultdict(list)
    post.webhook.answer = down
    async with post.open():
        for number in range(5_000):
            chat_id = ChatId(1 + number % 350)
            expected[chat_id].append(await post.put(chat_id, tell=number % 25 == 0))
            if number % 50 == 0:
                await trio.sleep(60)
        await trio.sleep(3_600 - 50 * 60)
        during = len(post.webhook.received)
        assert during < 200, "a circuit breaker asks seldom"
        known = {event_id for ids in expected.values() for event_id in ids}
        assert set(post.webhook.ids()) <= known, "what failed comes again under its own id"
        assert post.report().status == "warn"
        assert "delivered" not in post.states()
        post.webhook.received.clear()
        post.webhook.answer = lambda _: Accepted(later=True)
        await post.rest(900)
        assert set(post.states()) == {"delivered"}
        received = defaultdict(list)
        for told in post.webhook.received:
            received[told["user_id"]].append(told["event_id"])
        assert received == expected
        await post.rest(10)
        assert post.report().status == "pass"


async def test_an_event_whose_answer_got_lost_comes_again_under_its_id_and_is_answered_once() -> (
    None
):
    post = Post()
    post.webhook.answer = answering("The answer")
    post.webhook.lost = 2
    async with post.open():
        event_id = await post.put()
        await post.rest(60)
        assert post.webhook.ids() == [event_id] * 3
        (say,) = post.says()
        assert (say.chat_id, say.text, say.lane) == (ANNA, "The answer", "answer")


async def test_a_kill_after_the_answer_sends_again_and_answers_once() -> None:
    post = Post()
    post.webhook.answer = answering("Once")
    post.webhook.seconds = 5
    async with post.open():
        event_id = await post.put()
        await post.rest(1)
    assert post.states() == ["pending"]
    async with post.open():
        await post.rest(6)
        assert post.webhook.ids() == [event_id, event_id]
        assert [say.text for say in post.says()] == ["Once"]
        post.deliver(post.says()[0])
        await post.rest(1)
    async with post.open():
        await post.rest(60)
        assert post.says() == []
        assert len(post.webhook.received) == 2


async def test_too_many_requests_is_a_rest_for_everybody() -> None:
    post = Post()
    post.webhook.script.extend([Throttled(), Throttled(45.0)])
    async with post.open():
        await post.put(ANNA)
        await post.rest(1)
        await post.put(BOB)
        await post.rest(8)
        assert len(post.webhook.received) == 1
        await post.rest(3.5)
        assert len(post.webhook.received) == 2
        assert "rest" in post.report().output
        await post.rest(40)
        assert len(post.webhook.received) == 2
        await post.rest(15)
        assert post.states() == ["delivered", "delivered"]


async def test_a_full_queue_is_left_alone_for_minutes() -> None:
    post = Post()
    post.webhook.script.extend([QueueFull(), QueueFull()])
    async with post.open():
        event_id = await post.put()
        await post.rest(59)
        assert len(post.webhook.received) == 1
        await post.rest(10)
        assert len(post.webhook.received) == 2
        await post.rest(100)
        assert len(post.webhook.received) == 2
        await post.rest(60)
        assert post.webhook.ids() == [event_id] * 3
        assert post.states() == ["delivered"]


async def test_what_is_refused_is_parked_seen_and_replayed() -> None:
    post = Post()
    post.webhook.script.append(Refused("HTTP 401: тихо"))
    async with post.open():
        first, second = await post.put(), await post.put()
        await post.rest(6)
        assert post.states() == ["parked", "delivered"]
        (parked,) = post.parked.told
        assert (str(parked.event_id), parked.chat_id) == (first, ANNA)
        (row,) = [r for r in post.tables.relay.events.values() if r.state == "parked"]
        assert row.detail.isascii()
        assert (post.report().status, post.figure("parked_events")) == ("warn", 1)
        assert await ask(post.relay, relay.Replay(event_id=None, who="op")) == 1
        await post.rest(6)
        assert post.webhook.ids() == [first, second, first]
        assert post.states() == ["delivered", "delivered"]
        assert post.report().status == "pass"


async def test_nobody_listens_so_everything_waits_and_the_administrator_is_told() -> None:
    post = Post()
    post.webhook.script.append(Gone("HTTP 410: <nobody>"))
    async with post.open():
        await post.put()
        await post.rest(1)
        await post.put(BOB)
        await post.rest(PROBE_SECONDS - 20)
        assert len(post.webhook.received) == 1
        (alert,) = post.says()
        assert (alert.chat_id, alert.lane) == (ADMIN, "notice")
        assert "&lt;nobody&gt;" in alert.text
        assert (post.report().status, post.figure("listening")) == ("fail", 0)
        assert await ask(post.relay, relay.Resume(who="op"))
        await post.rest(6)
        assert post.states() == ["delivered", "delivered"]
        assert post.report().status == "pass"
        assert not await ask(post.relay, relay.Resume(who="op"))
        assert post.tables.relay.pause is None, "and the next start does not find it paused"


async def test_a_probe_finds_out_that_somebody_listens_again() -> None:
    post = Post()
    post.webhook.script.extend([Gone("HTTP 410"), Gone("HTTP 410")])
    async with post.open():
        await post.put()
        await post.put(BOB)
        await post.rest(3 * PROBE_SECONDS)
        assert len(post.webhook.received) == 4
        assert post.states() == ["delivered", "delivered"]
        assert len(post.says()) == 1, "told once"
        assert post.tables.relay.pause is None


async def test_a_pause_outlives_the_process() -> None:
    post = Post()
    post.webhook.answer = lambda _: Gone("HTTP 410")
    async with post.open():
        await post.put()
        await post.rest(1)
    async with post.open():
        await post.rest(1)
        assert post.report().status == "fail"
        assert len(post.webhook.received) == 2, "one request finds out"
        assert len({say.letter_id for say in post.says()}) >= 1


async def test_who_fails_alone_is_parked_in_the_end_and_holds_up_only_himself() -> None:
    post = Post()
    post.webhook.answer = lambda told: (
        Failed("HTTP 500") if told["user_id"] == ANNA else Accepted(later=True)
    )
    async with post.open():
        bad = await post.put(ANNA)
        good = await post.put(ANNA)
        for _ in range(130):
            await post.put(BOB)
            await post.rest(60)
        assert post.webhook.ids(ANNA).count(bad) == ATTEMPTS_MAX
        assert post.webhook.ids(ANNA)[ATTEMPTS_MAX] == good
        assert len(post.webhook.ids(BOB)) == 130


async def test_who_fails_alone_in_a_quiet_hour_holds_up_nobody_who_comes_then() -> None:
    post = Post()
    post.webhook.answer = lambda told: (
        Failed("HTTP 500") if told["user_id"] == ANNA else Accepted(later=True)
    )
    async with post.open():
        await post.put(ANNA)
        await post.rest(2 * 3_600)
        assert len(post.webhook.ids(ANNA)) > ATTEMPTS_MAX
        assert "parked" not in post.states(), "it may be the webhook: nobody else has arrived"
        for count in range(1, 4):
            await post.put(BOB)
            await post.rest(2)
            assert len(post.webhook.ids(BOB)) == count
            await post.rest(600)


async def test_when_it_is_there_again_nobody_waits_for_his_own_pause() -> None:
    post = Post()
    post.webhook.answer = down
    async with post.open():
        for number in range(1, 5):
            await post.put(ChatId(number))
        await post.rest(3 * 3_600)
        post.webhook.answer = lambda _: Accepted(later=True)
        post.webhook.times.clear()
        await post.rest(400)
        assert post.states() == ["delivered"] * 4
        assert post.webhook.times[-1] - post.webhook.times[0] < 1


async def test_a_store_that_is_away_is_not_the_destinations_fault() -> None:
    post = Post()
    async with post.open():
        post.outbox.away = True
        event_id = await post.put()
        await post.rest(10)
        assert post.webhook.received == []
        post.outbox.away = False
        await post.rest(3)
        assert post.webhook.ids() == [event_id]


async def test_a_bug_costs_the_event_that_meets_it() -> None:
    post = Post()
    async with post.open() as system:
        post.outbox.breaks = UUID(int=1)
        await post.put()
        await post.put()
        await post.rest(3)
        assert post.states() == ["parked", "delivered"]
        assert system.dead_letters == []


async def test_a_payment_is_told_once_also_when_nobody_said_so() -> None:
    post = Post()
    async with post.open() as system:
        await post.sell()
        system.events.publish(PAID)
        await post.rest(1)
        (told,) = post.webhook.received
        assert (told["event_type"], told["user_id"], told["messages"]) == ("payment", 1, [])
        assert (told["order_id"], told["amount"], told["currency"]) == ("a" * 32, "10.00", "USD")
        system.events.publish(PAID)
        await post.rest(70)
        assert len(post.webhook.received) == 1
        await post.sell("b" * 32)
        await post.rest(PAYMENTS_SECONDS)
        assert len(post.webhook.received) == 2


async def test_many_payments_are_noted_however_many_one_look_finds() -> None:
    post = Post()
    post.outbox.payments_max = 2
    async with post.open() as system:
        for number in range(5):
            await post.sell(f"{number}" * 32)
        system.events.publish(PAID)
        await post.rest(3)
        assert len(post.webhook.received) == 5


async def test_an_answer_ends_the_typing_and_accepted_does_not() -> None:
    post = Post()
    async with post.open():
        post.webhook.script.extend([Accepted(later=True), Accepted(), Accepted(texts=("x",))])
        await post.put()
        await post.rest(1)
        assert post.answered.told == []
        await post.put()
        await post.rest(1)
        assert len(post.answered.told) == 1
        await post.put()
        await post.rest(1)
        assert len(post.answered.told) == 2
        post.webhook.script.append(Refused("no"))
        await post.put()
        await post.rest(1)
        assert len(post.answered.told) == 3


async def test_an_answer_that_cannot_be_used_is_noted_and_ends_the_typing() -> None:
    post = Post()
    post.webhook.script.append(Accepted(fault="the webhook answered more than 5 bytes: тихо"))
    async with post.open():
        await post.put()
        await post.rest(6)
        assert post.states() == ["delivered"]
        assert len(post.webhook.received) == 1
        assert (post.says(), len(post.answered.told)) == ([], 1)
        (row,) = post.tables.relay.events.values()
        assert row.detail.startswith("the webhook answered more than")
        assert row.detail.isascii()
        assert post.figure("unusable_answers_total") == 1
        assert post.report().status == "pass"


async def test_what_was_delivered_long_ago_is_forgotten() -> None:
    post = Post()
    async with post.open():
        await post.put()
        await post.rest(1)
        assert await ask(post.relay, relay.Prune()) == 0
    post.clock += DELIVERED_KEPT + timedelta(minutes=1)
    async with post.open():
        await post.rest(3_601)
        assert post.states() == []
        assert await ask(post.relay, relay.Prune()) == 0


async def test_what_nobody_told_of_is_found() -> None:
    post = Post()
    async with post.open():
        event_id = await post.put(tell=False)
        await post.rest(LOOK_SECONDS + 1)
        assert post.webhook.ids() == [event_id]
        assert Counter(post.states()) == {"delivered": 1}
