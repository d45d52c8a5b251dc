"""What one caller may take of a server: so many calls at once, and so long for each message of a call to arrive.

Guarantees that a party which opens calls and says nothing keeps no more than its share of a server's threads, and
those for a bounded time. Does not bound how many parties do so together, nor how many connections one opens.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager

from blindplate.core.errors import OverloadedError


class Shares:
    """Bounds the calls each caller has under way."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one_of(self, caller: str) -> Generator[None]:
        """Count one call of ``caller`` for the length of the block. Raises OverloadedError beyond its share."""
        with self._lock:
            if self._under_way[caller] >= self._each:
                raise OverloadedError(
                    f"This caller has {self._each} calls under way.", "Call again when one of them has ended."
                )
            self._under_way[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[caller] -= 1
                if not self._under_way[caller]:
                    # Or every name ever seen would be kept.
                    del self._under_way[caller]


class Arrivals:
    """Ends what waits for longer than ``seconds``. A thread runs while something waits, and only then."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._watched = False
        # In the order of their deadlines, since all are given equally long.
        self._waiting: dict[object, tuple[float, Callable[[], object]]] = {}

    @contextmanager
    def expected(self, end: Callable[[], object]) -> Generator[None]:
        """Call ``end``, in another thread, unless the block ends in time. ``end`` must not raise."""
        waiting = object()
        with self._lock:
            self._waiting[waiting] = (time.monotonic() + self._seconds, end)
            if not self._watched:
                threading.Thread(target=self._watch, name="arrivals", daemon=True).start()
                self._watched = True
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(waiting, None)

    def _watch(self) -> None:
        while (left := self._until_first()) is not None:
            if left > 0:
                # Whatever is registered meanwhile is due later than this.
                time.sleep(left)
            for end in self._overdue():
                end()

    def _until_first(self) -> float | None:
        with self._lock:
            for deadline, _ in self._waiting.values():
                return deadline - time.monotonic()
            self._watched = False
            return None

    def _overdue(self) -> list[Callable[[], object]]:
        now = time.monotonic()
        with self._lock:
            overdue = [waiting for waiting, (deadline, _) in self._waiting.items() if deadline <= now]
            return [self._waiting.pop(waiting)[1] for waiting in overdue]
