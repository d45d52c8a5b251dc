"""The camera's counts in the ledger: how many of its records the matcher has accepted, signed with the camera's key.

Whoever reads the ledger can so tell whether the matcher counts what it was given. Totals by list, so that one report
lost or late changes nothing. Best effort: a ledger that is away is logged once and holds nothing up. The counts
themselves are the spool's, and durable. Protocol section 7.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Protocol

from blindplate.client.camera.accepted_counts import AcceptedCounts
from blindplate.client.camera.seal import CameraIdentity
from blindplate.client.camera.spool import Spool
from blindplate.core.errors import BlindplateError, SecurityError
from blindplate.core.signing import Statement
from blindplate.core.statements.cameras import CameraCounts, ListCount
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.appender import EntryReceipt
from blindplate.edge.logs import log

# How soon a report that failed is tried again, if no other is due before.
_RETRY_SECONDS: Final = 60.0


class Ledger(Protocol):
    """The ledger, as ``LedgerClient`` asks it."""

    def append(self, statements: Sequence[Statement]) -> list[EntryReceipt]:
        """One receipt for each statement, in order."""
        ...

    def close(self) -> None:
        """End what is under way; nothing is asked any more."""
        ...


class CountsReport:
    """Reports what a spool counts, every so many ``seconds``. ``report`` and ``run`` are for one thread."""

    def __init__(
        self, spool: Spool, ledger: Ledger, camera: CameraIdentity, zone: str, seconds: float, clock: Clock
    ) -> None:
        self._spool = spool
        self._ledger = ledger
        self._camera = camera
        self._zone = zone
        self._seconds = seconds
        self._clock = clock
        self._entered: AcceptedCounts | None = None
        self._failing = ""

    def run(self, stop: threading.Event) -> None:
        """Report at once, then every so often, and once more when ``stop`` is set."""
        while True:
            entered = self.report()
            if stop.wait(self._seconds if entered else min(self._seconds, _RETRY_SECONDS)):
                break
        self.report()

    def close(self) -> None:
        """End a report that is under way."""
        self._ledger.close()

    def report(self) -> bool:
        """Enter the counts, unless they are as entered last; False when that failed, which is logged."""
        try:
            counts = self._spool.accepted()
            if counts != self._entered and counts.records:
                self._ledger.append([self._statement(counts)])
                self._entered = counts
        except BlindplateError as error:
            # A ledger that is away is said once; one that does not prove what it says, each time.
            if isinstance(error, SecurityError) or error.code != self._failing:
                log().warning("counts-not-entered", error=error)
            self._failing = error.code
            return False
        self._failing = ""
        return True

    def _statement(self, counts: AcceptedCounts) -> Statement:
        return CameraCounts(
            camera_id=self._camera.camera_id,
            zone=self._zone,
            since=counts.since,
            accepted=tuple(
                ListCount(list_id=list_id, records=records) for list_id, records in counts.records.items()
            ),
            made_at=int(self._clock.now()),
        ).statement(self._camera.signing_key)
