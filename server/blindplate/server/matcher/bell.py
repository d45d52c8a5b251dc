"""Rings when an answer was stored, so that owners who wait for one need not ask again and again."""

from __future__ import annotations

import threading


class Bell:
    """A counter that threads can wait on."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    @property
    def rings(self) -> int:
        """How often it has rung. Look at it before looking for answers, so that none is missed between."""
        return self._rings

    def ring(self) -> None:
        """Wake everyone who waits."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def wait_beyond(self, rings: int, seconds: float) -> None:
        """Wait until it has rung more than ``rings`` times, at most ``seconds``."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings > rings, seconds)
