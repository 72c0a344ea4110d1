"""What happened in a run, one line at a time: the last lines to read, all of them as a digest."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

EVENTS_KEPT = 40
MARK_BYTES = 3


class Trace:
    """The lines of one run. Equal digests: the same steps in the same order at the same times.

    What is sent over the network counts by its length. With `marks` lines that stand for more than
    they say end with a mark, which differs where that does.
    """

    def __init__(
        self, clock: Callable[[], float], *, keep: int | None = EVENTS_KEPT, marks: bool = False
    ) -> None:
        self.steps = 0
        """Lines written so far."""
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=8)
        self._kept: deque[tuple[float, str]] = deque(maxlen=keep)
        self._folds = keep is not None
        self._marks = marks
        self._newest = ""
        self._again = 0
        self._now, self._stamp = 0.0, "0.0"

    def write(self, line: str, content: bytes = b"") -> None:
        """Add a line; it must not depend on addresses, hashes or the machine's speed, and neither
        must the `content` that it stands for, which only the digest sees.
        """
        now = self._clock()
        self.steps += 1
        if now != self._now:
            self._now, self._stamp = now, repr(now)
        self._hash.update(f"{self._stamp} {line}\n".encode())
        if content:
            self._hash.update(content)
            if self._marks:
                line = f"{line} #{hashlib.blake2b(content, digest_size=MARK_BYTES).hexdigest()}"
        if line == self._newest and self._folds:
            # Somebody polls, and must not drive out what there is to read.
            if self._again and self._kept:
                self._kept.pop()
            self._again += 1
            self._kept.append((now, f"... {self._again} times more"))
        else:
            self._newest, self._again = line, 0
            self._kept.append((now, line))

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits."""
        return self._hash.hexdigest()

    @property
    def last(self) -> list[str]:
        """The newest lines, oldest first, with the virtual second of each.

        Where only some are kept, those that repeat the one before them are one line.
        """
        return [f"{now:12.6f}  {line}" for now, line in self._kept]
