"""When an entry was witnessed, told by the ledger's record of cosigned checkpoints instead of by when one reads it.

For every entry that decides who may do what, the ledger keeps the first checkpoint over it that both custodians
cosigned. Whoever reads the ledger for the first time, or after its own copy was lost, so finds out since when a grant
or a list version has stood there; and all who follow the ledger say the same. Guarantees that a time given here is one
at which the custodian, or both, had cosigned a ledger that holds the entry. A ledger that withholds the record can make
its entries count later, never sooner. Protocol section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

from blindplate.core.errors import MessageError, NotFoundError, SignatureError
from blindplate.core.ledger.checkpoints import LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.layout import witnessed_path
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.source import LedgerSource


def first_over(source: LedgerSource, keys: LedgerKeys, index: int) -> SignedCheckpoint | None:
    """The first checkpoint over entry ``index`` that both custodians cosigned, as the ledger keeps it; None without one.

    Raises MessageError or SignatureError for one that is not of this ledger or entry, UnavailableError.
    """
    try:
        signed = verify_checkpoint(source.get(witnessed_path(index)), keys)
    except NotFoundError:
        return None
    if signed.checkpoint.size <= index:
        raise SignatureError("The ledger's record of an entry's witnesses is of a ledger without the entry.")
    return signed


class WitnessRecord:
    """That record, asked entry by entry in their order: a file is fetched once for all entries it is the first over.

    The first checkpoint over an entry is the first over every later entry that it covers: none before it covers those.
    Not for several threads.
    """

    def __init__(self, source: LedgerSource, keys: LedgerKeys) -> None:
        self._source = source
        self._keys = keys
        self._first = 0
        self._last: SignedCheckpoint | None = None

    def witnessed(self, index: int) -> int | None:
        """The later of both custodians' times on the first checkpoint over entry ``index``; None where there is none.

        Seconds since 1970, UTC. Raises MessageError, SignatureError or UnwitnessedError for a checkpoint that is not
        what it has to be, UnavailableError.
        """
        signed = self._over(index)
        return None if signed is None else signed.require_both()

    def cosigned(self, index: int, custodian: Custodian) -> int | None:
        """The time of one custodian's own cosignature on that checkpoint; None where there is none that holds.

        For that custodian after its copy was lost: it takes nobody's word but its own. Raises UnavailableError.
        """
        try:
            signed = self._over(index)
        except (SignatureError, MessageError):
            # Whatever else it may be, it is no word of this custodian's.
            return None
        return None if signed is None else signed.witnessed.get(custodian)

    def _over(self, index: int) -> SignedCheckpoint | None:
        last = self._last
        if last is None or not self._first <= index < last.checkpoint.size:
            self._first, self._last = index, first_over(self._source, self._keys, index)
        return self._last
