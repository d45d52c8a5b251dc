"""Following the ledger: the latest checkpoint that both custodians cosigned, and a replica that keeps up with it.

Guarantees that no checkpoint is taken that has fewer entries than one seen before, or another history, or that only
one custodian cosigned; also across a restart, as far as the replica's file is kept. Reads when it is asked to. A
custodian's own replica is extended by its cosigning alone: there, checkpoints are only compared. Protocol section 7.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from blindplate.core.errors import ForkError, ProofError, RollbackError, UnwitnessedError
from blindplate.core.ledger.checkpoints import LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.ledger.state import Applied
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.dating import WitnessRecord
from blindplate.edge.ledger.evidence import keep_notes
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import LedgerSource

MAX_AGE_SECONDS: Final = 60


class Follower:
    """Safe to use from several threads."""

    def __init__(
        self,
        replica: Replica,
        source: LedgerSource,
        keys: LedgerKeys,
        clock: Clock,
        *,
        extends: bool = True,
        report: Callable[[Applied], None] | None = None,
        evidence: Path | None = None,
    ) -> None:
        """``extends`` is False for a witness; ``report`` is called with every entry that was refused; in the folder
        ``evidence`` the checkpoints of a ledger that contradicts itself are kept.

        Raises MessageError or SignatureError when the checkpoint in the replica is not signed by ``keys``.
        """
        self._replica = replica
        self._source = source
        self._keys = keys
        self._clock = clock
        self._extends = extends
        self._report = report
        self._evidence = evidence
        self._lock = threading.Lock()
        self._last = verify_checkpoint(replica.signed, keys) if extends and replica.signed else None

    @property
    def latest(self) -> SignedCheckpoint | None:
        """The last checkpoint taken, however old."""
        return self._last

    def refresh(self) -> SignedCheckpoint:
        """Fetch the latest checkpoint, check it, and read up to it.

        Raises UnwitnessedError unless both custodians cosigned it, RollbackError when it has fewer entries than one
        seen before, ForkError when it is of another history, and whatever ``verify_checkpoint``, the source and
        ``Replica.extend`` raise.
        """
        with self._lock:
            return self._refresh()

    def require_witnessed(self, index: int, max_age_seconds: float = MAX_AGE_SECONDS) -> SignedCheckpoint:
        """A checkpoint that covers entry ``index`` and that both custodians cosigned at most so many seconds ago.

        Fetches one when the last does not do. Raises UnwitnessedError when the ledger has none, and as ``refresh``.
        """
        with self._lock:
            last = self._last
            if last is None or not self._suffices(last, index, max_age_seconds):
                last = self._refresh()
        if last.checkpoint.size <= index:
            raise UnwitnessedError("An entry of the ledger is not yet witnessed by both custodians.")
        if not self._suffices(last, index, max_age_seconds):
            raise UnwitnessedError(
                "The latest checkpoint of the ledger was not cosigned by both custodians just now.",
                "Check that both custodians witness the ledger, and this machine's clock.",
            )
        return last

    def _suffices(self, signed: SignedCheckpoint, index: int, max_age_seconds: float) -> bool:
        age = self._clock.now() - signed.oldest()
        # From the future is as wrong as from the past: a custodian could sign for an hour ahead and then be gone.
        return signed.checkpoint.size > index and abs(age) <= max_age_seconds

    def _refresh(self) -> SignedCheckpoint:
        signed = verify_checkpoint(self._source.get(CHECKPOINT), self._keys)
        witnessed_at = signed.require_both()
        try:
            self._take(signed, witnessed_at)
        except (ForkError, RollbackError, ProofError) as error:
            if self._evidence is not None:
                notes = (signed.note.to_bytes(), self._replica.signed, *self._replica.receipts)
                keep_notes(self._evidence, error, notes)
            raise
        last = self._last
        if last is None or signed.checkpoint.size > last.checkpoint.size or signed.oldest() > last.oldest():
            self._last = last = signed
        return last

    def _take(self, signed: SignedCheckpoint, witnessed_at: int) -> None:
        self._require_onward(signed)
        if signed.checkpoint.size > self._replica.size:
            self._extend(signed, witnessed_at)
            return
        self._replica.require_agreement(signed.checkpoint)
        if self._extends:
            # A witness meets its receipts where it cosigns.
            self._replica.require_receipts(self._source, signed, witnessed_at)

    def _require_onward(self, signed: SignedCheckpoint) -> None:
        last = self._last
        if last is None:
            return
        if signed.checkpoint.size < last.checkpoint.size:
            raise RollbackError(
                "The latest checkpoint of the ledger has fewer entries than one seen before.",
                "Have the operator explain it; if the ledger was restored, it must get back what it had.",
            )
        if signed.checkpoint.size == last.checkpoint.size and signed.checkpoint != last.checkpoint:
            raise ForkError("Two checkpoints of the ledger have one size and different roots.")

    def _extend(self, signed: SignedCheckpoint, witnessed_at: int) -> None:
        if not self._extends:
            raise RollbackError(
                "Both custodians have cosigned more of the ledger than this one remembers having read.",
                "This custodian's storage was put back: let it catch up with the other custodian first.",
            )
        dated = WitnessRecord(self._source, self._keys).witnessed
        for applied in self._replica.extend(self._source, signed, witnessed_at, dated=dated):
            if applied.error is not None and self._report is not None:
                self._report(applied)
