"""Handing media over: what the matcher wants of this camera's records, and nothing else, goes to it.

Guarantees that a medium leaves this camera only under a reference that the matcher named, sealed, and that one whose
delivery failed is tried again until its end. Asks nothing where nothing could be wanted. The matcher hears of no record
whose reference it does not know already. Protocol section 4.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from random import SystemRandom
from typing import Final, Protocol

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.media.index import Offer
from blindplate.client.camera.media.store import MediaStore
from blindplate.core.errors import BlindplateError, MessageError, StorageError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log

_RETRY_SECONDS: Final = (1.0, 60.0)
# A matcher that was set up anew counts from the beginning.
_ANEW_SECONDS: Final = 600.0
_RANDOM: Final = SystemRandom()


class TakesMedia(Protocol):
    """The matcher, as ``HandingOver`` asks it."""

    def wanted(self, after: int) -> tuple[Sequence[bytes], int]:
        """The references wanted after a number, and the number to ask after next time."""
        ...

    def deliver(self, token: bytes, pieces: Iterator[bytes]) -> bool:
        """Hand over one record's media; False when they are wanted no more."""
        ...


class HandingOver:
    """For one thread."""

    def __init__(
        self, store: MediaStore, matcher: TakesMedia, poll_seconds: float, clock: Clock, counts: Counts
    ) -> None:
        self._store = store
        self._matcher = matcher
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._counts = counts
        self._after = 0
        self._anew = float("-inf")
        self._wanted: dict[bytes, Offer] = {}

    def run(self, stop: threading.Event) -> None:
        """Ask and hand over until ``stop`` is set, backing off while the matcher is away."""
        wait, away = _RETRY_SECONDS[0], False
        while not stop.is_set():
            try:
                self.step()
            except BlindplateError as error:
                if not away:
                    log().warning("media-hand-over-failed", error=error)
                away = True
                stop.wait(wait * _RANDOM.uniform(0.5, 1.0))
                wait = min(2 * wait, _RETRY_SECONDS[1])
            else:
                wait, away = _RETRY_SECONDS[0], False
                stop.wait(self._poll_seconds)

    def step(self) -> int:
        """Ask once and hand over what is wanted; how many records' media went. Raises what matcher or disk says."""
        now = self._clock.now()
        self._store.sweep(now)
        if not self._wanted and not self._store.has_offers():
            return 0
        if not self._anew <= now < self._anew + _ANEW_SECONDS:
            self._after, self._anew = 0, now
        references, self._after = self._matcher.wanted(self._after)
        self._wanted |= {offer.reference: offer for offer in self._store.find(references)}
        return sum(self._hand_over(offer) for offer in list(self._wanted.values()))

    def _hand_over(self, offer: Offer) -> bool:
        try:
            pieces = self._store.bundle(offer)
        except StorageError as error:
            log().warning("media-gone", error=error)
            self._done(offer)
            return False
        try:
            stored = self._matcher.deliver(offer.token, pieces)
        except MessageError as error:
            # As they are it will never take them.
            log().error("media-refused", error=error)
            self._done(offer)
            self._counts.add(Counted.MEDIA_REFUSED)
            return False
        self._done(offer)
        if stored:
            self._counts.add(Counted.MEDIA_DELIVERED)
            log().info("media-handed-over")
        return stored

    def _done(self, offer: Offer) -> None:
        self._store.delivered(offer.reference)
        self._wanted.pop(offer.reference, None)
