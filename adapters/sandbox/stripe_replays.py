"""Idempotency keys: the first answer under a key is the answer, whoever asks again.

A request that was refused for its parameters, or because its key was in use, leaves nothing
behind, so that the same key can come back corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from adapters.sandbox.server import Request, Response
from adapters.sandbox.stripe_errors import Refused, key_in_use, key_reused

HEADER = "idempotency-key"
KEY_LENGTH_MAX = 255


class Replays:
    """The keys of one account. They are pruned by Stripe after a day or more, and never here."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[tuple[str, bytes], Response]] = {}
        self._in_use: set[str] = set()

    def answer(self, request: Request) -> Response | None:
        """What was answered before; raises Refused when the key came with something else."""
        key = _key(request)
        known = self._answers.get(key)
        if known is None:
            return None
        if known[0] != _fingerprint(request):
            raise key_reused(key)
        response = known[1]
        return replace(response, headers={**response.headers, "idempotent-replayed": "true"})

    @contextmanager
    def working(self, request: Request) -> Iterator[None]:
        """While this request is worked on, its key cannot be used again."""
        key = _key(request)
        if key and key in self._in_use:
            raise key_in_use(key)
        self._in_use.add(key)
        try:
            yield
        finally:
            self._in_use.discard(key)

    def keep(self, request: Request, response: Response) -> None:
        """Remember an answer, if the request has a key."""
        if key := _key(request):
            self._answers[key] = _fingerprint(request), response


def _key(request: Request) -> str:
    """Only POST is idempotent by key; GET is by itself."""
    key = request.headers.get(HEADER, "") if request.method == "POST" else ""
    if len(key) > KEY_LENGTH_MAX:
        raise Refused(400, f"Idempotency keys have up to {KEY_LENGTH_MAX} characters")
    return key


def _fingerprint(request: Request) -> tuple[str, bytes]:
    return request.path, request.body
