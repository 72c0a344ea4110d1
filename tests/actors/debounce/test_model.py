"""Any arrival pattern gives batches that respect quiet, maximum, window, order, limits, albums."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.debounce import model
from actors.debounce.messages import Passed
from actors.debounce.model import (
    ALBUM_SECONDS,
    BYTES_MAX,
    MESSAGES_MAX,
    Closing,
    Collector,
    Item,
    Patience,
    flat,
    packed,
    written,
)
from actors.kernel.ids import ChatId, MessageId, UpdateId

ANNA, BOB = ChatId(1), ChatId(2)
PATIENCE = Patience()


@dataclass
class Told:
    """One message of a pattern, and when it came."""

    chat_id: ChatId
    item: Item


@dataclass
class Left:
    """A batch that has left, and when."""

    at: float
    closing: Closing


@dataclass
class Run:
    """Plays a pattern as the actor does: what is due first, then what arrives."""

    collector: Collector = field(default_factory=lambda: Collector(PATIENCE))
    left: list[Left] = field(default_factory=list)

    def until(self, at: float) -> None:
        while (wake := self.collector.wake_at) is not None and wake <= at:
            closings = self.collector.due(wake, limit=3)
            self.left += [Left(wake, closing) for closing in closings]

    def tell(self, told: Told) -> None:
        self.until(told.item.at)
        closings = self.collector.add(told.chat_id, told.item)
        self.left += [Left(told.item.at, closing) for closing in closings]

    def play(self, pattern: list[Told]) -> list[Left]:
        for told in pattern:
            self.tell(told)
        self.until(float("inf"))
        return self.left


def item(
    number: int, at: float, *, size: int = 100, album: str = "", flooded: bool = False
) -> Item:
    return Item(UpdateId(number), at, size, album, flooded)


def numbers(closing: Closing) -> list[int]:
    return [int(each.update_id) for each in closing.items]


@st.composite
def patterns(draw: st.DrawFn) -> list[Told]:
    """Messages of two users: bursts and pauses, albums, large ones, some out of their order."""
    told: list[Told] = []
    at, number = 0.0, 0
    for _ in range(draw(st.integers(1, 12))):
        at += draw(st.sampled_from([0.0, 0.1, 0.9, 1.9, 3.9, 4.0, 4.1, 9.0, 16.0]))
        chat_id = draw(st.sampled_from([ANNA, BOB]))
        album = draw(st.sampled_from(["", "", f"album-{number}"]))
        size = draw(st.sampled_from([100, 100, 20_000, 50_000]))
        for _ in range(draw(st.integers(2, 10)) if album else draw(st.sampled_from([1, 3, 30]))):
            number += 1
            at += draw(st.sampled_from([0.0, 0.05, 0.3]))
            told.append(Told(chat_id, item(number, at, size=size, album=album)))
    if draw(st.booleans()) and len(told) > 1:
        place = draw(st.integers(0, len(told) - 2))
        one, two = told[place], told[place + 1]
        one.item, two.item = (
            two.item._replace(at=one.item.at),
            one.item._replace(at=two.item.at),
        )
        one.chat_id, two.chat_id = two.chat_id, one.chat_id
    return told


@given(patterns())
def test_nothing_is_lost_and_nothing_is_sent_twice(pattern: list[Told]) -> None:
    left = Run().play(pattern)
    sent = Counter((each.closing.chat_id, one) for each in left for one in each.closing.items)
    assert sent == Counter((told.chat_id, told.item) for told in pattern)


@given(patterns())
def test_a_batch_is_in_order_and_within_the_limits(pattern: list[Told]) -> None:
    for each in Run().play(pattern):
        assert numbers(each.closing) == sorted(numbers(each.closing))
        assert 1 <= len(each.closing.items) <= MESSAGES_MAX
        assert sum(one.bytes for one in each.closing.items) <= BYTES_MAX


@given(patterns())
def test_nobody_waits_longer_than_the_maximum_or_less_than_the_quiet(pattern: list[Told]) -> None:
    left = Run().play(pattern)
    for each in left:
        first, last = min(i.at for i in each.closing.items), max(i.at for i in each.closing.items)
        assert each.at <= first + PATIENCE.max_seconds
        full = _was_full(each, pattern)
        if each.at < last + PATIENCE.quiet_seconds and not full:
            # Only the maximum ends it while he still writes; or it ended before an album.
            assert each.at == pytest.approx(first + PATIENCE.max_seconds)


def _was_full(left: Left, pattern: list[Told]) -> bool:
    """Something of this user arrived at the moment it left, and did not fit."""
    return any(
        told.item.at == left.at
        and told.chat_id == left.closing.chat_id
        and told.item not in left.closing.items
        for told in pattern
    ) or any(told.item.at == left.at and told.item in left.closing.items for told in pattern)


@given(patterns())
def test_batches_of_a_user_leave_in_the_order_of_what_is_in_them(pattern: list[Told]) -> None:
    in_order = all(
        one.item.update_id < two.item.update_id for one, two in itertools.pairwise(pattern)
    )
    if not in_order:
        return
    for chat_id in (ANNA, BOB):
        left = [each for each in Run().play(pattern) if each.closing.chat_id == chat_id]
        sent = [number for each in left for number in numbers(each.closing)]
        assert sent == sorted(sent)
        assert [each.at for each in left] == sorted(each.at for each in left)


@given(patterns())
def test_an_album_stays_together(pattern: list[Told]) -> None:
    left = Run().play(pattern)
    albums = {told.item.album for told in pattern if told.item.album}
    for album in albums:
        members = [told.item for told in pattern if told.item.album == album]
        whole = sum(one.bytes for one in members) <= BYTES_MAX
        close = all(two.at - one.at < ALBUM_SECONDS for one, two in itertools.pairwise(members))
        between = {
            told.chat_id
            for told in pattern
            if members[0].update_id < told.item.update_id < members[-1].update_id
            and told.item.album != album
        }
        if whole and close and not between:
            batches = [each for each in left if any(i.album == album for i in each.closing.items)]
            assert len(batches) == 1


@given(patterns())
def test_a_batch_within_the_window_of_the_last_one_ends_with_it(pattern: list[Told]) -> None:
    before: dict[ChatId, Left] = {}
    for each in Run().play(pattern):
        last = before.get(each.closing.chat_id)
        before[each.closing.chat_id] = each
        first = min(one.at for one in each.closing.items)
        if last is None or first < last.at or _was_full(each, pattern):
            continue
        until = min(last.at + PATIENCE.window_seconds, first + PATIENCE.max_seconds)
        assert each.at >= until - 1e-9 or first >= last.at + PATIENCE.window_seconds


def test_a_batch_leaves_when_its_user_is_quiet() -> None:
    run = Run()
    run.tell(Told(ANNA, item(1, 0.0)))
    run.tell(Told(ANNA, item(2, 3.9)))
    run.until(7.8)
    assert run.left == []
    run.until(7.9)
    assert [numbers(each.closing) for each in run.left] == [[1, 2]]


def test_a_user_who_never_stops_is_sent_after_the_maximum() -> None:
    left = Run().play([Told(ANNA, item(n, float(n))) for n in range(1, 40)])
    assert [each.at for each in left][:2] == [16.0, 31.0]
    assert numbers(left[0].closing) == list(range(1, 16))


def test_what_is_added_at_once_waits_for_the_end_of_the_window() -> None:
    run = Run()
    run.tell(Told(ANNA, item(1, 0.0)))
    run.until(4.0)
    run.tell(Told(ANNA, item(2, 5.0)))
    run.until(13.9)
    assert len(run.left) == 1
    run.until(14.0)
    assert [numbers(each.closing) for each in run.left] == [[1], [2]]


def test_an_answer_ends_the_window() -> None:
    run = Run()
    run.tell(Told(ANNA, item(1, 0.0)))
    run.until(4.0)
    run.tell(Told(ANNA, item(2, 5.0)))
    run.collector.answered(ANNA)
    run.until(9.0)
    assert [each.at for each in run.left] == [4.0, 9.0]

    run.collector.answered(ANNA)
    run.tell(Told(ANNA, item(3, 10.0)))
    run.until(14.0)
    assert [each.at for each in run.left] == [4.0, 9.0, 14.0]


def test_what_comes_twice_is_in_its_batch_once() -> None:
    left = Run().play([Told(ANNA, item(1, 0.0)), Told(ANNA, item(1, 0.0))])
    assert [numbers(each.closing) for each in left] == [[1]]


def test_an_album_that_is_still_coming_in_at_the_maximum_begins_the_next_batch() -> None:
    pattern = [Told(ANNA, item(n, float(n))) for n in range(15)]
    pattern += [Told(ANNA, item(15 + n, 14.5 + n / 4, album="a")) for n in range(4)]
    left = Run().play(pattern)
    assert [numbers(each.closing) for each in left] == [list(range(15)), [15, 16, 17, 18]]
    assert left[0].at == 15.0


def test_an_album_that_does_not_fit_goes_with_the_next_batch() -> None:
    items = [item(n, 0.0) for n in range(MESSAGES_MAX - 2)]
    items += [item(100 + n, 0.0, album="a") for n in range(4)]
    first, rest = packed(items)
    assert len(first) == MESSAGES_MAX - 2
    assert [one.album for one in rest] == ["a"] * 4


def test_an_album_larger_than_a_batch_is_cut() -> None:
    parts = packed([item(n, 0.0, album="a") for n in range(MESSAGES_MAX + 3)])
    assert [len(part) for part in parts] == [MESSAGES_MAX, 3]


def test_what_was_flooded_takes_no_room() -> None:
    items = [item(n, 0.0, size=BYTES_MAX, flooded=n > 0) for n in range(200)]
    assert packed(items) == [items]


def test_a_clock_that_was_set_back_holds_nobody_up() -> None:
    collector = Collector(PATIENCE)
    collector.add(ANNA, item(1, 10_000.0))
    assert [numbers(each) for each in collector.due(100.0, limit=9)] == [[1]]


def test_one_entry_of_the_heap_serves_a_user_however_much_he_writes() -> None:
    collector = Collector(PATIENCE)
    for number in range(40):
        collector.add(ANNA, item(number, number / 100))
    assert (collector.batches, collector.timers, collector.oldest_at) == (1, 1, 0.0)


def test_windows_are_forgotten_when_they_are_over() -> None:
    run = Run()
    run.play([Told(ChatId(n), item(n, n * 20.0)) for n in range(1, 200)])
    run.collector.due(1e9, limit=1)
    assert not run.collector._windows
    assert not run.collector._ends


def test_the_end_is_put_off_for_nobody_beyond_the_limit_of_one_look() -> None:
    collector = Collector(PATIENCE)
    for number in range(10):
        collector.add(ChatId(number), item(number, 0.0))
    assert [len(collector.due(5.0, limit=4)) for _ in range(4)] == [4, 4, 2, 0]


def test_a_message_is_flat_and_always_has_the_same_fields() -> None:
    text = Passed(update_id=UpdateId(5), message_id=MessageId(7), kind="text", text="Привіт")
    place = Passed(
        update_id=UpdateId(6),
        message_id=MessageId(8),
        kind="location",
        latitude=50.45,
        longitude=3.0,
    )
    assert flat(text).keys() == flat(place).keys()
    assert flat(text)["text"] == "Привіт"
    assert flat(place)["latitude"] == 50.45
    assert not any(isinstance(value, dict | list) for value in flat(place).values())
    assert "Привіт" in written(text)


def test_the_longest_message_fits_into_a_batch() -> None:
    longest = Passed(
        update_id=UpdateId(2**52),
        message_id=MessageId(2**52),
        kind="text",
        text="\x7f\U0001f600" * 4_096,
        caption='"' * 4_096,
    )
    assert len(written(longest).encode()) < model.BYTES_MAX
