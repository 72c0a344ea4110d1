"""What is said of settings: who misses what, and which name was a slip of the pen."""

from __future__ import annotations

from config.complaints import Lacking, slips_in

KNOWN = {"STRIPE_WEBHOOK_SECRET", "PUBLIC_URL", "HTTP_BIND"}


def test_what_is_lacking_is_blank_and_says_who_misses_it() -> None:
    assert Lacking("NOWPAYMENTS_API_KEY") == ""
    assert Lacking("NOWPAYMENTS_API_KEY").by == "NOWPAYMENTS_API_KEY"


def test_a_slip_of_the_pen_is_told_with_the_name_that_was_meant() -> None:
    text = "STRIPE_WEBHOK_SECRET=x\n export PUBLIC_URI = y\nHTTP_BIND=z\n#HTTP_BNID=1\n"
    assert slips_in(text, KNOWN) == {
        "PUBLIC_URI": "PUBLIC_URL",
        "STRIPE_WEBHOK_SECRET": "STRIPE_WEBHOOK_SECRET",
    }


def test_names_of_others_are_none_of_ours() -> None:
    assert slips_in("COMPOSE_PROJECT_NAME=x\nPATH=/bin\n", KNOWN) == {}
