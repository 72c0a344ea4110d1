"""What somebody else wrote reaches the user once, also over restarts."""

from __future__ import annotations

from uuid import UUID

import trio

from actors.broadcast import messages as broadcast
from actors.relay import messages as relay
from actors.relay.courier import (
    COMPONENT,
    LOOK_EVERY,
    OUTSTANDING_MAX,
    TICK_SECONDS,
    UNHEARD_SECONDS,
)
from actors.relay.messages import NoteState
from runtime import ask
from tests.actors.relay.world import ANNA, BOB, Post, answering


async def write(post: Post, key: str = "k", text: str = "Hi") -> relay.Taken | relay.Clash:
    return await ask(post.courier, relay.Write(key=key, chat_id=ANNA, text=text))


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
        await write(post, key="2")
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


async def test_the_dispatcher_has_so_many_at_once_and_the_others_follow() -> None:
    post = Post()
    async with post.open():
        for number in range(OUTSTANDING_MAX + 5):
            await write(post, key=str(number))
        assert len(post.says()) == OUTSTANDING_MAX
        for say in post.says():
            post.deliver(say)
        await trio.sleep(1)
        assert len(post.says()) == OUTSTANDING_MAX + 5
        texts = [say.letter_id for say in post.says()]
        assert len(set(texts)) == len(texts)


async def test_a_note_of_which_nobody_told_is_found() -> None:
    post = Post()
    async with post.open():
        await post.notes.keep(UUID(int=7), key="k", chat_id=ANNA, text="Hi", at=post.clock)
        await post.rest(LOOK_EVERY * TICK_SECONDS + 1)
        assert {say.text for say in post.says()} == {"Hi"}


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
