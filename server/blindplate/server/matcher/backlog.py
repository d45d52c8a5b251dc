"""How many records of one list may be held: what keeps a flood, or an owner who never acknowledges, from the disk.

Every list has a share of its own: the owner of one that is absent or hostile stops the intake of no other.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from blindplate.core.errors import OverloadedError
from blindplate.server.matcher.metrics import HELD


class Backlog:
    """Counts each list's records held, as last looked up, and those being taken in since; at most ``limit`` a list."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._coming: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()

    def set_held(self, held: Mapping[str, int]) -> None:
        """Set the number of records that the database holds of each list."""
        with self._lock:
            self._held = Counter(held)
            self._taken.clear()
        HELD.set(sum(held.values()))

    @contextmanager
    def taking(self) -> Generator[Callable[[str], None]]:
        """Take records in inside the block, each announced by its list.

        What it gives raises OverloadedError when one more would exceed the list's share.
        """
        mine: Counter[str] = Counter()

        def one_of(list_id: str) -> None:
            with self._lock:
                if self._held[list_id] + self._taken[list_id] + self._coming[list_id] >= self._limit:
                    raise OverloadedError(
                        "The matcher holds as many records of that list as it may.",
                        "Keep them spooled and send them later.",
                    )
                self._coming[list_id] += 1
                mine[list_id] += 1

        try:
            yield one_of
        finally:
            with self._lock:
                self._coming -= mine
                self._taken += mine
