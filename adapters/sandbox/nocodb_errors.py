"""How NocoDB says no: two shapes of body, and codes that gained a prefix."""

from __future__ import annotations

from typing import Literal

Flavour = Literal["0.262", "0.301"]


class Refused(Exception):  # noqa: N818 - a verdict
    """The request is refused. Without a code the body is `{"msg": ...}` in every version."""

    def __init__(self, status: int, message: str, *, code: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.detail = status, message, code, detail

    def as_json(self, flavour: Flavour) -> dict[str, str]:
        """The body, in the words of that version."""
        if not self.code:
            return {"msg": self.message}
        prefix = "ERR_" if flavour == "0.301" else ""
        body = {"error": prefix + self.code, "message": self.message}
        return body | ({"code": self.detail} if self.detail else {})


def unauthorized(flavour: Flavour) -> Refused:
    """A missing or wrong token."""
    if flavour == "0.262":
        return Refused(401, "Invalid token")
    return Refused(401, "Authentication required - Invalid token", code="AUTHENTICATION_REQUIRED")


def not_found(what: Literal["TABLE", "FIELD", "RECORD"], name: object) -> Refused:
    """404 for a table, a field in `fields` or `sort`, or a record."""
    return Refused(404, f"{what.capitalize()} '{name}' not found", code=f"{what}_NOT_FOUND")


def database_failed(sqlstate: str) -> Refused:
    """PostgreSQL refused the statement NocoDB made of the request; `code` is its SQLSTATE."""
    return Refused(400, "The database operation failed", code="DATABASE_OP_FAILED", detail=sqlstate)
