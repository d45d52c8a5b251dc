"""How many calls that hold a thread for long one party may have under way, and all parties together."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from blindplate.core.errors import OverloadedError


class Turns:
    """At most ``at_once`` calls, ``each`` of them one party's: so that none takes every place."""

    def __init__(self, at_once: int, each: int) -> None:
        self._at_once = at_once
        self._each = each
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one_of(self, party: str) -> Generator[None]:
        """Take a turn for the length of the block. Raises OverloadedError when there is none for ``party``."""
        with self._lock:
            if self._taken[party] >= self._each or self._taken.total() >= self._at_once:
                raise OverloadedError(
                    "Another call of this kind is under way.", "Call again when it has ended, or in a second."
                )
            self._taken[party] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[party] -= 1
                # Neither zeroes nor parties that are gone are kept.
                self._taken += Counter()
