"""The matcher's reading of the ledger: once a second, in a thread of its own.

Guarantees that only what both custodians have witnessed comes into force, and that a ledger which is away, shows
another history or goes back changes nothing that is: the first is said once, the others are alarms that want a
person. Protocol section 7.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final, Protocol

from blindplate.core.errors import BlindplateError, StateError, UnwitnessedError
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.state import Applied
from blindplate.core.parties import PartyKeys
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import open_source
from blindplate.edge.logs import log
from blindplate.edge.settings import LedgerAccess
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.metrics import LEDGER_ALARMS

_PAUSE_SECONDS: Final = 1.0


class SupportsClose(Protocol):
    """What is closed when nothing is read any more."""

    def close(self) -> None:
        """Close it."""
        ...


def follow(access: LedgerAccess, path: Path, parties: PartyKeys, clock: Clock) -> FollowedLedger:
    """The ledger that ``access`` names, with its replica in ``path``; nothing is read yet.

    Raises SettingsError for an address that is none, StorageError or ChainError for a replica that cannot be used.
    """
    keys = access.keys.keys()
    source = open_source(access.url)
    replica = Replica(path, keys, parties, source=source)
    follower = Follower(
        replica, source, keys, clock, report=_report_refused, evidence=path.with_name("evidence")
    )
    return FollowedLedger(replica, follower, source, clock)


class FollowedLedger:
    """The ledger's grants as ``refresh`` read them last. Safe to use from several threads."""

    def __init__(self, replica: Replica, follower: Follower, source: SupportsClose, clock: Clock) -> None:
        """What ``replica`` holds already is in force from the start, whether the ledger answers or not."""
        self._replica = replica
        self._follower = follower
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._size: int = replica.size
        self._current = Grants.of(replica.state)
        self._failing = ""

    @property
    def current(self) -> Grants:
        """What is granted, as far as the ledger was read."""
        return self._current

    @property
    def size(self) -> int:
        """How many entries of the ledger ``current`` is of."""
        return self._size

    def refresh(self) -> None:
        """Read what is new. Raises what the follower raises; then what was read before stays in force."""
        with self._lock:
            self._follower.refresh()
            if self._replica.size != self._size:
                self._current = Grants.of(self._replica.state)
                self._size = self._replica.size
                log().info("ledger-read", size=self._size, grants=len(self._current.histories))

    def keep_receipt(self, signed: SignedCheckpoint) -> None:
        """Have what is read later continue a checkpoint under which the ledger gave a receipt. Raises ForkError, StorageError."""
        self._replica.keep_receipt(signed, self._clock.now())

    def look(self) -> None:
        """Read what is new, and say so when that fails."""
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001  whatever the ledger served, the next look must be tried
            self._report(error)
            return
        if self._failing:
            log().info("ledger-resumed")
            self._failing = ""

    def run(self, stop: threading.Event) -> None:
        """Look once a second until ``stop`` is set."""
        while not stop.wait(_PAUSE_SECONDS):
            self.look()

    def close(self) -> None:
        """Close replica and source. The ledger may not be looked at any more."""
        self._replica.close()
        self._source.close()

    def _report(self, error: Exception) -> None:
        code = error.code if isinstance(error, BlindplateError) else "unforeseen"
        # Away, not witnessed yet, or no room to store it: nobody did anything wrong.
        passing = isinstance(error, StateError | UnwitnessedError)
        if not passing:
            LEDGER_ALARMS.labels(code).inc()
        if code != self._failing:
            report = log().warning if passing else log().error
            report("ledger-not-read" if passing else "ledger-alarm", error=error)
        self._failing = code


def _report_refused(applied: Applied) -> None:
    """Whoever appended it, the ledger should not have taken it: all who read it pass over it."""
    if applied.error is not None:
        log().warning("entry-refused", index=applied.index, error=applied.error)
