"""The parameters of a Bot API call, however they were sent, and the one way to refuse a call."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, NewType
from urllib.parse import parse_qsl

from adapters.sandbox.server import Request

Parameters = NewType("Parameters", dict[str, str])
"""Names and texts; what was JSON in a JSON body is JSON text here, as in Telegram's server."""


class Refusal(Exception):  # noqa: N818 - a verdict
    """The call is refused: `{"ok": false, "error_code": code, "description": ...}`."""

    def __init__(
        self,
        code: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
    ) -> None:
        super().__init__(description)
        self.code, self.description, self.retry_after = code, description, retry_after
        self.migrate_to_chat_id = migrate_to_chat_id

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": self.code,
            "description": self.description,
        }
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        if self.migrate_to_chat_id is not None:
            body["parameters"] = {"migrate_to_chat_id": self.migrate_to_chat_id}
        return body


def bad(description: str) -> Refusal:
    """A 400, with Telegram's prefix."""
    return Refusal(400, f"Bad Request: {description}")


def too_many(retry_after_seconds: int) -> Refusal:
    """A 429, with the time to wait."""
    text = f"Too Many Requests: retry after {retry_after_seconds}"
    return Refusal(429, text, retry_after=retry_after_seconds)


def read(request: Request) -> Parameters:
    """Query string and body together; the body wins. Raises Refusal.

    The body is urlencoded, JSON or multipart, by its content type; any other is ignored.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = _from_form(request.query)
    if kind == "application/json":
        found |= _from_json(request.body)
    elif kind == "application/x-www-form-urlencoded":
        found |= _from_form(request.body.decode("utf-8", "surrogateescape"))
    elif kind == "multipart/form-data":
        found |= _from_multipart(request.headers["content-type"], request.body)
    for text in found.values():
        if not _is_unicode(text):
            raise bad("strings must be encoded in UTF-8")
    return Parameters(found)


def integer(parameters: Parameters, name: str, default: int, low: int, high: int) -> int:
    """An integer pressed into low..high; what is not one counts as absent."""
    try:
        value = int(parameters.get(name, ""))
    except ValueError:
        value = default
    return min(max(value, low), high)


def flag(parameters: Parameters, name: str) -> bool:
    """`true`, `yes` and `1` are true, in any case (td, `to_bool`)."""
    return parameters.get(name, "").strip().lower() in {"true", "yes", "1"}


def parsed(parameters: Parameters, name: str, refusal: str) -> object:
    """The JSON value of a parameter; None when it is absent or empty, else a 400 `refusal`."""
    text = parameters.get(name, "")
    if not text:
        return None
    try:
        return decode(text)
    except ValueError as error:
        raise bad(refusal) from error


def decode(text: str | bytes) -> object:
    """Strict JSON: no NaN, no half surrogate pairs, no bottomless nesting; else ValueError."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _from_form(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))


def _from_json(body: bytes) -> dict[str, str]:
    try:
        value = decode(body) if body else {}
    except ValueError as error:
        raise bad("can't parse JSON object") from error
    if not isinstance(value, dict):
        raise bad("object expected as JSON body")
    return {
        name: item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        for name, item in value.items()
        if item is not None
    }


def _from_multipart(content_type: str, body: bytes) -> dict[str, str]:
    """Its text fields; of an uploaded file only the name, which is all this world keeps."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    if not form.is_multipart():
        raise bad("can't parse multipart/form-data")
    found: dict[str, str] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            content = part.get_payload(decode=True)
            kept = content if isinstance(content, bytes) else b""
            found[name] = part.get_filename() or kept.decode("utf-8", "surrogateescape")
    return found


def _is_unicode(text: str) -> bool:
    """False for bytes that were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
