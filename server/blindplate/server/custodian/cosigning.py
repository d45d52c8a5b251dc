"""Cosigning the ledger's checkpoints by the rules of C2SP tlog-witness.

Guarantees that this custodian cosigns a checkpoint only when the ledger signed it, when it continues the one cosigned
before and every receipt this custodian was given (``edge.ledger.receipts``), when every entry and document under it
was read here, and when all of that is on disk; that two requests at
once cannot make it go back; that no cosignature is of an earlier second than the one before; and that after a start
the other custodian's head is met first (``catching_up``). What contradicts itself is refused and alarmed
(``evidence``). It does not judge entries: one that breaks its kind's rules is named in the log and counts for nothing.
Protocol section 7; docs/spec/ledger.md section 6. Source: https://c2sp.org/tlog-witness.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from blindplate.core.errors import (
    ForkError,
    MessageError,
    OverloadedError,
    ProofError,
    RollbackError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import Cosigner, LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.witness_messages import AddCheckpoint, parse_add_checkpoint
from blindplate.core.merkle import verify_consistency
from blindplate.core.parties import Custodian
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.dating import WitnessRecord
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import LedgerSource
from blindplate.edge.logs import log
from blindplate.server.custodian.catching_up import CatchingUp
from blindplate.server.custodian.evidence import alarm

SIZE: Final = Gauge("blindplate_witnessed_size", "Entries of the ledger that this custodian has cosigned.")
MOMENT: Final = Gauge("blindplate_witnessed_at", "When it cosigned last, in seconds since 1970.")
# Longer than a turn takes that reads little; one that reads much must not hold every thread the ledger may have here.
_TURN_SECONDS: Final = 5.0
# A clock put back by no more than this only makes the next cosignature bear the time of the last.
_STEP_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Cosigned:
    """This custodian's two signature lines."""

    lines: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """The old size was another than this, the size cosigned last."""

    size: int


class Cosigning:
    """One custodian as a witness. The checkpoints an alarm is about are kept in the folder ``evidence``."""

    def __init__(
        self,
        custodian: Custodian,
        cosigner: Cosigner,
        keys: LedgerKeys,
        replica: Replica,
        source: LedgerSource,
        catching_up: CatchingUp,
        evidence: Path,
        clock: Clock,
    ) -> None:
        self._custodian = custodian
        self._cosigner = cosigner
        self._keys = keys
        self._replica = replica
        self._source = source
        self._catching_up = catching_up
        self._evidence = evidence
        self._clock = clock
        self._turn = threading.Lock()
        SIZE.set(replica.size)

    def head(self) -> bytes:
        """The last checkpoint cosigned, as a signed note; empty before the first."""
        return self._replica.signed

    def add(self, body: bytes) -> Cosigned | Conflict:
        """The cosignatures of the checkpoint in an add-checkpoint body, or the size cosigned last.

        Raises MessageError, SignatureError for one the ledger did not sign, RollbackError for a smaller one that the
        ledger signed later, ForkError for another history, ProofError for an unproven continuation, what the replica
        raises when entries cannot be read, UnavailableError while the other custodian's head is not known or not
        reached or this clock is behind, OverloadedError while another checkpoint is read, StorageError.
        """
        asked = parse_add_checkpoint(body)
        signed = verify_checkpoint(asked.note, self._keys)
        if asked.old_size > signed.checkpoint.size:
            raise MessageError("A checkpoint to be cosigned is smaller than the size it is to continue.")
        with self._one_at_a_time():
            try:
                return self._add(asked, signed)
            except (ForkError, RollbackError, ProofError) as error:
                notes = (asked.note, self.head(), self._catching_up.note, *self._replica.receipts)
                alarm(self._evidence, error, notes)
                raise

    @contextmanager
    def _one_at_a_time(self) -> Generator[None]:
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise OverloadedError(
                "This custodian is reading another checkpoint.", "Ask again in some seconds."
            )
        try:
            yield
        finally:
            self._turn.release()

    def _add(self, asked: AddCheckpoint, signed: SignedCheckpoint) -> Cosigned | Conflict:
        size, root, new = self._replica.size, self._replica.root, signed.checkpoint
        last = verify_checkpoint(self.head(), self._keys) if self.head() else None
        # One signed earlier is no rollback: it merely arrives late.
        if last is not None and new.size < size and signed.signed_at > last.signed_at:
            raise RollbackError(
                f"The ledger shows {new.size:,} entries, after it had shown {size:,} to this custodian."
            )
        if asked.old_size != size:
            return Conflict(size)
        if new.size == size and not hmac.compare_digest(new.root, root):
            raise ForkError("The ledger signed two checkpoints of one size with different roots.")
        verify_consistency(size, root, new.size, new.root, asked.proof)
        return self._cosign(signed, self._moment(last))

    def _cosign(self, signed: SignedCheckpoint, moment: int) -> Cosigned:
        known = self._catching_up.to_meet(self._replica.size, signed.checkpoint)
        by_ledger = [one for one in signed.note.signatures if any(map(one.is_by, self._keys.log))]

        def sign() -> bytes:
            cosignatures = self._cosigner.cosign(signed.checkpoint, moment)
            return Note(signed.note.text, (*by_ledger, *cosignatures)).to_bytes()

        applied = self._replica.extend(
            self._source, signed, moment, known=known, sign=sign, dated=self._dated()
        )
        self._catching_up.finish()
        for one in applied:
            if one.error is not None:
                log().warning("ledger-entry-not-counted", index=one.index, error=one.error)
        SIZE.set(signed.checkpoint.size)
        MOMENT.set(moment)
        return Cosigned(self._own_lines())

    def _dated(self) -> Callable[[int], int | None] | None:
        """When this custodian had cosigned an entry that it may have read before its copy was put back or lost."""
        if self._catching_up.over:
            return None
        return partial(WitnessRecord(self._source, self._keys).cosigned, custodian=self._custodian)

    def _own_lines(self) -> bytes:
        stored = Note.from_bytes(self.head()).signatures
        own = (one for one in stored if any(map(one.is_by, self._cosigner.keys)))
        return "".join(one.to_line() for one in own).encode()

    def _moment(self, last: SignedCheckpoint | None) -> int:
        """The second of the next cosignature: what comes later is never witnessed earlier."""
        now, before = int(self._clock.now()), 0
        if last is not None:
            before = last.witnessed.get(self._custodian, 0)
        if now < before - _STEP_SECONDS:
            raise UnavailableError(
                f"This custodian's clock is {before - now} s behind its last cosignature.",
                "Set the clock right; if it was ahead before, restore this custodian.",
            )
        return max(now, before)
