"""The public keys a camera seals to: a release key of each custodian, a window key of the matcher.

Guarantees that sealing uses only keys whose announcements verified under the pinned keys and that are in force at
the time. They are fetched ahead and kept in memory, so that sealing goes on while a party is away for no longer than
its keys were announced for. Protocol section 4.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Protocol

from blindplate.core.errors import BlindplateError, UnavailableError
from blindplate.core.hpke import SealingKey
from blindplate.core.statements.announced_keys import ReleaseKey, WindowKey, current

# How often announcements are asked for anew: a coming key is then known long before the present one ends.
_REFRESH_SECONDS: Final = 60.0
_LEAD_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = (1.0, 15.0)


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """What one record is sealed to."""

    custodian_a: SealingKey
    custodian_b: SealingKey
    window: SealingKey


class AnnouncesReleaseKeys(Protocol):
    """Both custodians, as ``CustodianPair`` asks them."""

    def announced_release_keys(self) -> tuple[tuple[ReleaseKey, ...], tuple[ReleaseKey, ...]]:
        """Verified announcements of A and B."""
        ...


class AnnouncesWindowKeys(Protocol):
    """The matcher, as ``Matcher`` asks it."""

    def window_keys(self) -> tuple[WindowKey, ...]:
        """Verified announcements."""
        ...


class KeyRing:
    """Announced keys. ``refresh`` is for one thread; ``at`` may be called from any."""

    def __init__(self, custodians: AnnouncesReleaseKeys, matcher: AnnouncesWindowKeys) -> None:
        self._custodians = custodians
        self._matcher = matcher
        self._lock = threading.Lock()
        self._release: tuple[tuple[ReleaseKey, ...], tuple[ReleaseKey, ...]] = ((), ())
        self._window: tuple[WindowKey, ...] = ()
        self._fetched_at = float("-inf")
        self._next_attempt = float("-inf")
        self._wait = _RETRY_SECONDS[0]

    def at(self, moment: float) -> SealingKeys:
        """The keys in force at ``moment`` (seconds since 1970, UTC).

        Raises UnavailableError before any were fetched, ExpiredError when none of those known is in force.
        """
        with self._lock:
            (release_a, release_b), window = self._release, self._window
        if not (release_a and release_b and window):
            raise UnavailableError("No keys to seal to were fetched yet.")
        return SealingKeys(
            SealingKey.from_public(current(release_a, moment).public),
            SealingKey.from_public(current(release_b, moment).public),
            SealingKey.from_public(current(window, moment).public),
        )

    def refresh(self, moment: float) -> list[BlindplateError]:
        """Fetch announcements if it is time to; what went wrong. What was known is kept where a party is away."""
        if moment < self._next_attempt:
            return []
        if moment < self._fetched_at + _REFRESH_SECONDS and self._covers(moment + _LEAD_SECONDS):
            return []
        failures: list[BlindplateError] = []
        try:
            release = self._custodians.announced_release_keys()
            with self._lock:
                self._release = release
        except BlindplateError as error:
            failures.append(error)
        try:
            window = self._matcher.window_keys()
            with self._lock:
                self._window = window
        except BlindplateError as error:
            failures.append(error)
        if failures:
            self._wait = min(2 * self._wait, _RETRY_SECONDS[1])
        else:
            self._fetched_at, self._wait = moment, _RETRY_SECONDS[0]
        self._next_attempt = moment + self._wait
        return failures

    def _covers(self, moment: float) -> bool:
        try:
            self.at(moment)
        except BlindplateError:
            return False
        return True
