"""What a test can make go wrong with the next requests of a sandbox server."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.sandbox.server import Response

STATUSES = range(300, 600)


@dataclass(frozen=True, slots=True)
class Fail:
    """The request is refused with this answer and changes nothing."""

    answer: Response


@dataclass(frozen=True, slots=True)
class Hang:
    """The request is looked at only after `seconds`, whether or not the client still waits."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """The request is carried out, then the connection dies without an answer."""


Fault = Fail | Hang | Drop


@dataclass(slots=True, kw_only=True)
class _Planned:
    fault: Fault
    times: int
    kind: str | None


class Faults:
    """Planned faults, in the order in which they were planned.

    Each request takes at most one: the first that is meant for its kind and has turns left.
    """

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def plan(self, fault: Fault, *, times: int, kind: str | None) -> None:
        """Apply `fault` to the next `times` requests of `kind` (None: of any kind).

        Raises ValueError for what no server could do.
        """
        if times < 1:
            raise ValueError(f"a fault needs at least one turn, not {times}")
        if isinstance(fault, Fail) and fault.answer.status not in STATUSES:
            raise ValueError(f"{fault.answer.status} is no status of a failure")
        self._planned.append(_Planned(fault=fault, times=times, kind=kind and kind.lower()))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._planned.clear()

    def take(self, kind: str) -> Fault | None:
        """The fault of this request (its kind in lower case), if any."""
        for planned in self._planned:
            if planned.kind in (None, kind):
                planned.times -= 1
                if not planned.times:
                    self._planned.remove(planned)
                return planned.fault
        return None
