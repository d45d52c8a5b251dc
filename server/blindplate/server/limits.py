"""Rate limits: the generic cell rate algorithm (GCRA; ITU-T I.371), one state a key.

Guarantees that no key is served more than ``burst`` at once and ``rate`` a second over time. State is in memory:
a restart forgives one burst, so quotas that matter for the law live in a database instead.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from blindplate.core.errors import QuotaError
from blindplate.edge.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` units over time, ``burst`` units at once."""

    per_second: float
    burst: int


class RateLimiter:
    """Limits units a key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._arrival: dict[str, float] = {}

    def take(self, key: str, units: int, rate: Rate) -> None:
        """Take ``units`` for ``key``. Raises QuotaError, taking none, when they exceed what is left."""
        interval = 1.0 / rate.per_second
        with self._lock:
            now = self._clock.now()
            due = max(self._arrival.get(key, now), now) + units * interval
            if due - now > rate.burst * interval:
                wait = due - now - rate.burst * interval
                raise QuotaError(
                    f"The rate limit leaves no room for {units} more.",
                    f"Wait {wait:.0f} s, or send fewer at once.",
                )
            self._arrival[key] = due
