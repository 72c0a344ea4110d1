"""In the administrators' chat: shown, narrowed, confirmed once, followed to its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.model import Audience, Content, State
from actors.broadcasts.panel_reader import Reader
from actors.kernel.ids import ProductId
from actors.kernel.language import Language
from runtime import ask
from tests.actors.broadcasts.admin import (
    ONE,
    RU,
    Admin,
    bubble,
    buttons,
    composed,
    delivered,
    hear,
    pressed,
    said,
    shown,
    unhandled,
)
from tests.actors.broadcasts.post import EPOCH, Bureau

PHOTO = broadcast.Media(kind="photo", file="https://example.org/a.jpg")
LINK = ((broadcast.Button(text="Go", url="https://example.org"),),)


async def test_it_is_shown_confirmed_and_followed_to_its_end() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(40)
    await bureau.people(1, blocked=True)
    async with bureau.open():
        await hear(bureau, composed("Hi {first_name|friend}", media=PHOTO, buttons=LINK))
        preview, panel = [e for e in bureau.post.others.told if isinstance(e, broadcast.Say)]
        assert (preview.text, preview.media, preview.keyboard) == ("Hi friend", PHOTO, LINK)
        assert "To everybody\nRecipients: 39; cannot be reached: 1" in panel.text
        assert [button.text for button in panel.keyboard[0]] == ["Confirm", "Cancel"]
        await bureau.passes(5)
        assert not bureau.post.waiting
        assert await admin.presses("Confirm") == "It starts."
        await bureau.passes(2)
        await bureau.carry(20)
        await bureau.passes(4)
        assert "20 of 39" in said(bureau)[-1]
        assert await admin.presses("Pause") == "It is paused."
        assert await bureau.carry() == []
        assert "is paused" in said(bureau)[-1]
        assert await admin.presses("Go on") == "It goes on."
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        assert "is done" in said(bureau)[-1]
        assert "39 sent" in said(bureau)[-1]
        edits = [e for e in bureau.post.others.told if isinstance(e, broadcast.Edit)]
        assert len({edit.message_id for edit in edits}) == 1
        assert len({edit.letter_id for edit in edits}) == len(edits)
        assert edits[-1].keyboard == ()
        assert await unhandled(bureau) == 0
        whos = {each.who for each in await bureau.store.actions(ONE)}
        assert whos == {"telegram:@ann"}


async def test_a_button_that_is_pressed_twice_starts_once() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(3)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        confirm = buttons(bureau)["Confirm"]
        for number in (6, 7):
            bureau.ref.tell(pressed(confirm, number))
        await bureau.system.settle()
        assert bubble(bureau) == "it waits for nobody's word"
        await bureau.passes(2)
        await admin.presses("Pause")
        assert await admin.repeats(confirm) == "it waits for nobody's word"
        assert (await bureau.kept(ONE)).state is State.PAUSED
        await admin.presses("Go on")
        await bureau.passes(2)
        assert sorted(await bureau.carry()) == [1, 2, 3]
        await bureau.passes(2)
        assert await admin.repeats(confirm) == "it waits for nobody's word"
        assert (await bureau.kept(ONE)).state is State.FINISHED
        assert sorted(bureau.post.begun) == [1, 2, 3]
        whats = [each.what for each in await bureau.store.actions(ONE)]
        assert whats == ["create", "resume", "pause", "resume"]


async def test_what_was_not_seen_is_not_confirmed() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(3)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        stale = buttons(bureau)["Confirm"]
        await admin.presses("To whom…")
        await admin.presses("English")
        assert (await admin.repeats(stale)).startswith("It has changed meanwhile.")
        assert (await bureau.kept(ONE)).state is State.READY
        await admin.presses("Back")
        fresh = buttons(bureau)["Confirm"]
        edit = broadcasts.Edit(broadcast_id=ONE, content=Content(text="Bye"), who="bob")
        await ask(bureau.ref, edit)
        await bureau.system.settle()
        assert (await admin.repeats(fresh)).startswith("It has changed meanwhile.")
        assert (
            await admin.repeats("b:resume:1")
            == "It has changed meanwhile. Look again, and confirm."
        )
        assert await admin.presses("Confirm") == "It starts."


async def test_who_gets_it_is_chosen_and_counted() -> None:
    reader = Reader(products={ProductId("notes"): "Notes <3"})
    bureau = Bureau(reader=reader)
    admin = Admin(bureau)
    await bureau.people(2, language=Language.UK)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await admin.presses("To whom…")
        await admin.presses("English")
        assert "To: language: English\nNobody would get it: choose others" in shown(bureau).text
        await admin.presses("Українська")
        await admin.presses("✓ English")
        assert "To: language: Українська\nRecipients: 2" in shown(bureau).text
        await admin.presses("Registration…")
        await admin.presses("paid")
        await admin.presses("Back")
        await admin.presses("Purchases…")
        await admin.presses("Notes <3")
        await admin.presses("Back")
        await admin.presses("Activity…")
        await admin.presses("Past week")
        assert shown(bureau).text.splitlines()[1] == (
            "To: language: Українська, registration: paid, have bought «Notes &lt;3», "
            "active since 2025-12-25 00:00 UTC"
        )
        await admin.presses("Back")
        assert list(buttons(bureau)) == ["Cancel", "To whom…", "When…"]
        audience = (await bureau.kept(ONE)).audience
        assert audience == Audience(
            languages=(Language.UK,), states=("success",), products=(ProductId("notes"),),
            active_since=EPOCH - timedelta(days=7),
        )  # fmt: skip
        assert await unhandled(bureau) == 0


async def test_nobody_is_chosen_any_more_once_it_has_been_confirmed() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await admin.presses("To whom…")
        uk = buttons(bureau)["Українська"]
        await admin.presses("Back")
        await admin.presses("Confirm")
        assert await admin.repeats(uk) == "it waits for nobody's word"
        assert (await bureau.kept(ONE)).audience == Audience()
        await admin.repeats("b:page:1:whom")
        assert "Pause" in buttons(bureau)


async def test_it_speaks_the_language_of_the_administrators() -> None:
    bureau = Bureau(reader=RU)
    admin = Admin(bureau)
    await bureau.people(1_200)
    async with bureau.open():
        await hear(bureau, composed("{nme}", 4))
        assert said(bureau)[-1].startswith(
            "Не отправлено: подстановки {nme} нет; есть {first_name}"
        )
        await hear(bureau, composed("Привет"))
        assert shown(bureau).text == (
            "<b>Рассылка 1: ждёт подтверждения</b>\nКому: всем\n"
            "Получат: 1\N{NARROW NO-BREAK SPACE}200"
        )
        assert await admin.presses("Подтвердить") == "Начинаем."
        assert await admin.repeats("b:start:1:x") == "она уже не ждёт подтверждения"
        assert await admin.presses("Отменить") == "Отменено."
        assert "отменено" in shown(bureau).text
        assert shown(bureau).keyboard == ()


async def test_nothing_is_shown_that_is_shown_already() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(3)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await admin.presses("Confirm")
        await bureau.passes(5)
        told = len(said(bureau))
        await bureau.passes(120)
        assert len(said(bureau)) == told


async def test_it_can_be_cancelled_before_anything_is_sent() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        confirm = buttons(bureau)["Confirm"]
        assert await admin.presses("Cancel") == "It is cancelled."
        assert await admin.repeats(confirm) == "it waits for nobody's word"
        for data in ("b:resume:99", "b:fly:1", "b:resume:x", "b:", "b:pick:1:z+9"):
            assert await admin.repeats(data) == "That is not here any more."
        assert await unhandled(bureau) == 0


async def test_what_operators_began_is_none_of_the_panels() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(1)
    async with bureau.open():
        held = await bureau.create(hold=True)
        assert await admin.repeats("b:cancel:1") == "That is not here any more."
        assert (await bureau.kept(held.broadcast.broadcast_id)).state is State.READY


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Buttons are the last lines: <code>[Text] https://example.org</code>"),
        ("{nme} <b>", "Not sent: {nme} is not known"),
    ],
)
async def test_what_cannot_be_sent_is_explained(text: str, told: str) -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        await hear(bureau, composed(text))
        assert told in said(bureau)[-1]
        assert await unhandled(bureau) == 0
        assert await bureau.store.listing(states=(), limit=9) == ()


async def test_what_telegram_refuses_is_told_in_the_readers_language() -> None:
    bureau = Bureau(reader=RU)
    await bureau.people(1)
    bureau.post.refusal = "can't parse"
    async with bureau.open():
        await hear(bureau, composed("<b>Hi"))
        bureau.post.refusal = ""
        trouble = (await bureau.kept(ONE)).trouble
        assert trouble == "Telegram does not show it to the administrators: can't parse"
        panel = "<b>Рассылка 1: начать нельзя</b>\nTelegram не принимает это сообщение: can't parse"
        assert panel in shown(bureau).text


async def test_heard_twice_it_is_one_broadcast() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        for _ in range(2):
            bureau.ref.tell(composed("Hi"))
        await bureau.passes(2)
        assert len(await bureau.store.listing(states=(), limit=9)) == 1


async def test_what_the_store_does_not_take_now_is_heard_later() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        bureau.store.away = True
        bureau.ref.tell(composed("Hi"))
        await bureau.passes(10)
        bureau.store.away = False
        await bureau.passes(2)
        assert len(await bureau.store.listing(states=(State.READY,), limit=9)) == 1
        assert [type(each).__name__ for each in bureau.system.incidents] == ["ActorStarted"]


async def test_after_a_restart_the_panel_goes_on() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(3)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await admin.presses("To whom…")
        await admin.presses("English")
        choosing = buttons(bureau)
    async with bureau.open():
        assert "Confirm" in buttons(bureau)  # a restart shows the first page
        await admin.repeats(choosing["✓ English"])
        assert (await bureau.kept(ONE)).audience == Audience()
        await admin.presses("Back")
        confirm = buttons(bureau)["Confirm"]
    async with bureau.open():
        assert await admin.repeats(confirm) == "It starts."
        await bureau.passes(2)
    async with bureau.open():
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(4)
        assert "is done" in said(bureau)[-1]
        assert sorted(bureau.post.begun) == [1, 2, 3]


async def test_a_panel_that_is_shown_late_holds_up_no_check() -> None:
    bureau = Bureau()
    await bureau.people(1)
    bureau.post.shows = False
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        (check,) = bureau.post.others.told
        bureau.ref.tell(delivered(check, 501))
        await bureau.system.settle()
        panel = bureau.post.others.told[-1]
        edit = broadcasts.Edit(broadcast_id=ONE, content=Content(text="Bye"), who="ann")
        answer = await ask(bureau.ref, edit)
        assert isinstance(answer, broadcasts.Shown)
        assert answer.broadcast.state is State.CHECKING
        await bureau.system.settle()
        check = bureau.post.others.told[-1]
        bureau.ref.tell(delivered(panel, 502))
        bureau.post.shows = True
        bureau.ref.tell(delivered(check, 503))
        await bureau.passes(2)
        kept = await bureau.kept(ONE)
        assert (kept.state, kept.content.text) == (State.READY, "Bye")
        assert kept.panel_message_id is not None
