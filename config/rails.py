"""The rails of this shop: who has credentials can be paid with, and is believed when he delivers.

Test keys take test money. All keys that tell are of one mode, or the start is refused: a shop in
which some rails take real money and others play would hand out goods for nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from actors.ingress.model import SourceName
from actors.ingress.ports import Source
from actors.kernel.charges import Rail
from actors.kernel.money import FIAT, STARS, Currency
from actors.payments.ports import Charges, Checkout, Refunding, Till
from adapters.nocodb.webhook import NocoDbSource
from adapters.nowpayments.checkout import NowPaymentsCheckout
from adapters.nowpayments.client import Account, NowPaymentsClient
from adapters.nowpayments.reports import Reader
from adapters.nowpayments.source import NowPaymentsSource
from adapters.stripe.checkout import StripeCheckout
from adapters.stripe.client import StripeClient
from adapters.stripe.source import StripeSource
from adapters.telegram.bot import TrioBot
from adapters.telegram.payments import TelegramCheckout
from adapters.telegram.refunds import StarRefunds
from adapters.telegram.webhook import TelegramSource
from adapters.yookassa.checkout import YooKassaCheckout
from adapters.yookassa.client import YooKassaClient
from adapters.yookassa.receipts import Receipts
from adapters.yookassa.source import NETWORKS, YooKassaSource
from config.settings import Settings, SettingsError

RUBLES = frozenset({Currency("RUB")})
"""What YooKassa takes. The others are asked for any money: which, depends on the account as well,
and one that is refused is told of as `rails.<rail>` in health (`actors/payments/watch.py`)."""
CHECKOUT_SECONDS = 3_600
NOWPAYMENTS_HOSTS = {"api.nowpayments.io": True, "api-sandbox.nowpayments.io": False}
IPN_PATH = "/webhooks/nowpayments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rails:
    """Who delivers to us, and with whom one can pay. `live`: real money moves."""

    live: bool
    sources: dict[SourceName, Source]
    tills: dict[Rail, Till]


def is_live(settings: Settings) -> bool:
    """Whether this shop takes real money. Raises `SettingsError` when its keys disagree."""
    modes = {name: live for name, live in _modes(settings).items() if live is not None}
    if len(set(modes.values())) > 1:
        live, test = (
            ", ".join(name for name, is_live in modes.items() if is_live is wanted)
            for wanted in (True, False)
        )
        raise SettingsError(f"these keys are live: {live}; these are for tests: {test}; choose")
    return all(modes.values())


def _modes(settings: Settings) -> dict[str, bool | None]:
    """What each key says of its mode; None where it says nothing."""

    def of(secret: SecretStr | None, test: str) -> bool | None:
        return None if secret is None else test not in secret.get_secret_value()

    nowpayments = None
    if settings.nowpayments_api_key is not None:
        nowpayments = NOWPAYMENTS_HOSTS.get(urlsplit(settings.nowpayments_api_url).hostname or "")
    return {
        "STRIPE_SECRET_KEY": of(settings.stripe_secret_key, "k_test_"),
        "YOOKASSA_SECRET_KEY": of(settings.yookassa_secret_key, "test_"),
        "TELEGRAM_PROVIDER_TOKEN": of(settings.telegram_provider_token, ":TEST:"),
        "NOWPAYMENTS_API_URL": nowpayments,
    }


@asynccontextmanager
async def opened_rails(settings: Settings, *, bot: TrioBot) -> AsyncIterator[Rails]:
    """The rails that have credentials; their connections are closed when the block is left."""
    live = is_live(settings)
    rails = Rails(live=live, sources=_without_rail(settings), tills=_telegram(settings, bot, live))
    async with AsyncExitStack() as stack:
        if settings.stripe_secret_key is not None:
            await _open_stripe(settings, rails, settings.stripe_secret_key, stack)
        if settings.yookassa_shop_id is not None and settings.yookassa_secret_key is not None:
            client = YooKassaClient(
                url=settings.yookassa_api_url,
                shop_id=settings.yookassa_shop_id,
                secret_key=settings.yookassa_secret_key.get_secret_value(),
            )
            _open_yookassa(settings, rails, await stack.enter_async_context(client))
        if settings.nowpayments_api_key is not None:
            await _open_nowpayments(settings, rails, settings.nowpayments_api_key, stack)
        yield rails


def _telegram(settings: Settings, bot: TrioBot, live: bool) -> dict[Rail, Till]:  # noqa: FBT001 - private
    stars = TelegramCheckout(bot, live=live)
    tills = {Rail.STARS: _till(Rail.STARS, stars, frozenset({STARS}), StarRefunds(bot))}
    if settings.telegram_provider_token is not None:
        token = settings.telegram_provider_token.get_secret_value()
        checkout = TelegramCheckout(bot, live=live, provider_token=token)
        tills[Rail.TELEGRAM] = _till(Rail.TELEGRAM, checkout, FIAT)
    return tills


async def _open_stripe(
    settings: Settings, rails: Rails, key: SecretStr, stack: AsyncExitStack
) -> None:
    client = StripeClient(secret_key=key.get_secret_value(), url=settings.stripe_api_url)
    await stack.enter_async_context(client)
    rails.sources[SourceName.STRIPE] = StripeSource(
        secrets=_plain(settings.stripe_webhook_secret), live=rails.live, client=client
    )
    checkout = StripeCheckout(client, live=rails.live)
    rails.tills[Rail.STRIPE] = _till(Rail.STRIPE, checkout, FIAT, checkout)


def _open_yookassa(settings: Settings, rails: Rails, client: YooKassaClient) -> None:
    networks = [str(network) for network in settings.yookassa_networks] or NETWORKS
    rails.sources[SourceName.YOOKASSA] = YooKassaSource(client=client, networks=networks)
    checkout = YooKassaCheckout(client=client, receipts=_receipts(settings))
    rails.tills[Rail.YOOKASSA] = _till(Rail.YOOKASSA, checkout, RUBLES, checkout, charges=checkout)


def _receipts(settings: Settings) -> Receipts | None:
    email, vat_code = settings.yookassa_receipt_email, settings.yookassa_vat_code
    if email is None or vat_code is None:
        return None
    return Receipts(email=email, vat_code=vat_code, subject=settings.yookassa_receipt_subject)


async def _open_nowpayments(
    settings: Settings, rails: Rails, key: SecretStr, stack: AsyncExitStack
) -> None:
    account = None
    if settings.nowpayments_email is not None and settings.nowpayments_password is not None:
        account = Account(
            email=settings.nowpayments_email,
            password=settings.nowpayments_password.get_secret_value(),
        )
    client = NowPaymentsClient(
        url=settings.nowpayments_api_url, api_key=key.get_secret_value(), account=account
    )
    await stack.enter_async_context(client)
    reader = Reader(live=rails.live, pay_currency=settings.nowpayments_pay_currency or "")
    rails.sources[SourceName.NOWPAYMENTS] = NowPaymentsSource(
        secrets=_plain(settings.nowpayments_ipn_secret), reader=reader
    )
    ipn_url = f"{settings.public_url or ''}{IPN_PATH}"
    checkout = NowPaymentsCheckout(client=client, reader=reader, ipn_url=ipn_url)
    rails.tills[Rail.NOWPAYMENTS] = _till(Rail.NOWPAYMENTS, checkout, FIAT, charges=checkout)


def _without_rail(settings: Settings) -> dict[SourceName, Source]:
    """Who delivers, and is not paid with."""
    sources: dict[SourceName, Source] = {}
    if settings.nocodb_webhook_secret:
        sources[SourceName.NOCODB] = NocoDbSource(
            secrets=_plain(settings.nocodb_webhook_secret),
            table_id=settings.nocodb_table_id,
            paid_column=settings.nocodb_paid_column,
        )
    if settings.telegram_webhook_secret:
        sources[SourceName.TELEGRAM] = TelegramSource(
            secrets=_plain(settings.telegram_webhook_secret)
        )
    return sources


def _till(
    rail: Rail,
    checkout: Checkout,
    currencies: frozenset[Currency],
    refunding: Refunding | None = None,
    *,
    charges: Charges | None = None,
) -> Till:
    return Till(
        rail=rail,
        checkout=checkout,
        currencies=currencies,
        lifetime_seconds=CHECKOUT_SECONDS,
        refunding=refunding,
        charges=charges,
    )


def _plain(secrets: Sequence[SecretStr]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets]
