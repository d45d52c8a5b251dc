"""What a custodian must reach after a start before it cosigns: what the other one had cosigned by then.

Guarantees that a custodian put back to an earlier time, which no longer knows what it cosigned, puts its name to no
second history of what both had cosigned before: it asks the other one's head, waits until the ledger has come as far,
and finds it the same. Both put back at once, or the other lost for good, it cannot tell. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blindplate.core.errors import ForkError, ProofError, SignatureError, UnavailableError
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.receipts import require_beginning
from blindplate.edge.ledger.source import LedgerSource


class CatchingUp:
    """Holds ``custodian`` back until it has met the other one's head.

    ``other_head`` gives the last checkpoint the other cosigned, as a signed note, empty before its first; it raises
    UnavailableError when there is no answer.
    """

    def __init__(
        self, custodian: Custodian, keys: LedgerKeys, source: LedgerSource, other_head: Callable[[], bytes]
    ) -> None:
        self._custodian = custodian
        self._keys = keys
        self._source = source
        self._other_head = other_head
        self._asked = False
        self._other: SignedCheckpoint | None = None
        self._over = False

    def to_meet(self, size: int, new: Checkpoint) -> Mapping[int, bytes]:
        """The other's root by its size, where it lies on the way from ``size`` to ``new``; empty once all is well.

        Raises UnavailableError while the other does not answer or had cosigned more than ``new`` has, SignatureError
        for an answer it did not cosign, ForkError when ``new`` does not continue it, NotFoundError when the ledger's
        tiles cannot be read.
        """
        if self._over:
            return {}
        other = self._head()
        if other is None or other.checkpoint.size == 0:
            return {}
        seen = other.checkpoint
        if seen.size > new.size:
            raise UnavailableError(
                f"The other custodian had cosigned {seen.size:,} entries, this checkpoint is of {new.size:,}.",
                "Ask again with a checkpoint of at least that size.",
            )
        if seen.size > size:
            return {seen.size: seen.root}
        self._require_beginning(seen, new)
        return {}

    def finish(self) -> None:
        """The other's head was met: nothing is asked any more."""
        self._over = True

    @property
    def over(self) -> bool:
        """Whether it was met."""
        return self._over

    @property
    def note(self) -> bytes:
        """The other's head as it was told; empty when it was not."""
        return b"" if self._other is None else self._other.note.to_bytes()

    def _head(self) -> SignedCheckpoint | None:
        # Asked once: while the ledger is busy, the other's newest would always be ahead of what is shown here.
        if not self._asked:
            head = self._other_head()
            other = verify_checkpoint(head, self._keys) if head else None
            if other is not None and set(other.witnessed) <= {self._custodian}:
                raise SignatureError("The other custodian shows a checkpoint that it did not cosign.")
            self._other, self._asked = other, True
        return self._other

    def _require_beginning(self, seen: Checkpoint, new: Checkpoint) -> None:
        # What was read here before is not read again: the ledger's own tiles must show it.
        try:
            require_beginning(self._source, seen.size, seen.root, new)
        except ProofError:
            raise ForkError("The other custodian has cosigned another history of the ledger.") from None
