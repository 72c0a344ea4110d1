"""A shop with credentials for every rail; nobody answers where its providers' APIs should be."""

from __future__ import annotations

NOBODY = "http://127.0.0.1:9"
OPERATOR = "canary-operator-0123456789abcdef"
STRIPE_SECRET = "whsec_canary_0123456789abcdef0123456789abcdef"


def credentials() -> dict[str, str]:
    """Settings; each secret has the word `canary` in it, so that it can be looked for."""
    return {
        "STRIPE_SECRET_KEY": "sk_test_canary0123456789abcdef",
        "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
        "STRIPE_API_URL": NOBODY,
        "YOOKASSA_SHOP_ID": "100500",
        "YOOKASSA_SECRET_KEY": "test_canary0123456789abcdef",
        "YOOKASSA_API_URL": f"{NOBODY}/v3",
        "NOWPAYMENTS_API_KEY": "canary-key-0123456789",
        "NOWPAYMENTS_IPN_SECRET": "canary-ipn-0123456789",
        "NOWPAYMENTS_API_URL": f"{NOBODY}/v1",
        "NOCODB_WEBHOOK_SECRET": "canary-hook-0123456789",
        "TELEGRAM_WEBHOOK_URL": "https://shop.example.org/webhooks/telegram",
        "TELEGRAM_WEBHOOK_SECRET": "canary-telegram-0123456789",
        "SUCCESS_URL_SIGNING_KEY": "canary-signing-0123456789abcdef0123456789",
        "PUBLIC_URL": "https://shop.example.org",
    }
