"""Whoever cancels while his record is being created may have one, and pay: he is kept in sight."""

from __future__ import annotations

from actors.kernel.failures import Unavailable
from actors.kernel.ids import RecordId
from actors.kernel.language import Language
from actors.sessions.flow import ATTEMPT_SECONDS, FORM_SECONDS
from actors.sessions.model import Registration, State
from actors.tracker import messages as tracker
from tests.actors.sessions.shop import ANNA, Shop


async def test_whoever_cancelled_while_his_record_was_being_created_is_tracked_after_a_crash() -> (
    None
):
    """The row was created, the process died before it heard of it, and nobody would ask again."""
    shop = Shop()
    shop.records.slow_seconds = 30
    async with shop.open():
        await shop.register()
        await shop.press("Cancel")
        assert shop.state() is State.CANCELLED
        shop.records.failure = Unavailable("the process dies before it hears")
        shop.records.rows[RecordId(7)] = Registration(
            chat_id=ANNA, name="Anna", contact="+380", language=Language.EN
        )
    shop.records.failure = None
    async with shop.open():
        await shop.rest(120)
        shop.check()
        told = [message for message in shop.tracker.told if isinstance(message, tracker.Track)]
        assert told[-1] == tracker.Track(record_id=RecordId(7), chat_id=ANNA, cancelled=True)
        asked = shop.records.looked
        await shop.rest(3_600)
        assert shop.records.looked == asked, "once it is known, nobody asks any more"
    assert shop.state() is State.CANCELLED


async def test_whoever_cancelled_is_not_looked_up_while_his_record_is_being_created() -> None:
    """He would not be found yet, and would be forgotten: for good, if the process dies then."""
    shop = Shop()
    shop.records.slow_seconds = 3 * ATTEMPT_SECONDS
    async with shop.open():
        await shop.register()
        await shop.press("Cancel")
        await shop.rest(2 * ATTEMPT_SECONDS)
        assert shop.records.looked == 0
        await shop.rest(2 * ATTEMPT_SECONDS)
        shop.check()
        (told,) = shop.tracker.told
        assert told == tracker.Track(record_id=RecordId(1), chat_id=ANNA, cancelled=True)


async def test_whoever_cancelled_and_began_anew_is_not_hurried_by_what_failed_before() -> None:
    shop = Shop()
    shop.records.slow_seconds, shop.records.failure = 30, Unavailable("503")
    async with shop.open():
        await shop.register()
        await shop.press("Cancel")
        await shop.command("start")
        await shop.rest(FORM_SECONDS / 2)
        assert shop.state() is State.LANGUAGE
        await shop.rest(FORM_SECONDS)
    assert shop.state() is State.EXPIRED


async def test_whoever_cancelled_before_his_record_was_created_is_forgotten() -> None:
    shop = Shop()
    shop.records.failure = Unavailable("503")
    async with shop.open():
        await shop.register()
        await shop.press("Cancel")
        await shop.rest(600)
        assert shop.records.looked > 1, "it has to be known"
        shop.records.failure = None
        await shop.rest(600)
        asked = shop.records.looked
        await shop.rest(3_600)
        assert shop.records.looked == asked
        shop.check()
    assert shop.records.rows == {}
    session = await shop.store.load(ANNA)
    assert session is not None
    assert (session.state, session.name, session.contact) == (State.CANCELLED, None, None)
