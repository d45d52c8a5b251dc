"""The clerk: a thread that appends to the ledger what waits in the outbox, in order, until each has its receipt.

Guarantees that an index is stored only under a receipt that verified, that a stop at any moment costs nothing (the
same bytes get the same index again), and that a statement the ledger refuses is alarmed and tried again without
keeping back the ones after it. How long the ledger is away is the operator's to see: ``blindplate_outbox_waiting``.
Protocol section 7, guarantee G6.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from prometheus_client import Counter, Gauge
from sqlalchemy import Engine

from blindplate.core.errors import InputError, RefusedError, SecurityError
from blindplate.core.signing import Statement
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.appender import EntryReceipt
from blindplate.edge.logs import log
from blindplate.server.custodian import outbox
from blindplate.server.custodian.outbox import Waiting
from blindplate.server.custodian.storage import reading, writing

WAITING: Final = Gauge("blindplate_outbox_waiting", "Statements that have no index in the ledger yet.")
REFUSED: Final = Counter(
    "blindplate_outbox_refused", "Statements the ledger refused, by error code.", ("code",)
)

# An owner waits for the entry of a decision before it gets its share.
_ROUND_SECONDS: Final = 0.2
_MAX_WAIT_SECONDS: Final = 10.0
_REFUSED_WAIT_SECONDS: Final = 60.0
_BATCH: Final = 100


class Appends(Protocol):
    """What the clerk needs of the ledger."""

    def append(
        self, statements: Sequence[Statement], documents: Sequence[Statement] = ()
    ) -> list[EntryReceipt]:
        """Append all or none, in order; verified receipts."""
        ...


class Clerk:
    """Runs from ``start`` to ``stop``. ``on_death`` is called when its thread ends without having been told to."""

    def __init__(
        self, engine: Engine, ledger: Appends, clock: Clock, on_death: Callable[[], None] = lambda: None
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._clock = clock
        self._on_death = on_death
        # When a refused statement, by its number, is tried again.
        self._again: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the call under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def round(self) -> None:
        """Append everything that waits now. Raises StateError when ledger or database are not able to."""
        for batch in self._batches():
            due = [one for one in batch if self._again.get(one.number, 0.0) <= self._clock.now()]
            if due:
                self._append(due)

    def _run(self) -> None:
        wait = _ROUND_SECONDS
        try:
            while not self._stop.wait(wait):
                try:
                    self.round()
                    wait = _ROUND_SECONDS
                except Exception as error:  # noqa: BLE001  whatever it is, what waits is tried again
                    wait = min(wait * 2, _MAX_WAIT_SECONDS)
                    log().warning("ledger-not-reached", error=error)
        finally:
            if not self._stop.is_set():
                self._on_death()

    def _batches(self) -> Iterator[list[Waiting]]:
        after, seen = -1, 0
        while True:
            with reading(self._engine) as connection:
                batch = outbox.waiting(connection, _BATCH, after)
            seen += len(batch)
            WAITING.set(seen)
            if not batch:
                return
            yield batch
            after = batch[-1].number

    def _append(self, batch: Sequence[Waiting]) -> None:
        try:
            receipts = self._ledger.append([one.statement for one in batch])
        except (SecurityError, RefusedError, InputError) as error:
            if len(batch) == 1:
                self._note_refusal(batch[0], error)
                return
            # All or none: one by one shows which of them it was.
            for one in batch:
                self._append([one])
            return
        with writing(self._engine) as connection:
            for one, receipt in zip(batch, receipts, strict=True):
                outbox.entered(connection, one.number, receipt.index)
        for one in batch:
            self._again.pop(one.number, None)

    def _note_refusal(self, one: Waiting, error: SecurityError | RefusedError | InputError) -> None:
        REFUSED.labels(error.code).inc()
        kind = one.statement.payload_type
        log().error("entry-refused", number=one.number, kind=kind, error=error)
        self._again[one.number] = self._clock.now() + _REFUSED_WAIT_SECONDS
