"""A message is told from another by what it says, and is the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from uuid import UUID

import pytest

from runtime import message
from runtime.testing.content import content_of

ROOT = Path(__file__).parents[3]


class Colour(Enum):
    RED = 1
    BLUE = 2


class Word(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    amount: Decimal
    names: frozenset[str] = frozenset()


@message
class Told:
    value: object
    other: int = 0


@message
class Tick:
    pass


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
VALUES = (
    *(None, False, 1, 1.5, "a", b"a", (1, 2), [1, 2], {1: "a"}, frozenset({1})),
    *(NOON, timedelta(1), Decimal("1.50"), Decimal("1.5"), UUID(int=1), Colour.RED, Word.RED),
    *(
        Inner(Decimal(1)),
        Inner(Decimal(1), frozenset({"a", "b"})),
        (Colour.BLUE,),
        {"a": Colour.RED},
    ),
)


def test_messages_that_say_different_things_differ() -> None:
    contents = [content_of(Told(value=value)) for value in VALUES]

    assert len(set(contents)) == len(VALUES)
    assert contents == [content_of(Told(value=value)) for value in VALUES]
    assert content_of(Told(value=1, other=2)) != content_of(Told(value=2, other=1))


def test_what_has_no_value_counts_by_its_type() -> None:
    class Connection:
        pass

    assert content_of(Told(value=Connection())) == content_of(Told(value=Connection()))
    one, other = ValueError(object()), ValueError(object())
    assert content_of(Told(value=one)) == content_of(Told(value=other))
    assert content_of(Told(value=lambda: 1)) == content_of(Told(value=lambda: 2))
    assert content_of(Tick()) == b""
    assert content_of("pykka may tell anything") == content_of("pykka may tell anything")


def test_what_holds_itself_has_an_end() -> None:
    @dataclass
    class Ring:
        held: list[object] = field(default_factory=list)

    ring = Ring()
    ring.held.append(ring)
    assert content_of(Told(value=ring)) == b"Told"


def digests() -> None:
    """For another process."""
    names = frozenset(f"name {number}" for number in range(50))
    told = [*VALUES, names, dict.fromkeys(names, Colour.RED), Inner(Decimal(1), names)]
    sys.stdout.write("".join(content_of(Told(value=value)).hex() for value in told))


@pytest.mark.process
def test_it_is_the_same_whatever_strings_hash_to() -> None:
    code = "from tests.runtime.testing.test_content import digests; digests()"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert told.pop()
