"""What no form awaits is passed on, in the transaction that handles its update."""

from __future__ import annotations

from actors.kernel.failures import Unavailable
from actors.kernel.ids import MessageId, UpdateId
from actors.kernel.language import Language
from actors.sessions import messages as sessions
from actors.sessions.model import Note, Session, State
from actors.sessions.passing import collect
from runtime.testing import Probe
from tests.actors.sessions.shop import ANNA, ENGLISH, Shop


def relayed() -> tuple[Shop, Probe]:
    shop = Shop()
    shop.batcher = Probe()
    return shop, shop.batcher


def waiting(shop: Shop) -> list[str]:
    return [row.passed.text for row in shop.store.connection.tables.relay.waiting.values()]


async def test_what_no_form_awaits_is_stored_and_passed_on() -> None:
    shop, batcher = relayed()
    async with shop.open():
        await shop.register()
        said = shop.chat.said
        await shop.type("Is it still on?")
        (told,) = batcher.told
        assert told.passed.text == "Is it still on?"
        assert (told.chat_id, told.language) == (ANNA, Language.EN)
        assert waiting(shop) == ["Is it still on?"]
        assert shop.state() is State.AWAITING_PAYMENT
        shop.check()
        assert shop.chat.said == said, "it is answered by somebody else"
        assert shop.session.note is None


async def test_what_a_form_awaits_is_for_the_form() -> None:
    shop, batcher = relayed()
    async with shop.open():
        await shop.type("Hello")
        await shop.press("English")
        await shop.type("Anna Koval")
        await shop.share("380501234567")
        await shop.type("Whom do you ask?")
        assert shop.state() is State.SUMMARY
        assert batcher.told == []
        assert waiting(shop) == []


async def test_commands_and_buttons_are_never_passed_on() -> None:
    shop, batcher = relayed()
    async with shop.open():
        await shop.register()
        await shop.command("status")
        await shop.command("unknown")
        await shop.press("Cancel")
        assert batcher.told == []


async def test_without_a_relay_everything_is_answered_as_before() -> None:
    shop = Shop()
    async with shop.open():
        await shop.register()
        await shop.type("Is it still on?")
        assert waiting(shop) == []
        assert shop.session.note is Note.BUTTONS_ONLY


async def test_what_is_sent_with_a_message_is_passed_on_and_a_known_number_is_not() -> None:
    shop, batcher = relayed()
    async with shop.open():
        await shop.register()
        await shop.hear(
            sessions.UnsupportedReceived(
                update_id=shop.update_id(),
                profile=ENGLISH,
                kind="voice",
                message_id=shop.chat.user_wrote(),
                attached=sessions.Attached(file_id="f", caption="listen", media_group_id="g"),
            )
        )
        await shop.share("380501234567")  # the button of the form, pressed twice
        await shop.share("380509999999", own=False)
        voice, contact = batcher.told
        assert (voice.passed.kind, voice.passed.file_id) == ("voice", "f")
        assert (voice.passed.caption, voice.passed.media_group_id) == ("listen", "g")
        assert (contact.passed.kind, contact.passed.phone_number) == ("contact", "380509999999")


async def test_who_did_not_hear_that_it_was_saved_tells_of_it_all_the_same() -> None:
    shop, batcher = relayed()
    async with shop.open():
        await shop.register()
        shop.store.lost_answer = Unavailable("no answer")
        await shop.type("Hello?")
        await shop.rest(60)
        # It was saved the first time; the second finds it handled.
        assert {told.passed.text for told in batcher.told} == {"Hello?"}
        assert waiting(shop) == ["Hello?"]
        shop.check()


def test_what_has_nothing_in_it_is_not_passed_on() -> None:
    empty = sessions.UnsupportedReceived(update_id=UpdateId(1), profile=ENGLISH, kind="text")
    start = sessions.CommandReceived(update_id=UpdateId(1), profile=ENGLISH, name="start")
    session = Session(chat_id=ANNA)
    now = Shop().clock
    assert collect(session, empty, now=now) is None
    assert collect(session, start, now=now) is None
    place = sessions.UnsupportedReceived(
        update_id=UpdateId(1),
        profile=ENGLISH,
        kind="location",
        message_id=MessageId(7),
        attached=sessions.Attached(latitude=1.5, longitude=-2.5),
    )
    told = collect(session, place, now=now)
    assert told is not None
    assert (told.passed.latitude, told.passed.longitude) == (1.5, -2.5)
    assert told.received_at == now
