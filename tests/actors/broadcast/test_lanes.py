"""The lanes: who goes first, and whom nobody overtakes."""

from __future__ import annotations

from itertools import count
from random import Random

from actors.broadcast import messages as broadcast
from actors.broadcast.lanes import LANES, Lanes
from actors.broadcast.queues import Entry, Lane
from actors.kernel.ids import ChatId, LetterId, MessageId

ANNA, BORIS, CLARA = ChatId(1), ChatId(2), ChatId(3)


def say(
    text: str,
    chat_id: ChatId = ANNA,
    *,
    lane: broadcast.Lane = "bulk",
    source: str = "",
    paid: bool = False,
) -> Entry:
    letter = broadcast.Say(
        letter_id=LetterId(text), chat_id=chat_id, text=text, lane=lane, source=source, paid=paid
    )
    return Entry(letter, to=chat_id, told_at=0)


def typing(chat_id: ChatId = ANNA) -> Entry:
    return Entry(broadcast.Typing(chat_id=chat_id), to=chat_id, told_at=0)


def at_once(_: Entry) -> int:
    return 0


def picked(lanes: Lanes, lane: Lane, *, only_paid: bool = False) -> str | None:
    """What leaves next; its chat has it out."""
    entry = lanes.pick(lane, 0, at_once, only_paid=only_paid)
    return None if entry is None else getattr(entry.letter, "text", "...")


def taken(lanes: Lanes, lane: Lane) -> list[str]:
    """Everything a lane gives when each letter ends at once."""
    texts = []
    while entry := lanes.pick(lane, 0, at_once):
        texts.append(getattr(entry.letter, "text", "..."))
        lanes.finish(entry.to)
    return texts


def test_each_letter_is_in_the_lane_that_its_sender_named() -> None:
    lanes = Lanes()
    lanes.add(say("a", BORIS, lane="answer"))
    lanes.add(say("n", lane="notice"))
    lanes.add(say("b"))
    lanes.add(typing())
    callback = broadcast.AnswerCallback(chat_id=ANNA, callback_id="1")
    lanes.add(Entry(callback, to=ANNA, told_at=7))
    assert [lanes.depth(lane) for lane in LANES] == [2, 1, 1, 1]
    assert [lanes.chats(lane) for lane in LANES] == [2, 1, 1, 1]
    assert [lanes.oldest(lane) for lane in LANES] == [0, 0, 0, 0]
    assert lanes.depth_of("answer", ANNA) == 1
    assert lanes.due("bulk") == 0
    assert Lanes().oldest("bulk") is None
    assert Lanes().due("answer") is None


def test_a_chat_has_one_letter_out_whatever_the_lane() -> None:
    lanes = Lanes()
    lanes.add(say("b1"))
    lanes.add(say("b2", BORIS))
    assert picked(lanes, "bulk") == "b1"
    lanes.add(say("a1", lane="answer"))
    assert picked(lanes, "answer") is None
    assert lanes.due("answer") is None
    lanes.finish(ANNA)
    assert picked(lanes, "answer") == "a1"
    assert picked(lanes, "bulk") == "b2"


def test_a_letter_that_is_repeated_does_not_hold_up_what_is_in_more_of_a_hurry() -> None:
    lanes = Lanes()
    lanes.add(say("b1"))
    assert picked(lanes, "bulk") == "b1"
    lanes.add(say("a1", lane="answer"))
    assert picked(lanes, "answer") is None
    lanes.repeat(ANNA)
    assert picked(lanes, "answer") == "a1"
    lanes.finish(ANNA)
    assert picked(lanes, "bulk") == "b1"


def test_sources_take_turns_however_much_each_has_to_say() -> None:
    lanes = Lanes()
    for number in range(6):
        lanes.add(say(f"x{number}", ChatId(10 + number), source="x"))
    for number in range(2):
        lanes.add(say(f"y{number}", ChatId(20 + number), source="y"))
    lanes.add(say("z0", ChatId(30), source="z"))
    assert taken(lanes, "bulk") == ["x0", "y0", "z0", "x1", "y1", "x2", "x3", "x4", "x5"]


def test_only_what_may_be_billed_leaves_when_that_is_asked_for() -> None:
    lanes = Lanes()
    lanes.add(say("free", ANNA, source="x"))
    lanes.add(say("paid", BORIS, source="x", paid=True))
    assert lanes.due("bulk", only_paid=True) == 0
    assert picked(lanes, "bulk", only_paid=True) == "paid"
    assert lanes.due("bulk", only_paid=True) is None
    assert picked(lanes, "bulk", only_paid=True) is None
    assert picked(lanes, "bulk") == "free"


def test_sources_that_have_nothing_left_to_say_are_forgotten() -> None:
    lanes = Lanes()
    for number in range(100):
        lanes.add(say(str(number), source=str(number)))
        assert taken(lanes, "bulk") == [str(number)]
    assert len(lanes._bulk) == len(lanes._turns) == 1


def test_clearing_a_chat_takes_its_letters_out_of_every_lane_the_open_one_first() -> None:
    lanes = Lanes()
    lanes.add(say("a1", lane="answer"))
    lanes.add(say("b1", source="x"))
    lanes.add(say("c1", CLARA, source="x"))
    assert lanes.pick("bulk", 0, at_once) is not None
    cleared = [getattr(entry.letter, "text", "") for entry in lanes.clear(ANNA)]
    assert cleared == ["b1", "a1"]
    assert picked(lanes, "answer") is None
    lanes.add(say("a2", lane="answer"))
    assert picked(lanes, "answer") == "a2"
    assert picked(lanes, "bulk") == "c1"


def test_what_is_put_back_goes_first_in_its_lane() -> None:
    lanes = Lanes()
    for number in (1, 2):
        lanes.add(say(f"b{number}", source="x"))
    entry = lanes.pick("bulk", 0, at_once)
    assert entry is not None
    lanes.finish(ANNA)
    lanes.put_back(entry)
    assert taken(lanes, "bulk") == ["b1", "b2"]


def test_an_answer_ends_the_typing_that_announced_it() -> None:
    lanes = Lanes()
    lanes.add(typing())
    lanes.add(typing(BORIS))
    lanes.add(say("a1", lane="answer"))
    lanes.add(say("b1", BORIS))
    assert taken(lanes, "typing") == ["..."], "what goes to many announces nothing"
    assert lanes.depth("typing") == 0


def test_an_edit_of_many_overtakes_none_because_each_is_known_to_the_outbox() -> None:
    def edit(name: str, lane: broadcast.Lane) -> broadcast.Edit:
        return broadcast.Edit(
            letter_id=LetterId(name), chat_id=ANNA, message_id=MessageId(5), text=name, lane=lane
        )

    lanes = Lanes()
    lines: tuple[broadcast.Lane, ...] = ("bulk", "notice")
    for lane in lines:
        lanes.add(Entry(edit("old", lane), to=ANNA, told_at=0))
    assert lanes.overtake(edit("new", "bulk"), ANNA) is None
    assert lanes.overtake(edit("new", "notice"), ANNA) is not None


def test_what_was_too_old_is_counted_also_after_its_queue_is_gone() -> None:
    lanes = Lanes()
    lanes.add(typing())
    assert lanes.pick("typing", 10**12, at_once) is None
    assert lanes.dropped == 1


def test_letters_are_counted_as_if_somebody_had_added_them_up() -> None:
    chance, lanes, numbers = Random(3), Lanes(), count()
    chats = [ChatId(number) for number in range(6)]
    told: tuple[broadcast.Lane, ...] = ("answer", "notice", "bulk")
    out: list[Entry] = []
    for _ in range(600):
        lane = chance.choice(told)
        match chance.randrange(7):
            case 0 | 1 | 2:
                source = f"{chance.randrange(4)}"
                lanes.add(say(f"{next(numbers)}", chance.choice(chats), lane=lane, source=source))
            case 3 | 4:
                entry = lanes.pick(lane, 0, at_once)
                out += [entry] if entry else []
            case 5 if out:
                entry = out.pop()
                lanes.finish(entry.to)
                if chance.random() < 0.3:
                    lanes.put_back(entry)
            case 6 if out:
                chat_id = out.pop().to
                (lanes.repeat if chance.random() < 0.5 else lanes.clear)(chat_id)
            case _:
                pass
        for each in told:
            assert lanes.depth(each) == sum(lanes.depth_of(each, chat) for chat in chats)
