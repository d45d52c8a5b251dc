"""Handing sealed records in: what is due goes to the matcher, and leaves the spool when the matcher has it.

Guarantees that a record is erased only after a receipt: accepted, or refused for good (sealed as it is, it can be of
no use to anyone; it is counted and its code logged). A lost answer means the record is sent again, which the matcher
takes as the same. While the matcher is away nothing is lost and nobody is hurried. Protocol section 4 (G8).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from random import SystemRandom
from typing import Final, Protocol

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.matcher import MAX_WIRES, Receipt
from blindplate.client.camera.spool import Spool
from blindplate.core.errors import BlindplateError, StorageError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log

# Half of what a call may hold, so that no batch of ordinary records is ever too large.
MAX_BYTES: Final = 4 << 20
_IDLE_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = (0.5, 15.0)
_RANDOM: Final = SystemRandom()


class Submits(Protocol):
    """The matcher, as ``Matcher`` asks it."""

    def submit(self, wires: Sequence[bytes]) -> list[Receipt]:
        """One receipt for each wire, in order."""
        ...


class Sender:
    """Sends from a spool. ``step`` and ``run`` are for one thread."""

    def __init__(self, spool: Spool, matcher: Submits, clock: Clock, counts: Counts) -> None:
        self._spool = spool
        self._matcher = matcher
        self._clock = clock
        self._counts = counts
        # Acknowledged, but the disk would not let them be erased yet: never sent again.
        self._settled: set[int] = set()

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set, backing off while the matcher is away."""
        wait = _RETRY_SECONDS[0]
        away = False
        while not stop.is_set():
            try:
                sent = self.step()
            except BlindplateError as error:
                if not away:
                    log().warning("hand-in-failed", error=error, in_spool=len(self._spool))
                away = True
                stop.wait(wait * _RANDOM.uniform(0.5, 1.0))
                wait = min(2 * wait, _RETRY_SECONDS[1])
                continue
            if away and sent:
                log().info("hand-in-resumed", in_spool=len(self._spool))
                away = False
            wait = _RETRY_SECONDS[0]
            if not sent:
                stop.wait(_IDLE_SECONDS)

    def step(self) -> int:
        """Send one batch of what is due; how many records were in it. Raises what the matcher or the disk says."""
        self._erase_settled()
        due = self._spool.due(self._clock.now(), MAX_WIRES, MAX_BYTES)
        if not due:
            return 0
        _RANDOM.shuffle(due)
        receipts = self._matcher.submit([spooled.wire for spooled in due])
        refusals = Counter(receipt.code for receipt in receipts if receipt.refused)
        for code, number in refusals.items():
            log().error("records-refused", code=code, records=number)
        settled = [
            spooled.number
            for spooled, receipt in zip(due, receipts, strict=True)
            if receipt.accepted or receipt.refused
        ]
        self._counts.add(Counted.ACCEPTED, sum(receipt.accepted for receipt in receipts))
        self._counts.add(Counted.REFUSED, refusals.total())
        self._settled.update(settled)
        self._erase_settled()
        return len(settled)

    def _erase_settled(self) -> None:
        if not self._settled:
            return
        try:
            self._spool.remove(list(self._settled))
        except StorageError as error:
            raise StorageError(
                "Records that were handed in cannot be erased from the spool.", error.remedy
            ) from None
        self._settled.clear()
