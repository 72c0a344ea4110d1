"""A worker: its handler goes on in the worker's own task, as if it had been called there."""

from __future__ import annotations

from collections.abc import Iterator
from types import coroutine
from typing import Any

import pytest

from runtime.worker import forward


@coroutine
def _says(word: str) -> Iterator[Any]:
    return (yield word)


async def _talk(ended: list[str]) -> list[Any]:
    try:
        return [await _says("one"), await _says("two")]
    finally:
        ended.append("closed")


def test_what_a_coroutine_yields_and_gets_passes_through_from_its_second_step_on() -> None:
    ended: list[str] = []
    talk: Any = _talk(ended)
    rest: Any = forward(talk, talk.send(None))
    assert rest.send(None) == "one"
    assert rest.send(1) == "two"
    with pytest.raises(StopIteration) as end:
        rest.send(2)
    assert end.value.value == [1, 2]


def test_whoever_gives_up_closes_it() -> None:
    ended: list[str] = []
    talk: Any = _talk(ended)
    rest: Any = forward(talk, talk.send(None))
    rest.send(None)
    rest.close()
    assert ended == ["closed"]
