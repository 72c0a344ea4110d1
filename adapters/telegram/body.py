"""The body of a request: form fields, or fields and files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO
from urllib.parse import urlencode

Upload = tuple[str, bytes | IO[bytes], str]
"""A file's name, what is in it, and its kind."""

FORM = "application/x-www-form-urlencoded"


def form(fields: Mapping[str, str]) -> bytes:
    """Fields alone. Raises `UnicodeError` for text that cannot be sent."""
    return urlencode(fields).encode()


def multipart(fields: Mapping[str, str], files: Mapping[str, Upload]) -> tuple[str, bytes]:
    """Fields and files (RFC 7578): the kind of body that it is, and the body.

    A file that is open is read to its end. Raises `UnicodeError` as `form` does.
    """
    boundary = os.urandom(16).hex()
    parts = [_part(boundary, _named(name), text.encode()) for name, text in fields.items()]
    for name, (filename, given, kind) in files.items():
        head = f'{_named(name)}; filename="{_quoted(filename)}"\r\nContent-Type: {kind}'
        parts.append(_part(boundary, head, given if isinstance(given, bytes) else given.read()))
    body = b"".join((*parts, f"--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body


def _part(boundary: str, head: str, content: bytes) -> bytes:
    lines = f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n"
    return lines.encode() + content + b"\r\n"


def _named(name: str) -> str:
    return f'name="{_quoted(name)}"'


def _quoted(text: str) -> str:
    """As browsers do it (WHATWG HTML, multipart/form-data)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
