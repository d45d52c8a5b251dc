"""How many records may be held: what keeps a flood, or an owner who never acknowledges, from filling the disk."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from blindplate.core.errors import OverloadedError
from blindplate.server.matcher.metrics import HELD


class Backlog:
    """Counts the records held, as last looked up, and those being taken in since."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held = 0
        self._coming = 0
        self._taken = 0

    def set_held(self, held: int) -> None:
        """Set the number of records that the database holds."""
        with self._lock:
            self._held = held
            self._taken = 0
        HELD.set(held)

    @contextmanager
    def room_for(self, records: int) -> Generator[None]:
        """Take ``records`` in inside the block. Raises OverloadedError when they would exceed the limit."""
        with self._lock:
            if self._held + self._taken + self._coming + records > self._limit:
                raise OverloadedError(
                    "The matcher holds as many records as it may.", "Keep them spooled and send them later."
                )
            self._coming += records
        try:
            yield
        finally:
            with self._lock:
                self._coming -= records
                self._taken += records
