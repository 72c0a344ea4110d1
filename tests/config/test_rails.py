"""Which rails there are is what has credentials; real money and play money do not mix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from actors.ingress.model import Delivery, Event, SourceName
from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId
from actors.kernel.money import Money
from actors.payments.ports import Offer
from adapters.sandbox.server import Request, Response, serve
from adapters.telegram.bot import connected
from adapters.telegram.webhook import SECRET_HEADER
from config.rails import is_live, opened_rails
from config.settings import Settings, SettingsError, load_settings

TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
BASE = {
    "BOT_TOKEN": TOKEN,
    "NOCODB_URL": "http://nocodb.test",
    "NOCODB_TOKEN": "noco-token",
    "NOCODB_TABLE_ID": "m1",
    "PUBLIC_URL": "https://shop.test",
}
STRIPE = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1234"}
YOOKASSA = {"YOOKASSA_SHOP_ID": "100500", "YOOKASSA_SECRET_KEY": "live_x"}
NOWPAYMENTS = {"NOWPAYMENTS_API_KEY": "key", "NOWPAYMENTS_IPN_SECRET": "ipn-secret"}
EVERYTHING = {
    **STRIPE, **YOOKASSA, **NOWPAYMENTS, "TELEGRAM_PROVIDER_TOKEN": "381764678:LIVE:100037",
    "NOCODB_WEBHOOK_SECRET": "hook-secret", "TELEGRAM_WEBHOOK_SECRET": "hook",
    "TELEGRAM_WEBHOOK_URL": "https://shop.test/webhooks/telegram",
}  # fmt: skip


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OFFER = Offer(
    order_id=OrderId("0" * 32),
    title="Ticket",
    description="To a gig",
    price=Money.of("4.99", "USD"),
    expires_at=NOON,
    return_url="https://shop.test",
    cancel_url="https://shop.test",
    metadata={},
)


class Recorder:
    """A provider that never answers well, and remembers what it was asked."""

    head_bytes_max = 16_384

    def __init__(self) -> None:
        self.now: Callable[[], datetime] = lambda: NOON
        self.asked: list[tuple[str, bytes]] = []

    async def __call__(self, request: Request) -> Response:
        self.asked.append((request.path, request.body))
        return Response(status=503)


def delivery(secret: str) -> Delivery:
    """An update, as Telegram sends it."""
    return Delivery(
        source=SourceName.TELEGRAM,
        headers={SECRET_HEADER: secret},
        body=b'{"update_id": 1}',
        peer="",
    )


def settings(**told: str) -> Settings:
    return load_settings(BASE | told)


async def test_without_credentials_there_are_stars_and_nobody_delivers() -> None:
    async with (
        connected(token=TOKEN, api_url="http://telegram.test") as bot,
        opened_rails(settings(), bot=bot) as rails,
    ):
        assert list(rails.tills) == [Rail.STARS]
        assert rails.sources == {}
        assert rails.live


async def test_with_all_credentials_there_is_everything() -> None:
    async with (
        connected(token=TOKEN, api_url="http://telegram.test") as bot,
        opened_rails(settings(**EVERYTHING), bot=bot) as rails,
    ):
        assert rails.tills.keys() == set(Rail)
        assert rails.sources.keys() == set(SourceName)
        assert all(till.rail is rail for rail, till in rails.tills.items())
        assert all(source.name is name for name, source in rails.sources.items())


@pytest.mark.parametrize(
    ("told", "live"),
    [
        (STRIPE, True),
        (STRIPE | {"STRIPE_SECRET_KEY": "sk_test_1"}, False),
        (STRIPE | {"STRIPE_SECRET_KEY": "rk_test_1"}, False),
        (YOOKASSA, True),
        (YOOKASSA | {"YOOKASSA_SECRET_KEY": "test_x"}, False),
        ({"TELEGRAM_PROVIDER_TOKEN": "381764678:TEST:100037"}, False),
        (NOWPAYMENTS, True),
        (NOWPAYMENTS | {"NOWPAYMENTS_API_URL": "https://api-sandbox.nowpayments.io/v1"}, False),
        (NOWPAYMENTS | {"NOWPAYMENTS_API_URL": "http://127.0.0.1:1/v1"}, True),
    ],
)
def test_the_keys_say_whether_money_is_real(told: dict[str, str], live: bool) -> None:
    assert is_live(settings(**told)) is live


def test_a_host_that_tells_no_mode_goes_with_the_others() -> None:
    local = NOWPAYMENTS | {"NOWPAYMENTS_API_URL": "http://127.0.0.1:1/v1"}
    assert not is_live(settings(**local, **STRIPE | {"STRIPE_SECRET_KEY": "sk_test_1"}))


def test_real_money_and_play_money_do_not_mix() -> None:
    with pytest.raises(SettingsError) as refused:
        is_live(settings(**STRIPE, **YOOKASSA | {"YOOKASSA_SECRET_KEY": "test_x"}))
    assert "live: STRIPE_SECRET_KEY" in str(refused.value)
    assert "tests: YOOKASSA_SECRET_KEY" in str(refused.value)
    assert "test_x" not in str(refused.value)


async def test_money_goes_back_on_every_rail_whose_provider_has_a_way_for_it() -> None:
    async with (
        connected(token=TOKEN, api_url="http://telegram.test") as bot,
        opened_rails(settings(**EVERYTHING), bot=bot) as rails,
    ):
        able = {rail for rail, till in rails.tills.items() if till.refunding is not None}
        read = {rail for rail, till in rails.tills.items() if till.charges is not None}
    assert able == {Rail.STARS, Rail.STRIPE, Rail.YOOKASSA}
    # Of the others the checkout shows every charge; NOWPayments' only to who has an account.
    assert read == {Rail.YOOKASSA, Rail.NOWPAYMENTS}


async def test_while_the_secret_of_telegram_is_changed_both_are_believed() -> None:
    rotated = EVERYTHING | {"TELEGRAM_WEBHOOK_SECRET": "new,old"}
    async with (
        connected(token=TOKEN, api_url="http://telegram.test") as bot,
        opened_rails(settings(**rotated), bot=bot) as rails,
    ):
        source = rails.sources[SourceName.TELEGRAM]
        believed = {
            secret: isinstance(source.verify(delivery(secret), now=NOON), Event)
            for secret in ("new", "old", "older", "new,old", "")
        }
    assert believed == {"new": True, "old": True, "older": False, "new,old": False, "": False}


@pytest.mark.parametrize("has_account", [True, False])
async def test_payments_are_listed_where_there_is_an_account(*, has_account: bool) -> None:
    account = {"NOWPAYMENTS_EMAIL": "a@b.test", "NOWPAYMENTS_PASSWORD": "horse"}
    told = EVERYTHING | (account if has_account else {})
    nowpayments = Recorder()
    async with (
        serve(nowpayments) as url,
        connected(token=TOKEN, api_url="http://telegram.test") as bot,
        opened_rails(settings(**told | {"NOWPAYMENTS_API_URL": url}), bot=bot) as rails,
    ):
        checkout = rails.tills[Rail.NOWPAYMENTS].checkout
        if has_account:
            with pytest.raises(Unavailable):
                await checkout.look("1")
        else:
            assert await checkout.look("1") == ()
    assert [path for path, _ in nowpayments.asked] == (["/auth"] if has_account else [])


async def test_the_only_coin_is_asked_for() -> None:
    nowpayments = Recorder()
    told = EVERYTHING | {"NOWPAYMENTS_PAY_CURRENCY": "usdttrc20"}
    async with (
        serve(nowpayments) as url,
        connected(token=TOKEN, api_url="http://telegram.test") as bot,
        opened_rails(settings(**told | {"NOWPAYMENTS_API_URL": url}), bot=bot) as rails,
    ):
        with pytest.raises(Unavailable):
            await rails.tills[Rail.NOWPAYMENTS].checkout.open(OFFER)
    ((_, body),) = nowpayments.asked
    assert b'"pay_currency":"usdttrc20"' in body
