"""Stripe's refusals in its own shape."""

from __future__ import annotations

from adapters.sandbox.stripe_errors import key_in_use, key_reused, missing, no_such, unauthorized


def test_a_missing_parameter_is_named() -> None:
    refused = missing("mode")
    assert refused.status == 400
    assert refused.as_json() == {
        "error": {
            "type": "invalid_request_error",
            "code": "parameter_missing",
            "param": "mode",
            "message": "Missing required param: mode.",
            "doc_url": "https://stripe.com/docs/error-codes/parameter-missing",
        }
    }


def test_an_unknown_object_is_404() -> None:
    refused = no_such("checkout.session", "cs_1")
    assert (refused.status, refused.code, refused.param) == (404, "resource_missing", "session")


def test_a_wrong_key_is_shown_by_its_ends_only() -> None:
    refused = unauthorized("sk_test_0123456789abcdef")
    assert refused.status == 401
    assert "sk_test_****cdef" in refused.message
    assert "0123" not in refused.message
    assert "code" not in unauthorized("").as_json()["error"]


def test_trouble_with_idempotency_keys_has_a_type_of_its_own() -> None:
    assert (key_in_use("k").status, key_reused("k").status) == (409, 400)
    assert {key_in_use("k").error_type, key_reused("k").error_type} == {"idempotency_error"}
