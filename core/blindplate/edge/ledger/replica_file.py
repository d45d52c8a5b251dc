"""The SQLite file of a replica: the head, the entries that were kept, their documents, recent roots, receipts.

Guarantees that what one ``write`` brings is durable altogether or not there, that two processes cannot both extend one
file, and that a file that is torn, altered by accident or another ledger's is refused when it is opened: a chain of
digests runs through all that is kept. Whoever may write the file may of course write another history with a chain that
fits. Protocol section 7.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from blindplate.core.encoding import digest, uint
from blindplate.core.errors import ChainError, MessageError, StorageError
from blindplate.core.ledger.rules import RULES
from blindplate.core.ledger.tree import Frontier
from blindplate.edge.ledger.receipts import Receipt
from blindplate.edge.ledger.replica_tables import open_database, snapshot, storage_errors, transaction

# What was cosigned in the last hours; older checkpoints are of no use to anyone.
_ROOTS_KEPT: Final = 16_384


@dataclass(frozen=True, slots=True)
class Head:
    """How far the ledger was read, the last checkpoint stored, and the digest of all that was kept."""

    frontier: Frontier
    signed: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry that was kept: its document's digest and bytes when it names one."""

    index: int
    witnessed_at: int
    entry: bytes
    digest: bytes | None = None
    document: bytes | None = None


class ReplicaFile:
    """Safe to use from several threads."""

    def __init__(self, path: Path, ledger: bytes) -> None:
        """Open or make the file of the ledger that ``ledger`` (32 bytes) stands for.

        Raises StorageError when it cannot be read or is no replica, ChainError when it is another ledger's.
        """
        self._path = path
        self._ledger = ledger
        # One thread may ask further while it holds the file as of one moment.
        self._lock = threading.RLock()
        self._connection = open_database(path)
        try:
            with storage_errors(path):
                self._begin()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def as_of_now(self) -> Generator[None]:
        """Inside the block ``head`` and ``load`` tell of one moment; another process may go on. Raises StorageError."""
        with self._lock, storage_errors(self._path), snapshot(self._connection):
            yield

    def head(self) -> Head:
        """The head as stored. Raises StorageError, ChainError."""
        with self._lock, storage_errors(self._path):
            return self._head()

    def load(self) -> Iterator[Kept]:
        """Every entry kept, in order; the last is followed by ChainError when they are not those the head tells of.

        Raises StorageError. Inside ``as_of_now`` alone: what another process wrote in between would look altered.
        """
        with self._lock, storage_errors(self._path):
            expected, chain = self._head().chain, self._ledger
            rows = self._connection.execute(
                "SELECT ledger_index, witnessed_at, entry, entries.document, documents.document FROM entries"
                " LEFT JOIN documents ON digest = entries.document ORDER BY ledger_index"
            )
            for row in rows:
                kept = Kept(*row)
                chain = _linked(chain, kept)
                yield kept
            if not hmac.compare_digest(chain, expected):
                raise self._broken()

    def rules(self) -> int:
        """The edition of the rules by which its entries were kept. Raises StorageError, ChainError."""
        with self._lock, storage_errors(self._path):
            row = self._connection.execute("SELECT rules FROM head").fetchone()
        if row is None:
            raise self._broken()
        return cast("int", row[0])

    def entry(self, index: int) -> bytes | None:
        """The entry kept under a ledger index. Raises StorageError."""
        return self._single("SELECT entry FROM entries WHERE ledger_index = ?", index)

    def root_at(self, size: int) -> bytes | None:
        """The root that the ledger had at a size up to which it was read lately. Raises StorageError."""
        return self._single("SELECT root FROM roots WHERE size = ?", size)

    def receipts(self) -> list[Receipt]:
        """What is kept of the ledger's receipts, by size. Raises StorageError."""
        with self._lock, storage_errors(self._path):
            rows = self._connection.execute(
                "SELECT size, root, note, kept_at FROM receipts ORDER BY size, root"
            )
            return [Receipt(*row) for row in rows]

    def keep_receipt(self, receipt: Receipt) -> None:
        """Keep a receipt, durably; one of that size and root is there already. Raises StorageError."""
        with self._lock, storage_errors(self._path), transaction(self._connection):
            self._connection.execute(
                "INSERT OR IGNORE INTO receipts VALUES (?, ?, ?, ?)",
                (receipt.size, receipt.root, receipt.note, receipt.kept_at),
            )

    def forget_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Keep these no longer. Raises StorageError."""
        with self._lock, storage_errors(self._path), transaction(self._connection):
            self._forget(receipts)

    def write(
        self,
        before: Head,
        frontier: Frontier,
        kept: Sequence[Kept],
        sign: Callable[[], bytes],
        met: Sequence[Receipt] = (),
    ) -> Head:
        """Add ``kept`` and move the head from ``before`` to ``frontier``, durably and altogether; the new head.

        What ``sign`` gives is stored with it; it is called when everything else is written and nothing is committed.
        The receipts that were ``met`` are kept no longer. Raises StorageError, also when another process moved the
        head; whatever ``sign`` raises undoes it.
        """
        with self._lock, storage_errors(self._path), transaction(self._connection):
            self._require_alone(before)
            self._forget(met)
            return self._write(before, frontier, kept, sign)

    def replace(self, before: Head, kept: Sequence[Kept]) -> Head:
        """Keep ``kept`` in place of what was kept up to the head ``before``, by the rules of now; the new head.

        Raises StorageError.
        """
        with self._lock, storage_errors(self._path), transaction(self._connection):
            self._require_alone(before)
            self._connection.execute("DELETE FROM entries")
            self._connection.execute("DELETE FROM documents")
            head = Head(before.frontier, before.signed, self._keep(self._ledger, kept))
            self._connection.execute("UPDATE head SET chain = ?, rules = ?", (head.chain, RULES))
            return head

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _write(
        self, before: Head, frontier: Frontier, kept: Sequence[Kept], sign: Callable[[], bytes]
    ) -> Head:
        execute = self._connection.execute
        chain = self._keep(before.chain, kept)
        execute("INSERT OR REPLACE INTO roots VALUES (?, ?)", (frontier.size, frontier.root()))
        execute(
            "DELETE FROM roots WHERE size <= (SELECT size FROM roots ORDER BY size DESC LIMIT 1 OFFSET ?)",
            (_ROOTS_KEPT,),
        )
        head = Head(frontier, sign(), chain)
        execute(
            "UPDATE head SET frontier = ?, signed = ?, chain = ?", (frontier.to_bytes(), head.signed, chain)
        )
        return head

    def _keep(self, chain: bytes, kept: Sequence[Kept]) -> bytes:
        """Add to what is kept; the chain's new end."""
        many = self._connection.executemany
        many(
            "INSERT OR IGNORE INTO documents VALUES (?, ?)",
            [(one.digest, one.document) for one in kept if one.digest is not None],
        )
        many(
            "INSERT INTO entries VALUES (?, ?, ?, ?)",
            [(one.index, one.witnessed_at, one.entry, one.digest) for one in kept],
        )
        for one in kept:
            chain = _linked(chain, one)
        return chain

    def _require_alone(self, before: Head) -> None:
        if self._head() != before:
            raise StorageError(
                f"Another process has written to the ledger's replica {self._path.name}.",
                "Let one process alone use it, and start it again.",
            )

    def _forget(self, receipts: Sequence[Receipt]) -> None:
        keys = [(receipt.size, receipt.root) for receipt in receipts]
        self._connection.executemany("DELETE FROM receipts WHERE size = ? AND root = ?", keys)

    def _begin(self) -> None:
        execute, empty = self._connection.execute, Frontier.empty()
        with transaction(self._connection):
            if execute("SELECT (SELECT count(*) FROM head) + (SELECT count(*) FROM roots)").fetchone() == (
                0,
            ):
                execute("INSERT INTO roots VALUES (?, ?)", (empty.size, empty.root()))
                start = (self._ledger, empty.to_bytes(), b"", self._ledger, RULES)
                execute("INSERT INTO head VALUES (1, ?, ?, ?, ?, ?)", start)
            self._require_whole()

    def _require_whole(self) -> None:
        """In one transaction, or what another process writes between two readings would look altered."""
        execute = self._connection.execute
        (ledger,) = execute("SELECT ledger FROM head").fetchone() or (b"",)
        if not hmac.compare_digest(ledger, self._ledger):
            raise ChainError(
                f"The replica {self._path.name} is of another ledger, or was made under other keys.",
                "Compare origin and keys in the settings with those it was made with.",
            )
        frontier = self._head().frontier
        last = execute("SELECT size, root FROM roots ORDER BY size DESC LIMIT 1").fetchone()
        if last != (frontier.size, frontier.root()):
            raise self._broken()

    def _head(self) -> Head:
        row = self._connection.execute("SELECT frontier, signed, chain FROM head").fetchone()
        if row is None:
            raise self._broken()
        frontier, signed, chain = row
        try:
            return Head(Frontier.from_bytes(frontier), signed, chain)
        except MessageError:
            raise self._broken() from None

    def _single(self, query: str, value: int) -> bytes | None:
        with self._lock, storage_errors(self._path):
            row = self._connection.execute(query, (value,)).fetchone()
        return None if row is None else cast("bytes", row[0])

    def _broken(self) -> ChainError:
        return ChainError(
            f"The ledger's replica {self._path.name} does not hold what was written to it.",
            "Keep it for inquiry, move it away, and have a new one read from the ledger.",
        )


def _linked(chain: bytes, kept: Kept) -> bytes:
    return digest(
        "replica-entry",
        chain,
        uint(kept.index, 8),
        uint(kept.witnessed_at, 8),
        kept.entry,
        kept.digest or b"",
    )
