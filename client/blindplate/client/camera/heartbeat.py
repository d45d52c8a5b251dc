"""The camera's sign of life at the matcher, once a minute: how many events came and how many passes were read of them.

Guarantees that what the matcher did not hear of is told with the next one, and that nothing but these two numbers and the
time they were counted in is told. Best effort: nothing waits for it, and a matcher that is away is logged once.
docs/spec/camera.md section 10.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Protocol

from blindplate.client.camera.counts import Counted, Counts
from blindplate.core.errors import BlindplateError, SecurityError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log

BEAT_SECONDS: Final = 60.0


class HearsBeats(Protocol):
    """The matcher, as ``Matcher`` tells it."""

    def beat(self, seconds: float, events: int, passes: int) -> None:
        """Tell it that so much was counted in the last ``seconds``."""
        ...


@dataclass(frozen=True, slots=True)
class _Told:
    at: float
    events: int
    passes: int


class Heartbeat:
    """For one thread."""

    def __init__(self, matcher: HearsBeats, counts: Counts, clock: Clock) -> None:
        self._matcher = matcher
        self._counts = counts
        self._clock = clock
        self._told: _Told | None = None
        self._failing = ""

    def run(self, stop: threading.Event) -> None:
        """Beat at once, then once a minute until ``stop`` is set."""
        while not stop.is_set():
            self.beat()
            stop.wait(BEAT_SECONDS)

    def beat(self) -> bool:
        """Tell the matcher what was counted since it last heard; False when that failed, which is logged."""
        numbers, now = self._counts.snapshot(), self._clock.now()
        # Alternates are further readings of a pass that is counted already.
        events, passes = numbers[Counted.EVENTS], numbers[Counted.READS] - numbers[Counted.ALTERNATES]
        before = self._told or _Told(now, 0, 0)
        try:
            # A clock that was set back counts no time.
            seconds = max(0.0, now - before.at)
            self._matcher.beat(seconds, events - before.events, max(0, passes - before.passes))
        except BlindplateError as error:
            if isinstance(error, SecurityError) or error.code != self._failing:
                log().warning("heartbeat-not-heard", error=error)
            self._failing = error.code
            # The time from the first one on counts, whenever it is heard.
            self._told = self._told or before
            return False
        self._told, self._failing = _Told(now, events, passes), ""
        return True
