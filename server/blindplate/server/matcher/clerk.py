"""Enters in the ledger what the matcher owes it: a root over every batch before its answer leaves, and its counts.

Guarantees that no answer is offered before the ledger's receipt for its batch, that a statement is signed and durable
before it is first sent and is sent as it is until it has its receipt, in order, and that everything waits, and nothing
is lost, while the ledger is away. How many answers may wait is for the ticker to bound. Protocol sections 5 and 7.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Connection

from blindplate.core.errors import CountError, UnavailableError
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.appender import EntryReceipt
from blindplate.edge.logs import log
from blindplate.server.matcher import batch_entries, counts_store, outbox
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.metrics import FAILED_ROUNDS
from blindplate.server.matcher.storage import Database

# How often it looks whether counts are due when no answer is stored.
_LOOK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = (0.2, 5.0)
# Of a long absence: what fits a call to the ledger many times over.
_AT_ONCE: Final = 64


class Appends(Protocol):
    """The ledger, as ``LedgerClient`` asks it."""

    def append(self, statements: Sequence[Statement]) -> list[EntryReceipt]:
        """One receipt for each statement, in order."""
        ...


@dataclass(slots=True)
class Clerk:
    """``stored`` rings when an answer was stored; it rings ``offered`` when one may be fetched."""

    database: Database
    ledger: Appends
    signer: SigningKey
    stored: Bell
    offered: Bell
    clock: Clock
    counts_seconds: float
    _counts_due: float = field(default=0.0)

    def run(self, stop: threading.Event) -> None:
        """Enter until ``stop`` is set, backing off while the ledger is away."""
        wait, failing = _RETRY_SECONDS[0], ""
        while not stop.is_set():
            rings = self.stored.rings
            try:
                self.step()
            except Exception as error:  # noqa: BLE001  whatever it is, the answers after it must still be offered
                if stop.is_set():
                    return
                FAILED_ROUNDS.labels("ledger").inc()
                # A ledger that is away is said once; anything else each time, since somebody has to look.
                if not isinstance(error, UnavailableError) or failing != error.code:
                    log().error("entering-failed", error=error)
                failing = getattr(error, "code", "unforeseen")
                stop.wait(wait)
                wait = min(2 * wait, _RETRY_SECONDS[1])
                continue
            if failing:
                log().info("entering-resumed")
            wait, failing = _RETRY_SECONDS[0], ""
            self.stored.wait_beyond(rings, _LOOK_SECONDS)

    def step(self) -> None:
        """Enter everything that waits. Raises what the ledger or the database says; then it waits on."""
        # Signed even while the ledger is away: so each list's numbers stand there without a gap, whatever is erased.
        while self._put_batches():
            continue
        self._send()
        if self.clock.now() >= self._counts_due:
            self._put_counts()
            self._send()

    def _put_batches(self) -> int:
        with self.database.read() as connection:
            batches = batch_entries.unentered(connection)
        if batches:
            statement = Batches(batches=tuple(batches), made_at=int(self.clock.now())).statement(self.signer)
            self.database.write(lambda connection: batch_entries.put(connection, batches, statement))
        return len(batches)

    def _put_counts(self) -> None:
        now = self.clock.now()
        with self.database.read() as connection:
            counted = counts_store.totals(connection)
        for one in counted.records:
            try:
                one.require_balanced()
            except CountError as error:
                # They are entered as they are: whoever checks the matcher must see it too.
                log().error("counts-disagree", error=error)
        counts = MatcherCounts(
            since=counted.since,
            records=counted.records,
            refused_claims=counted.refused_claims,
            made_at=int(now),
        )
        parts = [part.statement(self.signer) for part in counts.split()]

        def put(connection: Connection) -> None:
            for part in parts:
                outbox.put(connection, part)

        self.database.write(put)
        self._counts_due = now + self.counts_seconds

    def _send(self) -> None:
        while True:
            with self.database.read() as connection:
                unsent = outbox.unsent(connection, _AT_ONCE)
            if not unsent:
                return
            receipts = self.ledger.append([one.statement for one in unsent])
            indices = {one.number: receipt.index for one, receipt in zip(unsent, receipts, strict=True)}
            self.database.write(lambda connection: batch_entries.entered(connection, indices))  # noqa: B023  run before the next turn
            self.offered.ring()
            for one in unsent:
                if one.statement.payload_type == MatcherCounts.media_type():
                    log().info("counts-entered", index=indices[one.number])
