"""Whatever happens, in whatever order: everybody who has paid is told, and once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack

import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.tracker import messages as tracker
from actors.tracker.model import Answer, Refused, Throttled, TooLong
from tests.actors.tracker.shop import HOUR, Shop

TROUBLE: dict[str, Callable[[], Answer | Exception]] = {
    "502": lambda: Unavailable("NocoDB at host answered 502"),
    "429": lambda: Throttled(retry_after_seconds=30),
    "401": lambda: Refused(reason="token", detail="look at NOCODB_TOKEN"),
    "400": lambda: Refused(reason="question", detail="answered 400"),
    "414": TooLong,
    "bug": lambda: ZeroDivisionError("a bug"),
}

STEP = st.one_of(
    st.tuples(st.just("register"), st.integers(1, 30)),
    st.tuples(st.just("register"), st.integers(1, 30)),
    st.tuples(st.just("register, and its Track gets lost"), st.integers(1, 30)),
    st.tuples(st.just("cancel"), st.integers(1, 30)),
    st.tuples(st.just("cancel, and its Track gets lost"), st.integers(1, 30)),
    st.tuples(st.just("tick"), st.integers(1, 30)),
    st.tuples(st.just("tick"), st.integers(1, 30)),
    st.tuples(st.just("the database is away"), st.integers(1, 4)),
    st.tuples(st.just("time passes"), st.integers(1, 200)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.sampled_from(sorted(TROUBLE)), st.integers(1, 5)),
)


def cancelled(number: int) -> tracker.Track:
    return tracker.Track(record_id=RecordId(number), chat_id=ChatId(number * 10), cancelled=True)


@given(
    steps=st.lists(STEP, max_size=40),
    chunk_rows=st.integers(1, 8),
    page_rows=st.integers(1, 8),
    latency_seconds=st.sampled_from([0.0, 0.5, 9.0]),
    lose_answers=st.booleans(),
    inclusive=st.booleans(),
)
async def test_nobody_is_lost_and_nobody_is_told_twice(
    steps: list[tuple[str, int]],
    chunk_rows: int,
    page_rows: int,
    latency_seconds: float,
    *,
    lose_answers: bool,
    inclusive: bool,
) -> None:
    shop = Shop(
        chunk_rows=chunk_rows,
        page_rows=page_rows,
        inclusive=inclusive,
        latency_seconds=latency_seconds,
    )
    shop.watches.lose_answers = lose_answers
    registered: set[int] = set()
    ticked: set[int] = set()
    async with AsyncExitStack() as lives:
        _, ref = await lives.enter_async_context(shop.open())
        for what, number in steps:
            match what:
                case "restart":
                    shop.watches.away = 0
                    await lives.aclose()
                    _, ref = await lives.enter_async_context(shop.open())
                case "time passes":
                    await trio.sleep(number)
                case "the database is away":
                    shop.watches.away = number
                case "tick":
                    if number in registered:
                        shop.table.tick(RecordId(number))
                        ticked.add(number)
                case "register" | "register, and its Track gets lost":
                    if number not in registered:
                        registered.add(number)
                        await (
                            shop.register(ref, number) if what == "register" else shop.wait(number)
                        )
                case "cancel" | "cancel, and its Track gets lost":
                    if number in registered and number not in shop.told_ids:
                        await shop.cancel(number)
                        if what == "cancel":
                            ref.tell(cancelled(number))
                case _:
                    shop.table.outcomes.extend(TROUBLE[what]() for _ in range(number))
        shop.table.outcomes.clear()
        shop.watches.away = 0
        await trio.sleep(HOUR)
    assert Counter(shop.told_ids) == Counter(ticked)
    assert {watch.record_id for watch in await shop.watches.waiting()} == registered - ticked
