"""What the environment may say about selling: what is on sale, and the rails it is paid on.

A part of `config.settings.Settings`, which says how settings are read and told.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from config.values import (
    Coin,
    Email,
    Folder,
    HttpUrl,
    Networks,
    NotStripes,
    Secret,
    Secrets,
    ShopId,
    SigningKeys,
    StripeKey,
    StripeSecrets,
    VatCode,
    Word,
)


class PaymentSettings(BaseSettings):
    """Products, rails, and the page that a payer sees afterwards."""

    products_file: Folder | None = Field(
        default=None,
        alias="PRODUCTS_FILE",
        description="a file in TOML that says what is on sale (docs/products.md)",
        examples=["/etc/factorage/products.toml"],
    )
    digital_rails: Literal["stars_only", "all"] = Field(
        default="stars_only",
        alias="DIGITAL_RAILS",
        description="stars_only (Telegram's rule for digital goods) or all",
        examples=["stars_only"],
    )
    telegram_provider_token: Secret | None = Field(
        default=None,
        alias="TELEGRAM_PROVIDER_TOKEN",
        description="the token of a payment provider as BotFather gives it",
        examples=["381764678:TEST:100037"],
    )
    stripe_secret_key: StripeKey | None = Field(
        default=None,
        alias="STRIPE_SECRET_KEY",
        description="a secret or restricted key of Stripe, sk_ or rk_",
        examples=["sk_test_..."],
    )
    stripe_webhook_secret: StripeSecrets = Field(
        default=(),
        alias="STRIPE_WEBHOOK_SECRET",
        description="the endpoint's signing secret, whsec_; two with a comma while it is rolled",
        examples=["whsec_..."],
    )
    stripe_api_url: HttpUrl = Field(
        default="https://api.stripe.com",
        alias="STRIPE_API_URL",
        description="the http or https address of Stripe's API",
        examples=["https://api.stripe.com"],
    )
    yookassa_shop_id: ShopId | None = Field(
        default=None,
        alias="YOOKASSA_SHOP_ID",
        description="the number of the shop",
        examples=["100500"],
    )
    yookassa_secret_key: NotStripes | None = Field(
        default=None,
        alias="YOOKASSA_SECRET_KEY",
        description="the secret key of the shop at YooKassa",
        examples=["test_..."],
    )
    yookassa_networks: Networks = Field(
        default=(),
        alias="YOOKASSA_NETWORKS",
        description="networks from which notifications come, with commas between them",
        examples=["185.71.76.0/27, 2a02:5180::/32"],
    )
    yookassa_api_url: HttpUrl = Field(
        default="https://api.yookassa.ru/v3",
        alias="YOOKASSA_API_URL",
        description="the http or https address of YooKassa's API",
        examples=["https://api.yookassa.ru/v3"],
    )
    yookassa_receipt_email: Email | None = Field(
        default=None,
        alias="YOOKASSA_RECEIPT_EMAIL",
        description="the e-mail address to which fiscal receipts go",
        examples=["receipts@example.org"],
    )
    yookassa_vat_code: VatCode | None = Field(
        default=None,
        alias="YOOKASSA_VAT_CODE",
        description="YooKassa's number of the VAT rate on receipts, 1 (without VAT) to 99",
        examples=["1"],
    )
    yookassa_receipt_subject: Word = Field(
        default="service",
        alias="YOOKASSA_RECEIPT_SUBJECT",
        description="YooKassa's word for what is sold, small letters and _",
        examples=["service"],
    )
    nowpayments_api_key: NotStripes | None = Field(
        default=None,
        alias="NOWPAYMENTS_API_KEY",
        description="an API key of NOWPayments",
        examples=["what Store Settings shows"],
    )
    nowpayments_ipn_secret: Secrets = Field(
        default=(),
        alias="NOWPAYMENTS_IPN_SECRET",
        description="the IPN secret of the store; two with a comma while it is changed",
        examples=["what Store Settings shows once"],
    )
    nowpayments_api_url: HttpUrl = Field(
        default="https://api.nowpayments.io/v1",
        alias="NOWPAYMENTS_API_URL",
        description="the http or https address of NOWPayments' API",
        examples=["https://api.nowpayments.io/v1"],
    )
    nowpayments_email: Email | None = Field(
        default=None,
        alias="NOWPAYMENTS_EMAIL",
        description="the e-mail address of an account of NOWPayments",
        examples=["shop@example.org"],
    )
    nowpayments_password: Secret | None = Field(
        default=None,
        alias="NOWPAYMENTS_PASSWORD",
        description="its password, without spaces",
        examples=["what that account logs in with"],
    )
    nowpayments_pay_currency: Coin | None = Field(
        default=None,
        alias="NOWPAYMENTS_PAY_CURRENCY",
        description="a coin in NOWPayments' words, letters and digits",
        examples=["usdttrc20"],
    )
    success_url_signing_key: SigningKeys = Field(
        default=(),
        alias="SUCCESS_URL_SIGNING_KEY",
        description="a secret of at least 32 characters; several with commas, newest first",
        examples=["what `openssl rand -hex 32` prints"],
    )
