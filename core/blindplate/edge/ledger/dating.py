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


def first_witnessed(source: LedgerSource, keys: LedgerKeys, index: int) -> int | None:
    """The later of both custodians' times on the first checkpoint over entry ``index``; None where there is none.

    Seconds since 1970, UTC. Raises MessageError, SignatureError or UnwitnessedError for a checkpoint that is not what it
    has to be, UnavailableError.
    """
    signed = _first_over(source, keys, index)
    return None if signed is None else signed.require_both()


def first_cosigned(source: LedgerSource, keys: LedgerKeys, index: int, custodian: Custodian) -> int | None:
    """The time of one custodian's own cosignature on that checkpoint; None where there is none that holds.

    For that custodian after its copy was lost: it takes nobody's word but its own. Raises UnavailableError.
    """
    try:
        signed = _first_over(source, keys, index)
    except (SignatureError, MessageError):
        # Whatever else it may be, it is no word of this custodian's.
        return None
    return None if signed is None else signed.witnessed.get(custodian)


def _first_over(source: LedgerSource, keys: LedgerKeys, index: int) -> SignedCheckpoint | None:
    try:
        signed = verify_checkpoint(source.get(witnessed_path(index)), keys)
    except NotFoundError:
        return None
    if signed.checkpoint.size <= index:
        raise SignatureError("The ledger's record of an entry's witnesses is of a ledger without the entry.")
    return signed
