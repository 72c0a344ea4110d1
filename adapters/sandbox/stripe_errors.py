"""How Stripe says no: `{"error": {"type", "code", "param", "message", ...}}`."""

from __future__ import annotations

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class Refused(Exception):  # noqa: N818 - a verdict
    """The request is refused, and nothing has been done."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str = "",
        param: str = "",
        error_type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.error_type = error_type

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        error = {"type": self.error_type, "message": self.message}
        if self.code:
            error |= {"code": self.code, "doc_url": DOCS + self.code.replace("_", "-")}
        if self.param:
            error["param"] = self.param
        return {"error": error}


def missing(param: str) -> Refused:
    """A required parameter is not there."""
    return Refused(400, f"Missing required param: {param}.", "parameter_missing", param)


def invalid(param: str, message: str, code: str = "") -> Refused:
    """A parameter that cannot be."""
    return Refused(400, message, code, param)


def no_such(what: str, object_id: str) -> Refused:
    """404 for an object."""
    param = "session" if what == "checkout.session" else "id"
    return Refused(404, f"No such {what}: '{object_id}'", "resource_missing", param)


def unauthorized(given: str) -> Refused:
    """401; a key is shown by its ends only."""
    if not given:
        return Refused(401, "You did not provide an API key.")
    return Refused(401, f"Invalid API Key provided: {given[:8]}****{given[-4:]}")


def key_in_use(key: str) -> Refused:
    """The same key is being worked on at this moment."""
    text = "There is currently another in-progress request using this Stripe Idempotent Key"
    return Refused(409, f"{text}: {key}.", "idempotency_key_in_use", error_type="idempotency_error")


def key_reused(key: str) -> Refused:
    """The same key, and other parameters."""
    text = (
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute a different "
        "request."
    )
    return Refused(400, text, error_type="idempotency_error")
