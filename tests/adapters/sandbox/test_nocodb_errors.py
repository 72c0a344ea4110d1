"""Two versions, two ways to say no."""

from __future__ import annotations

from adapters.sandbox.nocodb_errors import Refused, database_failed, not_found, unauthorized


def test_a_bad_token_is_told_in_each_versions_shape() -> None:
    assert unauthorized("0.262").as_json("0.262") == {"msg": "Invalid token"}
    assert unauthorized("0.301").as_json("0.301") == {
        "error": "ERR_AUTHENTICATION_REQUIRED",
        "message": "Authentication required - Invalid token",
    }


def test_codes_gained_a_prefix() -> None:
    missing = not_found("RECORD", 99999)

    assert missing.as_json("0.262")["error"] == "RECORD_NOT_FOUND"
    assert missing.as_json("0.301") == {
        "error": "ERR_RECORD_NOT_FOUND",
        "message": "Record '99999' not found",
    }
    assert database_failed("22P02").as_json("0.301")["code"] == "22P02"


def test_without_a_code_every_version_says_msg() -> None:
    assert Refused(422, "zzz is not supported.").as_json("0.301") == {
        "msg": "zzz is not supported."
    }
