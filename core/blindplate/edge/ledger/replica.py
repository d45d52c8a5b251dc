"""A party's own copy of what matters in the ledger, and the state it folds into.

Guarantees that nothing is believed of the ledger but what leads to a signed root, that what was read is stored durably
before it counts, and that opening the file again gives the same state. Keeps the entries that decide who may do what;
batches, counts, decisions and outcomes are hashed and passed over. Whose checkpoint it is handed, and whether
custodians cosigned it, is for ``follower`` or a witness to check. Protocol section 7; docs/spec/ledger.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from blindplate.core.encoding import digest
from blindplate.core.errors import ChainError, ForkError, UnwitnessedError
from blindplate.core.ledger.checkpoints import Checkpoint, LedgerKeys, SignedCheckpoint
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.rules import RULES
from blindplate.core.ledger.state import Applied, LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.core.statements.release_entries import RequestEntry
from blindplate.edge.ledger.folding import fold_entries, read_anew
from blindplate.edge.ledger.reading import read_entries
from blindplate.edge.ledger.receipts import Receipt, require_continued, require_passed
from blindplate.edge.ledger.replica_file import Head, ReplicaFile
from blindplate.edge.ledger.source import LedgerSource

_NONE_KNOWN: Final[Mapping[int, bytes]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _View:
    """What is published at once: a head and the state of exactly the entries before it, never changed again."""

    head: Head
    state: LedgerState


class Replica:
    """Safe to use from several threads; each of its properties is that of one moment."""

    def __init__(
        self,
        path: Path,
        keys: LedgerKeys,
        parties: PartyKeys,
        *,
        decisions: bool = False,
        source: LedgerSource | None = None,
    ) -> None:
        """Open or make the replica in ``path``, mode 0600; with ``decisions`` it keeps custodians' decisions, too.

        One that was made by another edition of the rules is read anew from ``source``, as far as it was read before.
        Raises StorageError when the file cannot be read, is no replica, or is to be read anew without a source;
        ChainError when it was altered or is of another ledger or other parties; and, when it is read anew, as
        ``extend``.
        """
        self._extending = threading.Lock()
        self._decisions = decisions
        self._file = ReplicaFile(path, _ledger_digest(keys, parties))
        try:
            if self._file.rules() != RULES:
                read_anew(self._file, source, keys, parties, decisions=decisions)
            with self._file.as_of_now():
                self._view = self._loaded(parties)
        except BaseException:
            self._file.close()
            raise

    @property
    def size(self) -> int:
        """How many entries of the ledger were read."""
        return self._view.head.frontier.size

    @property
    def root(self) -> bytes:
        """The root (32 bytes) of the tree of these entries."""
        return self._view.head.frontier.root()

    @property
    def state(self) -> LedgerState:
        """The state they fold into. It is not changed any more: what is read later makes another one."""
        return self._view.state

    @property
    def signed(self) -> bytes:
        """The last checkpoint stored, as a signed note; empty before the first."""
        return self._view.head.signed

    def extend(
        self,
        source: LedgerSource,
        signed: SignedCheckpoint,
        witnessed_at: int,
        *,
        known: Mapping[int, bytes] = _NONE_KNOWN,
        sign: Callable[[], bytes] | None = None,
        dated: Callable[[int], int | None] | None = None,
    ) -> list[Applied]:
        """Read up to a verified checkpoint, store it, and give what became of the new entries that matter.

        They count as witnessed at ``witnessed_at`` (seconds since 1970, UTC), or at what ``dated`` gives for an entry's
        index, if that is earlier (``dating``). ``known`` are roots by size that must
        be met on the way, and so are those of receipts. ``sign`` is called once everything is written and before it is
        committed, and what it gives is stored in place of the checkpoint's own note. A checkpoint of the size that was
        read adds no entries and is stored as well.

        Raises RollbackError, ForkError, MessageError, NotFoundError, UnavailableError (``reading.read_entries``,
        ``receipts.require_continued``); MessageError, EntryError, SignatureError for a document that is not the one an
        entry names; StorageError. Then nothing was stored and nothing counts.
        """
        with self._extending:
            view = self._view
            met, roots = self._continued(source, signed.checkpoint, witnessed_at, known)
            reading = read_entries(
                source, view.head.frontier, signed.checkpoint, roots, decisions=self._decisions
            )
            state = view.state.copy() if reading.entries else view.state
            kept, applied = fold_entries(source, state, reading, witnessed_at, dated)
            head = self._file.write(view.head, reading.frontier, kept, sign or signed.note.to_bytes, met)
            self._view = _View(head, state)
            return applied

    def keep_receipt(self, signed: SignedCheckpoint, moment: float) -> None:
        """Keep a checkpoint under which the ledger acknowledged an entry, until one at or beyond its size is read up to.

        Durable when this returns. Raises ForkError when it contradicts what was read or another receipt, which are kept
        all the same; StorageError.
        """
        size, root = signed.checkpoint.size, signed.checkpoint.root
        read = self._file.root_at(size)
        if read == root:
            return
        self._file.keep_receipt(Receipt(size, root, signed.note.to_bytes(), int(moment)))
        known = {} if read is None else {size: read}
        require_continued(self._file.receipts(), signed.checkpoint, 0, known)

    def require_receipts(self, source: LedgerSource, signed: SignedCheckpoint, witnessed_at: int) -> None:
        """Hold a checkpoint up to which nothing more is to be read against the receipts.

        Raises ForkError, RollbackError, NotFoundError, UnavailableError, StorageError.
        """
        met, _ = self._continued(source, signed.checkpoint, witnessed_at, _NONE_KNOWN)
        if met:
            self._file.forget_receipts(met)

    @property
    def receipts(self) -> list[bytes]:
        """The signed notes of the receipts that no checkpoint read up to has met yet. Raises StorageError."""
        return [receipt.note for receipt in self._file.receipts()]

    def require_agreement(self, checkpoint: Checkpoint) -> None:
        """Check that a checkpoint not ahead of this replica is of the same ledger as it was read.

        Raises ForkError when it is not, UnwitnessedError when that cannot be said: it is ahead, or of a size that was
        passed over or is long past.
        """
        frontier = self._view.head.frontier
        known = frontier.root() if checkpoint.size == frontier.size else self._file.root_at(checkpoint.size)
        if known is None:
            raise UnwitnessedError(
                "A checkpoint of the ledger cannot be compared with what was read of it here."
            )
        if known != checkpoint.root:
            raise ForkError(
                "A checkpoint of the ledger has another root than its entries as they were read here."
            )

    def request_entry(self, request_id: bytes) -> tuple[int, int, RequestEntry] | None:
        """The entry of a release request by its id: its index, when it was witnessed, what it says; None without one."""
        entered = self.state.requests.get(request_id)
        if entered is None:
            return None
        entry = self._file.entry(entered.index)
        if entry is None:
            raise ChainError("The ledger's replica has lost an entry.", "Move it away and start again.")
        return entered.index, entered.witnessed_at, RequestEntry.parsed(parse_entry(entry).payload)

    def close(self) -> None:
        """Wait for an ``extend`` under way, then close the file."""
        with self._extending:
            self._file.close()

    def _continued(
        self, source: LedgerSource, new: Checkpoint, moment: int, known: Mapping[int, bytes]
    ) -> tuple[list[Receipt], Mapping[int, bytes]]:
        """The receipts that ``new`` covers and the roots to be met on the way to it; those passed by are met here."""
        receipts = self._file.receipts()
        roots = require_continued(receipts, new, moment, known)
        covered = [receipt for receipt in receipts if receipt.size <= new.size]
        for receipt in covered:
            if receipt.size <= self.size:
                require_passed(source, receipt, self._file.root_at(receipt.size), new)
        return covered, roots

    def _loaded(self, parties: PartyKeys) -> _View:
        state = LedgerState(parties)
        for kept in self._file.load():
            applied = state.apply(kept.index, kept.entry, kept.witnessed_at, kept.document)
            if applied.error is not None:
                raise ChainError(
                    f"Entry {kept.index} of the ledger's replica does not count any more: {applied.error.what}",
                    "Keep the file for inquiry, move it away, and have a new one read from the ledger.",
                )
        return _View(self._file.head(), state)


def _ledger_digest(keys: LedgerKeys, parties: PartyKeys) -> bytes:
    """What a replica is of: a ledger, and the parties whose entries count."""
    return digest(
        "replica",
        keys.origin.encode(),
        parties.operator,
        parties.custodian_a,
        parties.custodian_b,
        parties.matcher,
    )
