"""What the ledger acknowledged to this party, held against the checkpoints it shows afterwards.

A receipt is the ledger's signed word that an entry stands under a root, before any custodian has witnessed it. Guarantees
that a later checkpoint is taken only when it continues every receipt kept, and that a ledger which does not come as far
as its receipt within five minutes is found out: it cannot drop, replace or hold back what it acknowledged without
contradicting its own signature. What it never shows to anybody else, nobody else can tell. Protocol section 7;
docs/spec/ledger.md section 3.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.core.errors import ForkError, ProofError, RollbackError
from blindplate.core.ledger.checkpoints import Checkpoint
from blindplate.core.ledger.tiles import hash_reader
from blindplate.core.ledger.tree import consistency_proof
from blindplate.core.merkle import verify_consistency
from blindplate.edge.ledger.source import LedgerSource

# A ledger shows a new head at once; this covers a disk that failed it meanwhile, and clocks that differ.
SHOWN_WITHIN_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Receipt:
    """A checkpoint's size and root (32 bytes), its signed note, and when it was kept, in seconds since 1970 (UTC)."""

    size: int
    root: bytes
    note: bytes
    kept_at: int


def require_continued(
    receipts: Sequence[Receipt], new: Checkpoint, moment: int, known: Mapping[int, bytes]
) -> dict[int, bytes]:
    """The roots by size that must be met on the way to ``new``: those ``known``, and those of the receipts it covers.

    ``moment`` is when ``new`` is, or was, witnessed. Raises ForkError when two of them are of one size with different
    roots, RollbackError when ``new`` is smaller than a receipt that was given long before.
    """
    roots = {**known}
    for receipt in receipts:
        if not hmac.compare_digest(roots.setdefault(receipt.size, receipt.root), receipt.root):
            raise ForkError("The ledger signed two checkpoints of one size with different roots.")
        if new.size < receipt.size and moment >= receipt.kept_at + SHOWN_WITHIN_SECONDS:
            raise RollbackError(
                f"The ledger acknowledged an entry under {receipt.size:,} entries, and {SHOWN_WITHIN_SECONDS} s later "
                f"it still shows {new.size:,}.",
                "Have the operator explain it; what it signed is kept as evidence.",
            )
    return {size: root for size, root in roots.items() if size <= new.size}


def require_passed(source: LedgerSource, receipt: Receipt, read: bytes | None, new: Checkpoint) -> None:
    """Check a receipt that came late: what it covers was read before, with the root ``read`` at its size, if known.

    Raises ForkError when it is of another history than ``new``, NotFoundError or UnavailableError when the ledger's
    tiles, which must then show it, cannot be read.
    """
    continued = read == receipt.root
    if read is None:
        try:
            require_beginning(source, receipt.size, receipt.root, new)
            continued = True
        except ProofError:
            continued = False
    if not continued:
        raise ForkError("The ledger shows another history than the one under which it gave a receipt.")


def require_beginning(source: LedgerSource, size: int, root: bytes, new: Checkpoint) -> None:
    """Check by the ledger's own tiles that ``new`` continues the ``size`` entries under ``root``.

    Raises ProofError when they do not show it, NotFoundError or UnavailableError when they cannot be read.
    """
    read = hash_reader(lambda tile: source.get(tile.path), new.size)
    verify_consistency(size, root, new.size, new.root, consistency_proof(read, size, new.size))
