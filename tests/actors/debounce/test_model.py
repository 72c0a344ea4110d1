"""Any arrival pattern gives batches that respect quiet, maximum, window, order, limits, albums."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
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
    """A batch that has left, and when; `full` because something more did not fit."""

    at: float
    closing: Closing
    full: bool

    @property
    def items(self) -> tuple[Item, ...]:
        return self.closing.items

    @property
    def first_at(self) -> float:
        return min(one.at for one in self.items)

    @property
    def last_at(self) -> float:
        return max(one.at for one in self.items)

    def complete_at(self, album: str) -> float:
        """When this album of it is complete; 0 for none."""
        return max((i.at + ALBUM_SECONDS for i in self.items if album == i.album != ""), default=0)


@dataclass
class Run:
    """Plays a pattern as the actor does: what is due first, then what arrives."""

    patience: Patience = PATIENCE
    left: list[Left] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.collector = Collector(self.patience)

    def until(self, at: float) -> None:
        while (wake := self.collector.wake_at) is not None and wake <= at:
            closings = self.collector.due(wake, limit=3)
            self.left += [Left(wake, closing, full=False) for closing in closings]

    def tell(self, told: Told) -> None:
        self.until(told.item.at)
        closings = self.collector.add(told.chat_id, told.item)
        self.left += [Left(told.item.at, closing, full=True) for closing in closings]

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


patiences = st.builds(
    Patience,
    quiet_seconds=st.sampled_from([4.0, 0.1, 1.0]),
    max_seconds=st.sampled_from([15.0, 0.1, 1.5]),
    window_seconds=st.sampled_from([10.0, 0.0]),
)


BURSTS = st.tuples(
    st.sampled_from([0.0, 0.1, 0.9, 1.9, 3.9, 4.0, 4.1, 9.0, 16.0]),  # seconds before it
    st.sampled_from([ANNA, BOB]),
    st.sampled_from([False, False, True]),  # an album
    st.sampled_from([100, 100, 20_000, 50_000]),
    st.sampled_from([0.0, 0.05, 0.3, 1.9]),  # seconds between its messages
)
ALBUM_SIZES, SIZES, MANY = st.integers(2, 10), st.sampled_from([1, 3, 30]), st.integers(1, 10)


@st.composite
def patterns(draw: st.DrawFn, *, in_order: bool = False) -> list[Told]:
    """Messages of two users: bursts and pauses, albums, large ones, some out of their order."""
    told: list[Told] = []
    at, number = 0.0, 0
    for _ in range(draw(MANY)):
        before, chat_id, is_album, size, pause = draw(BURSTS)
        at += before
        album = f"album-{number}" if is_album else ""
        for _ in range(draw(ALBUM_SIZES if album else SIZES)):
            number += 1
            at += pause
            told.append(Told(chat_id, item(number, at, size=size, album=album)))
    if not in_order and draw(st.booleans()) and len(told) > 1:
        place = draw(st.integers(0, len(told) - 2))
        one, two = told[place], told[place + 1]
        one.item, two.item = (
            two.item._replace(at=one.item.at),
            one.item._replace(at=two.item.at),
        )
        one.chat_id, two.chat_id = two.chat_id, one.chat_id
    return told


@given(patterns(), patiences)
def test_nothing_is_lost_and_nothing_is_sent_twice(pattern: list[Told], patience: Patience) -> None:
    left = Run(patience).play(pattern)
    sent = Counter((each.closing.chat_id, one) for each in left for one in each.items)
    assert sent == Counter((told.chat_id, told.item) for told in pattern)


@given(patterns(), patiences)
def test_a_batch_is_in_order_and_within_the_limits(pattern: list[Told], patience: Patience) -> None:
    for each in Run(patience).play(pattern):
        assert numbers(each.closing) == sorted(numbers(each.closing))
        assert 1 <= len(each.items) <= MESSAGES_MAX
        assert sum(one.bytes for one in each.items) <= BYTES_MAX


@given(patterns(in_order=True), patiences)
def test_a_batch_leaves_at_the_very_moment_that_the_rules_name(
    pattern: list[Told], patience: Patience
) -> None:
    """The rules once more, told of what has left instead of what is open."""
    every, before = Run(patience).play(pattern), dict[ChatId, float]()
    for place, each in enumerate(every):
        chat_id = each.closing.chat_id
        window = before.get(chat_id, -math.inf) + patience.window_seconds
        before[chat_id] = each.at
        mine = (f.items for f in every[place + 1 :] if f.closing.chat_id == chat_id)
        later = list(itertools.chain.from_iterable(mine))
        if each.full:
            assert _is_too_much([*each.items, *_together(later)])
            continue
        quiet = each.last_at + patience.quiet_seconds
        complete = max(quiet, window, *(each.complete_at(one.album) for one in each.items))
        most = max(each.first_at + patience.max_seconds, each.complete_at(each.items[0].album))
        if any(one.album and one.at < each.at for one in later):
            assert each.at == pytest.approx(most), "it ended before an album that still came in"
        else:
            due = min(complete, most)
            assert each.at == pytest.approx(due)


def _together(items: Sequence[Item]) -> Sequence[Item]:
    """The first of them, and what may not be parted from it."""
    return [one for one in items if one is items[0] or one.album == items[0].album != ""]


def _is_too_much(items: Sequence[Item]) -> bool:
    return len(items) > MESSAGES_MAX or sum(one.bytes for one in items) > BYTES_MAX


@given(patterns(in_order=True), patiences)
def test_batches_of_a_user_leave_in_the_order_of_what_is_in_them(
    pattern: list[Told], patience: Patience
) -> None:
    every = Run(patience).play(pattern)
    for chat_id in (ANNA, BOB):
        left = [each for each in every if each.closing.chat_id == chat_id]
        sent = [number for each in left for number in numbers(each.closing)]
        assert sent == sorted(sent)
        assert [each.at for each in left] == sorted(each.at for each in left)


@given(patterns(), patiences)
def test_an_album_stays_together_whatever_the_patience(
    pattern: list[Told], patience: Patience
) -> None:
    left = Run(patience).play(pattern)
    for album in {told.item.album for told in pattern if told.item.album}:
        members = [told for told in pattern if told.item.album == album]
        whole = sum(told.item.bytes for told in members) <= BYTES_MAX
        of_one = len({told.chat_id for told in members}) == 1
        numbers_of = [told.item.update_id for told in members]
        times = sorted(told.item.at for told in members)
        close = all(two - one < ALBUM_SECONDS for one, two in itertools.pairwise(times))
        between = any(
            min(numbers_of) < told.item.update_id < max(numbers_of) and told.item.album != album
            for told in pattern
        )
        if whole and of_one and close and not between:
            assert sum(any(one.album == album for one in each.items) for each in left) == 1


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


def test_a_clock_that_was_set_back_a_little_ends_an_album_once() -> None:
    collector = Collector(Patience(quiet_seconds=0.1, max_seconds=0.1, window_seconds=0.0))
    collector.add(ANNA, item(1, 100.0, album="a"))
    collector.add(ANNA, item(2, 101.9, album="a"))
    assert collector.due(102.0, limit=9) == []
    assert [numbers(each) for each in collector.due(100.1, limit=9)] == [[1, 2]]
    assert collector.batches == 0


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
