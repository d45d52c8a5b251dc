"""Entries as they were read, made into a state and into what a replica keeps of them.

Guarantees that only an entry that takes effect is kept, with the document it names, and that what was kept by another
edition of the rules is judged anew, from the ledger itself, without the head being forgotten: a custodian still knows
what it cosigned. Protocol section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from blindplate.core.errors import StorageError
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, verify_checkpoint
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.layout import document_path
from blindplate.core.ledger.rules import RULES
from blindplate.core.ledger.state import Applied, LedgerState
from blindplate.core.ledger.tree import Frontier
from blindplate.core.parties import PartyKeys
from blindplate.edge.ledger.dating import WitnessRecord
from blindplate.edge.ledger.reading import Reading, read_entries
from blindplate.edge.ledger.replica_file import Kept, ReplicaFile
from blindplate.edge.ledger.source import LedgerSource
from blindplate.edge.logs import log


def fold_entries(
    source: LedgerSource,
    state: LedgerState,
    reading: Reading,
    latest: int,
    dated: Callable[[int], int | None] | None = None,
) -> tuple[list[Kept], list[Applied]]:
    """Apply what was read to ``state``: what is to be kept of it, and what became of each entry.

    They count as witnessed at ``latest``, or at what ``dated`` gives for an entry's index, if that is earlier.
    Raises MessageError, EntryError, SignatureError for a document that is not the one an entry names, NotFoundError and
    UnavailableError when it cannot be had.
    """
    kept: list[Kept] = []
    applied: list[Applied] = []
    for index, entry in reading.entries:
        named = state.document_named(entry)
        document = None if named is None else source.get(document_path(named))
        if named is not None and document is not None:
            # One that is withheld or altered is the source's doing, not the entry's: whoever gets it says otherwise.
            state.open_document(named, document)
        # What decides nothing has no record of its own beside it.
        moment = None if dated is None or passed_over(entry) else dated(index)
        witnessed_at = latest if moment is None else min(latest, moment)
        one = state.apply(index, entry, witnessed_at, document)
        applied.append(one)
        if one.error is None:
            kept.append(Kept(index, witnessed_at, entry, named, document))
    return kept, applied


def read_anew(
    file: ReplicaFile, source: LedgerSource | None, keys: LedgerKeys, parties: PartyKeys, *, decisions: bool
) -> None:
    """Read the ledger again as far as it was read, and keep what counts by the rules of now.

    Entries kept before stay witnessed when they were; others are dated by the ledger's record (``dating``), and else by
    the last checkpoint. Raises StorageError without a source, and what reading raises; then nothing is changed.
    """
    if source is None:
        raise StorageError(
            "The ledger's replica was made by other rules on which entries count.",
            "Start the process it belongs to once: it reads the ledger anew.",
        )
    state = LedgerState(parties)
    with file.as_of_now():
        head, moments = file.head(), {kept.index: kept.witnessed_at for kept in file.load()}
    checkpoint = Checkpoint(keys.origin, head.frontier.size, head.frontier.root())
    reading = read_entries(source, Frontier.empty(), checkpoint, MappingProxyType({}), decisions=decisions)
    record = WitnessRecord(source, keys)

    def dated(index: int) -> int | None:
        return moments[index] if index in moments else record.witnessed(index)

    latest = max(verify_checkpoint(head.signed, keys).witnessed.values()) if reading.entries else 0
    kept, _ = fold_entries(source, state, reading, latest, dated)
    file.replace(head, kept)
    log().info("ledger-read-anew", size=checkpoint.size, rules=RULES)
