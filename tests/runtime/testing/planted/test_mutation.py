"""What is made wrong is right again afterwards, whatever happens meanwhile."""

from __future__ import annotations

import pytest

from runtime.testing.planted import mutation
from runtime.testing.planted.mutation import mutated


class Clock:
    def tick(self) -> str:
        return "tick"

    @staticmethod
    def tock() -> str:
        return "tock"


class Cuckoo(Clock):
    pass


def test_it_is_wrong_inside_and_right_outside() -> None:
    with mutated(Clock, "tick", lambda _: "tack"):
        assert Clock().tick() == "tack"
    assert Clock().tick() == "tick"


def test_it_is_right_again_after_an_error() -> None:
    with pytest.raises(KeyError), mutated(Clock, "tick", lambda _: "tack"):
        raise KeyError
    assert Clock().tick() == "tick"


def test_a_static_method_stays_one() -> None:
    with mutated(Clock, "tock", staticmethod(lambda: "tack")):
        assert Clock().tock() == "tack"
    assert Clock().tock() == "tock"


def test_the_sound_twin_is_left_alone() -> None:
    with mutated(Clock, "tick", lambda _: "tack", when=False):
        assert Clock().tick() == "tick"


def test_a_function_of_a_module_can_be_wrong() -> None:
    with mutated(mutation, "mutated", None):
        assert vars(mutation)["mutated"] is None
    assert mutation.mutated is mutated


@pytest.mark.parametrize(("owner", "name"), [(Clock, "tack"), (Cuckoo, "tick")])
def test_what_is_not_there_cannot_be_wrong(owner: type, name: str) -> None:
    with pytest.raises(AttributeError, match=name), mutated(owner, name, None):
        pass
