"""Signed notifications of the contract (section 3.5), made with Node; and how to sign others."""

from __future__ import annotations

from actors.kernel.strict_json import load_object
from adapters.nowpayments.canonical import canonical, signature

SECRET = "ipn_secret_test_0001"

FINISHED = '{"payment_id":5524759814,"parent_payment_id":null,"invoice_id":4522625843,"payment_status":"finished","pay_address":"TNDFkiSmBQorNFacb3735q8MnT29sn8BLn","payin_extra_id":null,"price_amount":5,"price_currency":"usd","pay_amount":165.652609,"actually_paid":165.652609,"actually_paid_at_fiat":0,"pay_currency":"trx","order_id":"order-42","order_description":"VIP access","purchase_id":"4944856743","outcome_amount":164.1,"outcome_currency":"trx","payment_extra_ids":null,"fee":{"currency":"trx","depositFee":0.09853637216235617,"withdrawalFee":0,"serviceFee":0.5}}'  # noqa: E501 - as on the wire
CANONICAL = '{"actually_paid":165.652609,"actually_paid_at_fiat":0,"fee":{"currency":"trx","depositFee":0.09853637216235617,"serviceFee":0.5,"withdrawalFee":0},"invoice_id":4522625843,"order_description":"VIP access","order_id":"order-42","outcome_amount":164.1,"outcome_currency":"trx","parent_payment_id":null,"pay_address":"TNDFkiSmBQorNFacb3735q8MnT29sn8BLn","pay_amount":165.652609,"pay_currency":"trx","payin_extra_id":null,"payment_extra_ids":null,"payment_id":5524759814,"payment_status":"finished","price_amount":5,"price_currency":"usd","purchase_id":"4944856743"}'  # noqa: E501 - as signed
N4 = '{"order_description":"Оплата / тест — ✓","payment_id":1,"url":"https://a/b"}'
N5 = '{"payment_extra_ids":[3,1,2],"payment_id":1}'

VECTORS = {
    "N1": (
        FINISHED,
        CANONICAL,
        (
            "f415be6368d45d595def40703f08dc95593bf49e0d0de1dbd148dc499e084ba1"
            "abc9b9573fc6820ad3d4c654bc513e1cd067a1a974b8babcde62267b8792f433"
        ),
    ),
    "N2": (
        '{"price_amount":10.0,"pay_amount":1.50,"payment_id":1}',
        '{"pay_amount":1.5,"payment_id":1,"price_amount":10}',
        (
            "545883cfc15bde9f72f7cb86545de712474a3f408d1bbb38a2017166c637e2f5"
            "06ba69d6f58b142e4cb028ba6e5c95e2dd4b36d3037aa34d9cf68ff612daf310"
        ),
    ),
    "N3": (
        '{"pay_amount":0.0000001,"b":0.000001,"payment_id":1}',
        '{"b":0.000001,"pay_amount":1e-7,"payment_id":1}',
        (
            "6dd3b0c03ef817c6fd6db07155eb5da46fdd169d530c12be1793f649cf0e8360"
            "7e736e8ca0ad21ac4489db3a9da73386b9147e3dc1d75747c5d5abf7091acca8"
        ),
    ),
    "N4": (
        N4,
        N4,
        (
            "117f90f823b6a22820c8a01eab4cf3153ac25ed8abf3c34eb140a0a4059410bc"
            "870552134ea324fb13857c2decd0dab39307888bd58f72e249b8a3d17d0d941b"
        ),
    ),
    "N5": (
        N5,
        N5,
        (
            "bcccff044d2d95cf086609433ee723711595a2273e803f5ccf74ee59a89f2b78"
            "291c47d51b57594bf190065e3ecace306498029864e6f2c0a344522bd9040879"
        ),
    ),
}
"""Body, what is signed of it, signature."""


def signed(body: str | bytes, secret: str = SECRET) -> str:
    """The signature of any other body."""
    document = load_object(body.encode() if isinstance(body, str) else body)
    return signature(canonical(document), secret)
