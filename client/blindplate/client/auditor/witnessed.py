"""The checkpoints that a ledger keeps beside single entries: when each entry that decides something was witnessed.

Guarantees that a time given here is one at which both custodians had signed for a ledger that holds the entry, and this
ledger: the roots to be met are handed on. A record that is missing can only make its entry count later. Protocol
section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from blindplate.core.errors import (
    ForkError,
    InputError,
    NotFoundError,
    RefusedError,
    SecurityError,
    SignatureError,
)
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.layout import witnessed_path
from blindplate.edge.ledger.source import LedgerSource


def require_signed_by_all(data: bytes, keys: LedgerKeys) -> SignedCheckpoint:
    """The checkpoint of a note that bears the signatures of the ledger and of both custodians, and no other.

    Raises MessageError, SignatureError, UnwitnessedError.
    """
    signed = verify_checkpoint(data, keys)
    signed.require_both()
    pairs = (keys.log, *keys.witnesses.values())
    known = [key for pair in pairs for key in pair]
    if not all(any(one.is_by(key) for key in known) for one in signed.note.signatures):
        raise SignatureError(
            "A checkpoint of the ledger bears a signature by a key that is not in the keys file.",
            "Get the deployment's current keys file from the custodians.",
        )
    return signed


@dataclass(slots=True)
class WitnessRecords:
    """Reads the records of one source. ``missing`` counts entries that have none."""

    source: LedgerSource
    keys: LedgerKeys
    missing: int = 0
    # Entries entered together have one checkpoint: its ten kilobytes of signatures are verified once.
    _data: bytes = b""
    _signed: SignedCheckpoint | None = field(default=None)

    def read(self, index: int, size: int) -> SignedCheckpoint | None:
        """The record beside entry ``index`` of a ledger of ``size`` entries; None when there is none.

        Raises MessageError, SignatureError or UnwitnessedError for one that is not what it has to be,
        UnavailableError when it cannot be had.
        """
        try:
            data = self.source.get(witnessed_path(index))
        except NotFoundError:
            self.missing += 1
            return None
        if self._signed is None or data != self._data:
            self._data, self._signed = data, require_signed_by_all(data, self.keys)
        if not index < self._signed.checkpoint.size <= size:
            raise SignatureError("It is no first checkpoint over that entry.")
        return self._signed


# What a record can be wrong by, short of not being readable now.
WRONG = (InputError, SecurityError, RefusedError)


def add_root(roots: dict[int, bytes], checkpoint: Checkpoint) -> None:
    """Have the root of ``checkpoint`` met. Raises ForkError when there is another root for its size already."""
    known = roots.setdefault(checkpoint.size, checkpoint.root)
    if not hmac.compare_digest(known, checkpoint.root):
        raise ForkError(
            f"The ledger and both custodians signed two different histories of {checkpoint.size:,} entries."
        )
