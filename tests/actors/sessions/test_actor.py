"""A user's conversation from end to end, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.kernel.failures import Unavailable
from actors.kernel.ids import RecordId
from actors.kernel.language import Language
from actors.sessions import messages as sessions
from actors.sessions.flow import FORM_SECONDS
from actors.sessions.model import State
from actors.tracker import messages as tracker
from tests.actors.sessions.shop import ANNA, Shop


async def test_a_user_registers_pays_and_is_told() -> None:
    shop = Shop()
    async with shop.open():
        states = []
        for act in shop.acts():
            await act()
            states.append(shop.state())
            shop.check()
    assert states == [
        State.LANGUAGE,
        State.NAME,
        State.CONTACT,
        State.SUMMARY,
        State.AWAITING_PAYMENT,
        State.SUCCESS,
    ]
    (registration,) = shop.records.rows.values()
    assert (registration.name, registration.contact) == ("Anna Koval", "+380501234567")
    assert "Payment received" in shop.chat.panel.text
    assert shop.tracker.told == [tracker.Track(record_id=RecordId(1), chat_id=ANNA)]


async def test_only_the_contact_keyboard_needs_new_messages() -> None:
    shop = Shop()
    async with shop.open():
        for act in shop.acts():
            await act()
    # The first panel, the one with the contact keyboard, the one that hides it, the one after.
    assert (shop.chat.said, len(shop.chat.shown)) == (4, 1)


async def test_the_payment_of_another_record_is_nobody_s() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        await shop.pay(record_id=2)
    assert shop.state() is State.AWAITING_PAYMENT


async def test_a_payment_that_is_not_made_yet_changes_nothing() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        waiting = tracker.PaymentStatusChanged(
            record_id=RecordId(1), chat_id=ANNA, status=tracker.PaymentStatus.WAITING
        )
        await shop.tell(waiting)
    assert shop.state() is State.AWAITING_PAYMENT


async def test_a_double_press_saves_once() -> None:
    shop = Shop()
    async with shop.open():
        for act in shop.acts()[:4]:
            await act()
        save = shop.pressed("Save")
        again = replace(save, update_id=shop.update_id())
        await shop.tell(save)
        await shop.tell(again)
        shop.check()
    assert shop.state() is State.AWAITING_PAYMENT
    assert shop.records.attempts == 1
    assert shop.chat.bubbles[-2:] == [
        "",
        "This button is out of date. Please use the latest message.",
    ]


async def test_a_button_of_an_older_panel_is_stale_and_the_panel_is_removed() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        old, old_id = shop.pressed("English"), shop.chat.panel_id
        stray = shop.chat.panel
        await shop.press("English")
        await shop.type("Anna")
        shop.chat.shown[old_id] = stray  # its receipt was lost in a crash
        await shop.tell(replace(old, update_id=shop.update_id()))
        shop.check()
    assert shop.state() is State.CONTACT
    assert "out of date" in shop.chat.bubbles[-1]


async def test_every_press_stops_its_spinner() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        pressed = shop.pressed("English")
        for data in (pressed.data, "99:save", "garbage", "", "0:paid"):
            await shop.tell(replace(pressed, update_id=shop.update_id(), data=data))
    assert len(shop.chat.bubbles) == 5


async def test_a_second_round_begins_without_the_troubles_of_the_first() -> None:
    shop = Shop()
    shop.records.failure = Unavailable("503")
    async with shop.open():
        await shop.register()
        assert "longer than usual" in shop.chat.panel.text
        shop.records.failure, shop.records.slow_seconds = None, 10
        await shop.press("Cancel")
        await shop.register()
        assert shop.chat.panel.text == "Saving your registration…"


async def test_cancelling_while_saving_and_beginning_anew_makes_one_record() -> None:
    shop = Shop()
    shop.records.slow_seconds = 30
    async with shop.open():
        await shop.register()
        await shop.press("Cancel")
        assert shop.state() is State.CANCELLED
        await shop.press("Start again")
        await shop.press("English")
        await shop.type("Berta")
        await shop.share("380507654321")
        await shop.press("Save")
        await shop.rest(62)  # the answer for Anna, then the one for Berta
        shop.check()
    (registration,) = shop.records.rows.values()
    assert (registration.name, registration.contact) == ("Berta", "+380507654321")
    assert shop.state() is State.AWAITING_PAYMENT


async def test_a_record_created_after_cancelling_can_be_resumed() -> None:
    shop = Shop()
    shop.records.slow_seconds = 30
    async with shop.open():
        await shop.register()
        await shop.press("Cancel")
        await shop.rest(60)
        shop.check()
        assert shop.tracker.told == [
            tracker.Track(record_id=RecordId(1), chat_id=ANNA, cancelled=True)
        ]
        await shop.press("Resume")
        shop.check()
    assert shop.state() is State.AWAITING_PAYMENT
    assert shop.records.attempts == 1


async def test_cancelling_ends_the_wait_but_not_the_tracking_and_resuming_begins_it_again() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        await shop.command("cancel")
        assert shop.state() is State.CANCELLED
        await shop.command("start")
        shop.check()
    waits = tracker.Track(record_id=RecordId(1), chat_id=ANNA)
    cancelled = tracker.Track(record_id=RecordId(1), chat_id=ANNA, cancelled=True)
    assert shop.tracker.told == [waits, cancelled, waits]
    assert shop.records.attempts == 1


async def test_a_form_left_alone_expires_politely_and_silently() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        await shop.press("English")
        said = shop.chat.said
        await shop.rest(FORM_SECONDS + 10)
        assert shop.state() is State.EXPIRED
        shop.check()
        assert shop.chat.said == said
        await shop.press("Start again")
        shop.check()
    assert shop.state() is State.LANGUAGE


async def test_a_user_who_blocks_the_bot_finds_the_newest_panel_when_he_returns() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        await shop.block(blocked=True)
        await shop.pay()
        assert shop.state() is State.SUCCESS
        await shop.rest(3_600)
        edited = shop.chat.edited
        await shop.block(blocked=False)
        shop.check()
    assert shop.chat.edited == edited
    assert "Payment received" in shop.chat.panel.text


async def test_a_block_that_is_only_noticed_when_writing_is_kept() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        shop.chat.refusal = "blocked"
        await shop.pay()
        assert shop.session.blocked
        shop.chat.refusal = None
        await shop.command("start")
        shop.check()
    assert not shop.session.blocked


async def test_a_panel_the_user_deleted_comes_back_with_the_next_change() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        shop.chat.shown.clear()
        await shop.pay()
        shop.check()


async def test_commands_bring_the_panel_to_the_bottom_of_the_chat() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        for name in ("start", "status", "help", "lang", "nonsense", "status"):
            before = shop.chat.panel_id
            await shop.command(name)
            shop.check()
            assert shop.chat.panel_id > before
    assert shop.state() is State.AWAITING_PAYMENT


@pytest.mark.parametrize("sells", [False, True])
async def test_help_and_what_is_no_command_tell_of_the_shop_where_there_is_one(sells: bool) -> None:
    shop = Shop()
    shop.sells = sells
    async with shop.open():
        await shop.register()
        for name in ("help", "sell"):
            await shop.command(name)
            for told in ("/buy", "/orders", "/paysupport"):
                assert (told in shop.chat.shown[shop.chat.panel_id].text) is sells
            assert "/start" in shop.chat.shown[shop.chat.panel_id].text


async def test_the_language_changes_at_any_time() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        await shop.press("Language")
        await shop.press("Українська")
        shop.check()
        assert "Очікуємо на оплату" in shop.chat.panel.text
        await shop.command("lang", "ru")
        shop.check()
    assert shop.session.language is Language.RU


async def test_somebody_elses_contact_and_a_bad_number_are_refused_politely() -> None:
    shop = Shop()
    async with shop.open():
        for act in shop.acts()[:3]:
            await act()
        await shop.share("380501234567", own=False)
        assert "somebody else" in shop.chat.panel.text
        shop.check()
        await shop.type("later")
        assert "does not look like a phone number" in shop.chat.panel.text
        shop.check()
        await shop.type("+380 50 123 45 67")
        shop.check()
    assert shop.state() is State.SUMMARY


@pytest.mark.parametrize(
    "text", ["<b>Anna", "</b>&lt;", "{name}", "a" * 80, "\u202eannA\x00", "<script>" * 9]
)
async def test_whatever_is_typed_as_a_name_harms_nobody(text: str) -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        await shop.press("English")
        await shop.type(text)
        await shop.share("380501234567")
        shop.check()
    assert shop.state() is State.SUMMARY


@pytest.mark.parametrize("text", ["x" * 4_096, "\u200b" * 4_096, "Ж" * 81, "\x00"])
async def test_what_cannot_be_a_name_is_answered(text: str) -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        await shop.press("English")
        for _ in range(2):
            await shop.type(text)
            shop.check()
    assert shop.state() is State.NAME


async def test_an_unknown_kind_of_message_is_answered() -> None:
    shop = Shop()
    async with shop.open():
        await shop.command("start")
        photo = sessions.UnsupportedReceived(
            update_id=shop.update_id(), profile=sessions.Profile(first_name="A"), kind="photo"
        )
        await shop.tell(photo)
        shop.check()
    assert "only text" in shop.chat.panel.text


async def test_a_stranger_who_blocks_and_unblocks_is_not_written_to() -> None:
    shop = Shop()
    async with shop.open():
        await shop.block(blocked=True)
        await shop.block(blocked=False)
        await shop.pay()
        await shop.tell(sessions.Due())
    assert shop.chat.said == 0
