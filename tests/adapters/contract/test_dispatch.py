"""One promise, two adapters: what a dispatcher must not forget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from actors.broadcast.model import FLOOD_MAX_SECONDS
from actors.broadcast.ports import Page, PostBook, Unreachable
from actors.kernel.ids import ChatId
from adapters.memory.dispatch import MemoryPostBook
from adapters.memory.sessions import MemorySessions
from adapters.postgres.dispatch import PostgresPostBook
from tests.adapters.contract.stores import KINDS, stores_of

ANNA, BORIS, GROUP = ChatId(1), ChatId(2), ChatId(-5)
BLOCKED = Unreachable(reason="blocked", detail="Forbidden: bot was blocked by the user")
GONE = Unreachable(reason="deactivated", detail="Forbidden: user is deactivated")


@pytest.fixture(params=KINDS)
def book(request: pytest.FixtureRequest) -> PostBook:
    stores = stores_of(request)
    if request.param == "postgres":
        return PostgresPostBook(request.getfixturevalue("database"))
    assert isinstance(stores.sessions, MemorySessions)
    connection = stores.sessions.connection
    connection.tables.now = partial(datetime.now, UTC)  # as that of the other server
    return MemoryPostBook(connection)


NOW = datetime.now(UTC)


def soon(seconds: float) -> datetime:
    """That long from a time which no test here lasts until."""
    return NOW + timedelta(hours=1, seconds=seconds)


async def test_an_empty_book_says_that_nothing_was_spent(book: PostBook) -> None:
    assert await book.read() == Page(stars_tenths=0, is_new=True)
    assert await book.read() == Page(stars_tenths=0)


async def test_what_is_put_down_can_be_read(book: PostBook) -> None:
    page = Page(
        closings={ANNA: soon(30), BORIS: soon(31)},
        bulk_closed_until=soon(40),
        unreachable={ANNA: BLOCKED, BORIS: GONE},
        moved={GROUP: ChatId(-1005)},
        stars_tenths=17,
    )
    await book.write(page)
    assert await book.read() == page


async def test_the_same_page_twice_is_the_same(book: PostBook) -> None:
    page = Page(
        closings={ANNA: soon(30)},
        unreachable={ANNA: BLOCKED},
        moved={GROUP: ChatId(-6)},
        stars_tenths=5,
    )
    await book.write(page)
    await book.write(page)
    assert await book.read() == page


async def test_a_later_time_is_never_made_earlier(book: PostBook) -> None:
    await book.write(Page(closings={ANNA: soon(30)}, bulk_closed_until=soon(40)))
    await book.write(Page(closings={ANNA: soon(20)}, bulk_closed_until=soon(30)))
    page = await book.read()
    assert (page.closings, page.bulk_closed_until) == ({ANNA: soon(30)}, soon(40))
    await book.write(Page(closings={ANNA: soon(50)}, bulk_closed_until=soon(60)))
    page = await book.read()
    assert (page.closings, page.bulk_closed_until) == ({ANNA: soon(50)}, soon(60))


async def test_flood_waits_that_are_over_are_forgotten(book: PostBook) -> None:
    over = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    await book.write(Page(closings={ANNA: over, BORIS: soon(1)}))
    assert (await book.read()).closings == {BORIS: soon(1)}


async def test_a_flood_wait_that_no_telegram_asks_for_is_cut_for_good(book: PostBook) -> None:
    far = NOW + timedelta(days=30_000)
    await book.write(Page(closings={ANNA: far, BORIS: soon(1)}, bulk_closed_until=far))
    page = await book.read()
    longest = timedelta(seconds=FLOOD_MAX_SECONDS)
    assert page.cut == 2
    assert page.closings[BORIS] == soon(1)
    assert page.bulk_closed_until is not None
    for until in (page.closings[ANNA], page.bulk_closed_until):
        assert NOW < until < NOW + longest + timedelta(minutes=10)
    again = await book.read()
    assert (again.cut, again.closings, again.bulk_closed_until) == (
        0, page.closings, page.bulk_closed_until,
    )  # fmt: skip


async def test_an_orderly_end_is_told_once_with_what_was_sent_to_groups(book: PostBook) -> None:
    sent = {GROUP: (soon(1), soon(2)), ChatId(-6): (soon(3),)}
    await book.write(Page(quiet_since=NOW, groups={ChatId(-7): (soon(1),)}))
    await book.write(Page(quiet_since=NOW, groups=sent, stars_tenths=3))
    page = await book.read()
    assert page == Page(quiet_since=NOW, groups=sent, stars_tenths=3)
    assert await book.read() == Page(stars_tenths=3), "who began since may have been killed"


async def test_who_writes_goes_on(book: PostBook) -> None:
    await book.write(Page(quiet_since=NOW))
    await book.write(Page(stars_tenths=3))
    assert await book.read() == Page(stars_tenths=3)


async def test_a_chat_can_be_written_to_again_and_again_not(book: PostBook) -> None:
    await book.write(Page(unreachable={ANNA: BLOCKED, BORIS: BLOCKED}))
    await book.write(Page(unreachable={ANNA: None, BORIS: GONE, GROUP: None}))
    assert (await book.read()).unreachable == {BORIS: GONE}
    await book.write(Page(unreachable={ANNA: GONE, BORIS: None}))
    assert (await book.read()).unreachable == {ANNA: GONE}


async def test_a_page_says_nothing_about_what_it_does_not_name(book: PostBook) -> None:
    first = Page(
        closings={ANNA: soon(30)},
        bulk_closed_until=soon(40),
        unreachable={ANNA: BLOCKED},
        moved={GROUP: ChatId(-6)},
        stars_tenths=9,
    )
    await book.write(first)
    await book.write(Page())
    assert await book.read() == first


async def test_stars_may_be_given_back(book: PostBook) -> None:
    await book.write(Page(stars_tenths=100))
    await book.write(Page(stars_tenths=61))
    assert (await book.read()).stars_tenths == 61


async def test_a_text_that_no_database_holds_is_refused_before_anything_is_put_down(
    book: PostBook,
) -> None:
    odd = Unreachable(reason="blocked", detail="a\0b")
    with pytest.raises(ValueError):  # noqa: PT011 - whoever refuses it first
        await book.write(Page(closings={ANNA: soon(1)}, unreachable={ANNA: odd}))
    assert (await book.read()).closings == {}


async def test_a_hundred_thousand_who_blocked_the_bot_are_read_and_written_at_once(
    book: PostBook,
) -> None:
    many = {ChatId(number): BLOCKED for number in range(1, 100_001)}
    await book.write(Page(unreachable=many))
    assert len((await book.read()).unreachable) == 100_000
