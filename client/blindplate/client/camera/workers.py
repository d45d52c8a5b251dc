"""The threads of a camera, which start and end together.

Guarantees that a thread that fails in a way nobody foresaw ends the process instead of leaving it half alive, and
that its exception's text, which may hold anything, is not logged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from blindplate.core.errors import BlindplateError
from blindplate.edge.logs import log

_POLL_SECONDS: Final = 0.1
_GRACE_SECONDS: Final = 5.0
_CALL_SECONDS: Final = 1.0


class Workers:
    """Threads that end together. The source ends first, so that what it gave can still be sealed."""

    def __init__(self, stop: threading.Event) -> None:
        """``stop`` is set when a worker fails."""
        self._stop = stop
        self._ending = threading.Event()
        self._disconnected = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failed: list[str] = []

    def start(
        self, name: str, work: Callable[[threading.Event], None], ending: threading.Event | None = None
    ) -> threading.Thread:
        """Run ``work`` in a thread of its own until ``ending``, unless given the common one, is set."""
        thread = threading.Thread(target=self._guarded, args=(name, work, ending or self._ending), name=name)
        self._threads.append(thread)
        thread.start()
        return thread

    def end(self, first: threading.Thread, until: Callable[[], bool], disconnect: Callable[[], None]) -> None:
        """End ``first``, give the others a while until ``until`` holds, then end them; ``disconnect`` ends their calls."""
        self._stop.set()
        first.join(_GRACE_SECONDS)
        waiting = threading.Event()
        for _ in range(int(_GRACE_SECONDS / _POLL_SECONDS)):
            if until() or self._failed:
                break
            waiting.wait(_POLL_SECONDS)
        self._ending.set()
        for thread in self._threads:
            thread.join(_CALL_SECONDS)
        self._disconnected.set()
        disconnect()
        for thread in self._threads:
            thread.join()

    def require_sound(self) -> None:
        """Raise RuntimeError when a worker failed."""
        if self._failed:
            raise RuntimeError(f"Workers failed: {', '.join(self._failed)}.")

    def _guarded(self, name: str, work: Callable[[threading.Event], None], ending: threading.Event) -> None:
        try:
            work(ending)
        except BlindplateError as error:
            log().error("worker-failed", worker=name, error=error)
        except Exception as error:  # noqa: BLE001  the edge of a thread: its text may hold anything and is not logged
            if self._disconnected.is_set() and isinstance(error, ValueError):
                # A call that came just after its channel was closed: grpc says so in this way.
                return
            log().error("worker-failed", worker=name, error=error)
        else:
            return
        self._failed.append(name)
        self._stop.set()
