"""What somebody else wrote reaches the user once, also over restarts."""

from __future__ import annotations

from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId
from actors.relay import messages as relay
from actors.relay.courier import (
    COMPONENT,
    HELD_MAX,
    LOOK_SECONDS,
    TICK_SECONDS,
    UNHEARD_SECONDS,
    USER_WAITING_MAX,
)
from actors.relay.messages import NoteState
from actors.relay.satchel import USER_HELD_MAX
from adapters.memory.relay_tables import NoteRow
from runtime import ask
from tests.actors.relay.world import ANNA, BOB, Post, answering


async def write(
    post: Post, key: str = "k", text: str = "Hi", chat_id: ChatId = ANNA
) -> relay.Taken | relay.Clash | relay.Crowded:
    return await ask(post.courier, relay.Write(key=key, chat_id=chat_id, text=text))


def turn_away(say: broadcast.Say) -> None:
    """The dispatcher has no room."""
    assert say.notify is not None
    say.notify.tell(
        broadcast.Undelivered(
            letter_id=say.letter_id,
            chat_id=say.chat_id,
            reason="refused",
            detail="100 letters wait for this chat already",
            turned_away=True,
        )
    )


async def test_what_an_operator_writes_is_kept_told_and_settled() -> None:
    post = Post()
    async with post.open():
        taken = await write(post, text='<b> & "x"')
        assert isinstance(taken, relay.Taken)
        assert taken.is_new
        (say,) = post.says()
        assert (say.chat_id, say.text, say.lane, say.repeat) == (
            ANNA,
            '&lt;b&gt; &amp; "x"',
            "answer",
            True,
        )
        post.deliver(say)
        await post.rest(1)
        note = await ask(post.courier, relay.FindNote(note_id=taken.note.note_id))
        assert note is not None
        assert (note.state, note.message_id) == (NoteState.SENT, 77)


async def test_the_same_key_is_the_same_note() -> None:
    post = Post()
    async with post.open():
        first, again = await write(post), await write(post)
        assert isinstance(first, relay.Taken)
        assert isinstance(again, relay.Taken)
        assert (again.is_new, again.note) == (False, first.note)
        assert await write(post, text="other") == relay.Clash()
        assert len(post.says()) == 1


async def test_what_telegram_refuses_is_known() -> None:
    post = Post()
    async with post.open():
        taken = await write(post)
        assert isinstance(taken, relay.Taken)
        (say,) = post.says()
        assert say.notify is not None
        say.notify.tell(
            broadcast.Undelivered(
                letter_id=say.letter_id, chat_id=ANNA, reason="blocked", detail="тихо"
            )
        )
        await post.rest(6)
        note = await ask(post.courier, relay.FindNote(note_id=taken.note.note_id))
        assert note is not None
        assert note.state is NoteState.FAILED
        assert note.detail.startswith("blocked: ")
        assert note.detail.isascii()
        assert post.figure("failed_total", COMPONENT) == 1


async def test_a_restart_tells_again_what_nobody_confirmed_under_the_same_name() -> None:
    post = Post()
    async with post.open():
        await write(post, key="1")
        await write(post, key="2", chat_id=BOB)
        first, second = post.says()
        post.deliver(first)
        await post.rest(1)
    async with post.open():
        await post.rest(1)
        assert [say.letter_id for say in post.says()] == [second.letter_id]


async def test_answers_come_in_their_parts_and_end_the_typing() -> None:
    post = Post()
    post.webhook.answer = answering("x")
    async with post.open():
        await post.put(ANNA)
        await post.put(BOB)
        await post.rest(1)
        assert sorted(told.chat_id for told in post.answered.told) == [ANNA, BOB]
        assert sorted(say.chat_id for say in post.says()) == [ANNA, BOB]


async def keep(post: Post, number: int, chat_id: ChatId = ANNA) -> None:
    """A note is in the store, and nobody tells of it."""
    await post.notes.keep(
        UUID(int=number),
        key=str(number),
        chat_id=chat_id,
        text=f"Hi {number}",
        at=post.clock,
        waiting_max=HELD_MAX,
    )


async def test_a_users_notes_reach_him_one_by_one_in_their_order() -> None:
    post = Post()
    async with post.open():
        for number in range(3):
            await write(post, key=str(number), text=f"{number}")
        await write(post, key="b", text="b", chat_id=BOB)
        assert [say.text for say in post.says()] == ["0", "b"]
        for place in (0, 2, 3):
            post.deliver(post.says()[place])
            await post.rest(0.1)
        assert [say.text for say in post.says()] == ["0", "b", "1", "2"]


async def test_what_the_dispatcher_turns_away_is_told_again_and_overtaken_by_nothing() -> None:
    post = Post()
    async with post.open():
        first, second = await write(post, key="1", text="1"), await write(post, key="2", text="2")
        for count in range(1, 4):
            assert [say.text for say in post.says()] == ["1"] * count
            turn_away(post.says()[-1])
            await post.rest(2 * TICK_SECONDS + 0.1)
        post.deliver(post.says()[-1])
        await post.rest(1)
        post.deliver(post.says()[-1])
        await post.rest(6)
        assert [say.text for say in post.says()] == ["1", "1", "1", "1", "2"]
        for taken in (first, second):
            assert isinstance(taken, relay.Taken)
            note = await ask(post.courier, relay.FindNote(note_id=taken.note.note_id))
            assert note is not None
            assert note.state is NoteState.SENT
        assert post.figure("failed_total", COMPONENT) == 0


async def test_of_one_user_so_many_notes_wait_and_then_nobody_writes_to_him() -> None:
    post = Post()
    async with post.open():
        for number in range(USER_WAITING_MAX):
            assert isinstance(await write(post, key=str(number)), relay.Taken)
        crowded = relay.Crowded(waiting=USER_WAITING_MAX, of_all=False)
        assert await write(post, key="more") == crowded
        again = await write(post, key="7")
        assert isinstance(again, relay.Taken), "what was taken is taken"
        assert not again.is_new
        assert isinstance(await write(post, key="b", chat_id=BOB), relay.Taken)
        post.deliver(post.says()[0])
        await post.rest(6)
        assert isinstance(await write(post, key="more"), relay.Taken)
        assert post.figure("refused_total", COMPONENT) == 1
        assert post.figure("waiting_notes", COMPONENT) == USER_HELD_MAX, "Bob's is one"


async def test_answers_are_kept_however_many_wait() -> None:
    post = Post()
    post.webhook.answer = answering("x")
    async with post.open():
        for number in range(USER_WAITING_MAX):
            await keep(post, number)
        await post.put(ANNA)
        await post.rest(1)
        for _ in range(USER_WAITING_MAX + 1):
            post.deliver(post.says()[-1])
            await post.rest(0.01)
        assert [say.text for say in post.says()][-1] == "x"
        assert len(post.says()) == USER_WAITING_MAX + 1


async def test_one_users_answers_hold_up_nobody_else_and_reach_him_in_their_order() -> None:
    post, many = Post(), HELD_MAX + 3
    for number in range(many + 1):
        post.tables.relay.put_note(
            NoteRow(
                place=post.tables.relay.place(),
                note_id=UUID(int=number),
                key=f"event:{number}",
                chat_id=ANNA if number < many else BOB,
                text=f"{number}",
                created_at=post.clock,
            )
        )
    async with post.open():
        assert [say.chat_id for say in post.says()] == [ANNA, BOB]
        post.deliver(post.says()[1])
        for number in range(3 * USER_HELD_MAX):
            assert [say.text for say in post.says() if say.chat_id == ANNA][number:] == [
                f"{number}"
            ]
            post.deliver([say for say in post.says() if say.chat_id == ANNA][-1])
            if number == USER_HELD_MAX:  # somebody looks at the store meanwhile
                post.courier.tell(relay.Look())
            await post.rest(0.01)
        assert isinstance(await write(post, key="b", chat_id=BOB), relay.Taken)
        await post.rest(6)
        assert post.report(COMPONENT).status == "pass"


async def test_what_is_too_much_for_all_waits_in_the_store_and_nobody_writes_more() -> None:
    post, more = Post(), HELD_MAX // 2 + 5
    for number in range(HELD_MAX + more):
        post.tables.relay.put_note(
            NoteRow(
                place=post.tables.relay.place(),
                note_id=UUID(int=number),
                key=f"key:{number}",
                chat_id=ChatId(number + 1),
                text=f"Hi {number}",
                created_at=post.clock,
            )
        )
    async with post.open():
        told = post.says()
        assert len(told) == HELD_MAX
        crowded = relay.Crowded(waiting=HELD_MAX, of_all=True)
        assert await write(post, key="new", chat_id=ChatId(10**6)) == crowded
        again = await write(post, key="3", chat_id=ChatId(4), text="Hi 3")
        assert isinstance(again, relay.Taken)
        await post.rest(6)
        assert post.report(COMPONENT).status == "warn"
        for say in told:
            post.deliver(say)
        await post.rest(6)
        for say in post.says()[HELD_MAX:]:
            post.deliver(say)
        await post.rest(6)
        assert len(post.says()) == HELD_MAX + more
        assert isinstance(await write(post, key="new", chat_id=ChatId(10**6)), relay.Taken)
        assert post.report(COMPONENT).status == "pass"


async def test_a_note_of_which_nobody_told_is_found() -> None:
    post = Post()
    async with post.open():
        await keep(post, 7)
        await post.rest(LOOK_SECONDS + 1)
        assert {say.text for say in post.says()} == {"Hi 7"}


async def test_what_the_dispatcher_forgot_is_told_again_under_the_same_name() -> None:
    post = Post()
    async with post.open():
        await write(post)
        await post.rest(UNHEARD_SECONDS - 1)
        assert len(post.says()) == 1
        await post.rest(TICK_SECONDS + 1)
        first, again = post.says()
        assert first == again
        post.deliver(first)
        post.deliver(again)
        await post.rest(UNHEARD_SECONDS + TICK_SECONDS + 1)
        assert len(post.says()) == 2
