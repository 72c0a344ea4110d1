"""Telegram's rails against the sandbox: links, lists, and the ten seconds before a payment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import trio

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId
from actors.kernel.money import Money
from actors.payments.looks import LookLimits, MoreToRead
from actors.payments.ports import Declined, Offer, Opened
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.telegram import PROVIDER_TOKEN, TelegramSandbox
from adapters.sandbox.telegram_parameters import read as parameters_of
from adapters.sandbox.telegram_user import CannotDo
from adapters.telegram.bot import TrioBot, connected
from adapters.telegram.payments import (
    ORDERS_MAX,
    PAGE,
    PAGES_MAX,
    TelegramCheckout,
    TelegramPreCheckoutAnswers,
)
from tests.adapters.sandbox.calls import NOON, virtual_now
from tests.adapters.telegram.wire import Recorder, bot_of, http, raw, says

ORDER = OrderId("8f14e45fceea167a5a36dedd4bea2543")
OFFER = Offer(
    order_id=ORDER,
    title="VIP access",
    description="For a month",
    price=Money.of("100", "XTR"),
    expires_at=NOON + timedelta(hours=1),
    return_url="https://t.me/bot",
    cancel_url="https://t.me/bot",
    metadata={},
)
DOLLARS = replace(OFFER, price=Money.of("19.99", "USD"))


def world() -> TelegramSandbox:
    sandbox = TelegramSandbox(now=virtual_now)
    sandbox.user(7).commands("/start")
    return sandbox


@asynccontextmanager
async def bot_to(sandbox: TelegramSandbox) -> AsyncIterator[TrioBot]:
    async with serve(sandbox) as url, connected(token=sandbox.token, api_url=url) as bot:
        yield bot


async def link_of(checkout: TelegramCheckout, offer: Offer = OFFER) -> str:
    found = await checkout.open(offer)
    assert isinstance(found, Opened), found
    assert found.checkout_id == offer.order_id
    return found.url


async def pay(sandbox: TelegramSandbox, bot: TrioBot, link: str) -> str:
    """Somebody pays and the bot lets him; the charge's id."""
    ada = sandbox.user(7)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ada.pays, link)
        await trio.sleep(0.1)
        (query,) = [q for q in sandbox.payments.queries.values() if q.ok is None]
        await TelegramPreCheckoutAnswers(bot).answer(query.id, ok=True, error="")
    return list(sandbox.payments.charges)[-1]


# Links


async def asked(offer: Offer, provider_token: str = "") -> dict[str, str]:
    """What createInvoiceLink is asked for."""
    recorder = Recorder("https://t.me/$x")
    async with bot_of(recorder) as bot:
        await TelegramCheckout(bot, provider_token=provider_token, live=True).open(offer)
    ((method, parameters),) = recorder.asked
    assert method == "createInvoiceLink"
    return parameters


async def test_an_invoice_in_stars_has_one_price_and_no_provider() -> None:
    parameters = await asked(OFFER)
    assert json.loads(parameters.pop("prices")) == [{"label": "VIP access", "amount": 100}]
    assert parameters == {
        "title": "VIP access",
        "description": "For a month",
        "payload": ORDER,
        "provider_token": "",
        "currency": "XTR",
    }


async def test_an_invoice_for_a_provider_counts_minor_units() -> None:
    parameters = await asked(DOLLARS, PROVIDER_TOKEN)
    assert (parameters["currency"], parameters["provider_token"]) == ("USD", PROVIDER_TOKEN)
    assert json.loads(parameters["prices"])[0]["amount"] == 1999


async def test_texts_are_cut_to_what_telegram_takes() -> None:
    parameters = await asked(replace(OFFER, title="t" * 50, description=""))
    assert (parameters["title"], parameters["description"]) == ("t" * 32, "t" * 50)
    assert len((await asked(replace(OFFER, description="d" * 500)))["description"]) == 255


async def test_a_link_is_opened_on_either_rail() -> None:
    sandbox = world()
    async with bot_to(sandbox) as bot:
        stars = await link_of(TelegramCheckout(bot, live=True))
        paying = TelegramCheckout(bot, provider_token=PROVIDER_TOKEN, live=True)
        money = await link_of(paying, DOLLARS)
        again = await link_of(TelegramCheckout(bot, live=True))
    invoices = [sandbox.payments.invoices[url.rpartition("$")[2]] for url in (stars, money, again)]
    assert [invoice.payload for invoice in invoices] == [ORDER] * 3
    assert [(invoice.currency, invoice.total_amount) for invoice in invoices] == [
        ("XTR", 100),
        ("USD", 1999),
        ("XTR", 100),
    ]


@pytest.mark.parametrize(
    ("offer", "token", "words"),
    [
        (DOLLARS, "", "USD"),
        (OFFER, PROVIDER_TOKEN, "XTR"),
        (replace(OFFER, price=Money.of("1.5", "XTR")), "", "minor unit"),
        (replace(OFFER, price=Money.of("100001", "XTR")), "", "CURRENCY_TOTAL_AMOUNT_INVALID"),
        (replace(OFFER, price=Money.of("0", "XTR")), "", "CURRENCY_TOTAL_AMOUNT_INVALID"),
        (DOLLARS, "1:TEST:wrong", "PAYMENT_PROVIDER_INVALID"),
    ],
)
async def test_what_telegram_never_takes_is_declined(offer: Offer, token: str, words: str) -> None:
    async with bot_to(world()) as bot:
        found = await TelegramCheckout(bot, provider_token=token, live=True).open(offer)
    assert isinstance(found, Declined)
    assert words.lower() in found.detail.lower()
    assert found.key_refused is (words == "PAYMENT_PROVIDER_INVALID")


async def test_a_refusal_does_not_tell_the_providers_token() -> None:
    said = {"ok": False, "error_code": 400, "description": f"Bad Request: {PROVIDER_TOKEN}?"}
    async with (
        raw(says(http(400, said))) as url,
        connected(token=TelegramSandbox().token, api_url=url) as bot,
    ):
        checkout = TelegramCheckout(bot, provider_token=PROVIDER_TOKEN, live=True)
        found = await checkout.open(DOLLARS)
    assert isinstance(found, Declined)
    assert found.detail == "[token]?"


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_trouble_is_no_answer(status: int) -> None:
    sandbox = world()
    sandbox.fail_next(2, status, "Sandbox", retry_after=7 if status == 429 else None)
    async with bot_to(sandbox) as bot:
        checkout = TelegramCheckout(bot, live=True)
        with pytest.raises(Unavailable) as told:
            await checkout.open(OFFER)
        with pytest.raises(Unavailable):
            await checkout.look(ORDER)
    assert told.value.retry_after_seconds == (7 if status == 429 else None)


@pytest.mark.parametrize("odd", [True, 5, "", "t.me/x", {}, None])
async def test_an_answer_that_is_no_link_is_no_answer(odd: object) -> None:
    async with bot_of(Recorder(odd)) as bot:
        with pytest.raises(Unavailable):
            await TelegramCheckout(bot, live=True).open(OFFER)


# Lists


async def test_what_was_paid_in_stars_is_found_and_what_went_back_too() -> None:
    sandbox = world()
    async with bot_to(sandbox) as bot:
        checkout = TelegramCheckout(bot, live=True)
        link = await link_of(checkout)
        assert await checkout.look(ORDER) == ()
        charge = await pay(sandbox, bot, link)
        (paid,) = await checkout.look(ORDER)
        await bot.call("refundStarPayment", {"user_id": 7, "telegram_payment_charge_id": charge})
        (refunded,) = await checkout.look(ORDER)
        assert await checkout.look("another order") == ()

    assert paid == PaymentReport(
        rail=Rail.STARS,
        payment_id=charge,  # type: ignore[arg-type]
        standing=Standing.PAID,
        amount=Money.of("100", "XTR"),
        live=True,
        order_id=ORDER,
        at=paid.at,
    )
    assert (refunded.standing, refunded.refunded) == (Standing.REFUNDED, paid.amount)
    assert refunded.payment_id == paid.payment_id


async def test_a_link_that_was_paid_twice_has_two_charges() -> None:
    sandbox = world()
    async with bot_to(sandbox) as bot:
        checkout = TelegramCheckout(bot, live=True)
        link = await link_of(checkout)
        charges = {await pay(sandbox, bot, link), await pay(sandbox, bot, link)}
        assert {report.payment_id for report in await checkout.look(ORDER)} == charges


async def test_transactions_are_read_once_each() -> None:
    sandbox = world()
    ada = sandbox.user(7)
    async with bot_to(sandbox) as bot:
        checkout = TelegramCheckout(bot, live=True)
        slug = (await link_of(checkout)).rpartition("$")[2]
        for _ in range(250):
            sandbox.payments.charge(
                sandbox.payments.ask(sandbox.payments.invoices[slug], ada.account)
            )
        assert len(await checkout.look(ORDER)) == 250
        assert sandbox.calls["getstartransactions"] == 3
        assert len(await checkout.look(ORDER)) == 250
    assert sandbox.calls["getstartransactions"] == 4


class Listed(Recorder):
    """Lists transactions as Telegram does, `PAGE` at a time; each is for an order of its own, but
    for the one at `refund_at`, which goes back of the order with the number `refunded`.
    """

    count = ORDERS_MAX + 5
    refund_at = refunded = -1

    async def __call__(self, request: Request) -> Response:
        parameters = parameters_of(request)
        offset, limit = int(parameters["offset"]), int(parameters["limit"])
        page = [self._transaction(n) for n in range(self.count)[offset : offset + limit]]
        self.result = {"transactions": page}
        return await super().__call__(request)

    def _transaction(self, place: int) -> dict[str, object]:
        back = place == self.refund_at
        number = self.refunded if back else place
        partner = {"invoice_payload": f"order {number}"}
        return {
            "id": f"c{number}", "amount": 1, "date": 1, "receiver" if back else "source": partner
        }  # fmt: skip


async def test_a_long_list_is_read_in_several_goes_and_its_oldest_orders_are_forgotten() -> None:
    server = Listed()
    async with bot_of(server) as bot:
        checkout = TelegramCheckout(bot, live=True)
        with pytest.raises(MoreToRead):
            await checkout.look("order 5")
        assert len(server.asked) == PAGES_MAX
        assert len(await checkout.look("order 5")) == 1
        assert await checkout.look("order 4") == ()
        assert len(server.asked) == PAGES_MAX + 2

        server.refund_at, server.refunded = server.count, 5
        server.count += 3
        (report,) = await checkout.look("order 5")
        assert report.standing is Standing.REFUNDED
        assert await checkout.look("order 6") == ()


async def test_after_a_start_only_the_newest_of_a_very_long_list_are_read() -> None:
    server = Listed()
    server.count = count = 1_000_003
    async with bot_of(server) as bot:
        checkout = TelegramCheckout(bot, live=True, newest_max=1_000)
        assert len(await checkout.look(f"order {count - 1}")) == 1
        assert len(await checkout.look(f"order {count - 1_000}")) == 1
        assert len(await checkout.look("order 999")) == 1, "it was read before its length was known"
        assert await checkout.look("order 5000") == ()
    assert len(server.asked) < 2 * 1_000 // PAGE + 30


@pytest.mark.parametrize(
    "page",
    [
        [{"id": "c", "amount": 5, "date": 1, "source": {"type": "user"}}],
        [{"id": "c", "amount": 5, "date": 1, "source": {"invoice_payload": 7}}],
        [{"id": "c", "amount": 5, "date": 10**12, "source": {"invoice_payload": ORDER}}],
        [{"id": "c", "amount": 0, "date": 1, "source": {"invoice_payload": ORDER}}],
        [{"id": 5, "amount": 5, "date": 1, "source": {"invoice_payload": ORDER}}],
        [{"id": "c", "amount": 5, "date": 1, "source": "fragment"}],
        [None, 5, []],
    ],
)
async def test_other_transactions_are_passed_over(page: object) -> None:
    async with bot_of(Recorder({"transactions": page})) as bot:
        assert await TelegramCheckout(bot, live=True).look(ORDER) == ()


async def test_only_stars_can_be_looked_at() -> None:
    async with bot_of(Recorder({})) as bot:
        stars = TelegramCheckout(bot, live=True)
        money = TelegramCheckout(bot, provider_token=PROVIDER_TOKEN, live=True)
        assert stars.look_limits == LookLimits(at_a_time=1)
        assert money.look_limits is None


@pytest.mark.parametrize("odd", [True, [], {}, {"transactions": 5}])
async def test_an_answer_that_is_no_list_is_no_answer(odd: object) -> None:
    async with bot_of(Recorder(odd)) as bot:
        with pytest.raises(Unavailable):
            await TelegramCheckout(bot, live=True).look(ORDER)


async def test_of_a_providers_payments_telegram_keeps_no_list() -> None:
    recorder = Recorder()
    async with bot_of(recorder) as bot:
        checkout = TelegramCheckout(bot, provider_token=PROVIDER_TOKEN, live=True)
        assert await checkout.look(ORDER) == ()
    assert recorder.asked == []


# The ten seconds


async def test_a_payment_that_is_refused_does_not_happen() -> None:
    sandbox = world()
    ada, told = sandbox.user(7), list[str]()

    async def try_to_pay(link: str) -> None:
        try:
            await ada.pays(link)
        except CannotDo as error:
            told.append(str(error))

    async with bot_to(sandbox) as bot, trio.open_nursery() as nursery:
        nursery.start_soon(try_to_pay, await link_of(TelegramCheckout(bot, live=True)))
        await trio.sleep(1)
        (query_id,) = sandbox.payments.queries
        answers = TelegramPreCheckoutAnswers(bot)
        await answers.answer(query_id, ok=False, error="It is sold out " + "!" * 300)
    assert told == [("It is sold out " + "!" * 300)[:200]]
    assert sandbox.payments.charges == {}


async def test_a_query_that_nobody_waits_for_any_more_is_nobodys_failure() -> None:
    sandbox = world()
    async with bot_to(sandbox) as bot:
        link = await link_of(TelegramCheckout(bot, live=True))
        query = sandbox.user(7).starts_paying(link)
        await trio.sleep(11)
        await TelegramPreCheckoutAnswers(bot).answer(query.id, ok=True, error="")
        await TelegramPreCheckoutAnswers(bot).answer("nobody's", ok=True, error="")
    assert query.ok is None


@pytest.mark.parametrize(("status", "text"), [(500, "x"), (401, "Unauthorized"), (400, "Odd")])
async def test_an_answer_that_telegram_did_not_take_is_told(status: int, text: str) -> None:
    sandbox = world()
    sandbox.fail_next(1, status, text)
    async with bot_to(sandbox) as bot:
        with pytest.raises(Unavailable):
            await TelegramPreCheckoutAnswers(bot).answer("q", ok=True, error="")


async def test_an_answer_that_takes_too_long_is_given_up_before_telegram_does() -> None:
    sandbox = world()
    sandbox.hang_next(1, 60)
    async with bot_to(sandbox) as bot:
        with pytest.raises(Unavailable, match="9 s"):
            await TelegramPreCheckoutAnswers(bot).answer("q", ok=True, error="")
        assert trio.current_time() == pytest.approx(9, abs=0.1)
