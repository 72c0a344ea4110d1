"""Which rails there are is what has credentials; real money and play money do not mix."""

from __future__ import annotations

import pytest

from actors.ingress.model import SourceName
from actors.kernel.charges import Rail
from adapters.telegram.bot import connected
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
