"""The ledger's private head: which checkpoint it signed last, and the entries that are not yet among its public files.

One SQLite file (WAL, synchronous=FULL), with long appends in a file beside it (``staging``), durable before the commit
that names them. A commit moves the head from one signed checkpoint to the next and keeps the new entries with it:
either both are durable or neither is. Guarantees that the head moves only from the checkpoint the caller named (compare
and swap), whoever else has the file open. After an error both are to be opened anew: that writes everything the log of
the last one holds into the file and syncs it, so that nothing is believed durable which only the page cache holds.
Protocol section 7.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.core.errors import BlindplateError, ForkError, SettingsError, StorageError
from blindplate.server.ledger.staging import Staging

_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1), note BLOB NOT NULL, size INTEGER NOT NULL, published INTEGER NOT NULL
);
CREATE TABLE pending (first INTEGER PRIMARY KEY, entries BLOB, begin INTEGER, length INTEGER);
CREATE TABLE pending_documents (digest BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE leaves (key INTEGER PRIMARY KEY, entry INTEGER NOT NULL);
CREATE TABLE kept (entry INTEGER PRIMARY KEY, content BLOB NOT NULL);
"""
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "wal_autocheckpoint=4000")
_ASKED_AT_ONCE: Final = 500
_STAGED_BYTES: Final = 1 << 16
_KEY_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The signed note of the newest checkpoint, its size, and how many entries the public files have."""

    note: bytes
    size: int
    published: int


@dataclass(frozen=True, slots=True)
class Move:
    """What one commit brings: from one note to the next.

    ``pieces`` are pieces of bundles by their first entry's index, ``documents`` by digest, ``kept`` by index the entries
    that decide what later ones may say.
    """

    old_note: bytes
    new_note: bytes
    size: int
    pieces: Sequence[tuple[int, bytes]]
    documents: Mapping[bytes, bytes]
    kept: Sequence[tuple[int, bytes]]


class Head:
    """The head's file. Not locked: for one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises SettingsError when there is none, StorageError."""
        self._path = path
        self._staging, self._connection = self._open()

    @classmethod
    def create(cls, path: Path, note: bytes) -> Head:
        """Make the file for a ledger without entries, whose checkpoint ``note`` is. Raises StorageError, SettingsError."""
        if path.exists():
            raise SettingsError(f"There is a ledger's head at {path} already.", "Choose another place.")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise StorageError(f"The ledger's head cannot be made: {error.strerror}.") from None
        with _database():
            connection = _connect(path)
            connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT"
            )
            connection.execute("INSERT INTO head VALUES (1, ?, 0, 0)", (note,))
            connection.close()
        return cls(path)

    def reopen(self) -> None:
        """Close the file and open it anew, as after an error one must. Raises StorageError."""
        self.close()
        self._staging, self._connection = self._open()

    def close(self) -> None:
        """Close both files."""
        with suppress(sqlite3.Error):
            self._connection.close()
        with suppress(OSError):
            self._staging.close()

    def read(self) -> HeadRow:
        """The head. Raises StorageError."""
        with _database():
            row = self._connection.execute("SELECT note, size, published FROM head").fetchone()
        if row is None:
            raise StorageError("The ledger's head is empty.", "Restore it from its backup.")
        return HeadRow(*row)

    def move(self, move: Move) -> None:
        """Move the head, durably. Raises ForkError when it is not where ``move`` begins, StorageError."""
        pieces = self._staged(move.pieces)
        with self._transaction() as connection:
            swapped = connection.execute(
                "UPDATE head SET note = ?, size = ? WHERE id = 1 AND note = ?",
                (move.new_note, move.size, move.old_note),
            )
            if swapped.rowcount != 1:
                raise ForkError("The ledger's head was moved by another process.")
            connection.executemany("INSERT INTO pending VALUES (?, ?, ?, ?)", pieces)
            connection.executemany(
                "INSERT OR IGNORE INTO pending_documents VALUES (?, ?)", move.documents.items()
            )
            connection.executemany("INSERT INTO kept VALUES (?, ?)", move.kept)

    def settle(self, published: int, leaves: Iterable[tuple[bytes, int]], documents: Iterable[bytes]) -> None:
        """Note that ``published`` entries are among the public files, and forget what is. Raises StorageError.

        ``leaves`` are the leaf hashes and indices of the newly published entries, ``documents`` digests of documents.
        """
        with self._transaction() as connection:
            connection.execute("UPDATE head SET published = ? WHERE id = 1", (published,))
            connection.execute("DELETE FROM pending WHERE first < ?", (published,))
            connection.executemany(
                "DELETE FROM pending_documents WHERE digest = ?", [(one,) for one in documents]
            )
            # Of two entries with one key the first is found; the other one, sent again, would be entered again.
            connection.executemany(
                "INSERT OR IGNORE INTO leaves VALUES (?, ?)", ((_key(leaf), entry) for leaf, entry in leaves)
            )
            waits = connection.execute("SELECT 1 FROM pending LIMIT 1").fetchone()
        if waits is None:
            self._staging.reset()

    def pieces(self, begin: int, end: int) -> list[tuple[int, bytes]]:
        """What waits of the entries from ``begin`` to ``end``, in order. Raises StorageError."""
        query = (
            "SELECT first, entries, begin, length FROM pending WHERE first >= ? AND first < ? ORDER BY first"
        )
        with _database():
            rows = self._connection.execute(query, (begin, end)).fetchall()
        return [
            (first, self._staging.read(at, length) if entries is None else entries)
            for first, entries, at, length in rows
        ]

    def documents(self) -> dict[bytes, bytes]:
        """The documents that are not yet among the public files. Raises StorageError."""
        with _database():
            return dict(self._connection.execute("SELECT digest, content FROM pending_documents"))

    def find(self, leaves: Sequence[bytes]) -> dict[bytes, int]:
        """Where published entries with these leaf hashes may stand: told by the hashes' first 8 bytes alone.

        Raises StorageError.
        """
        by_key = {_key(leaf): leaf for leaf in leaves}
        keys = list(by_key)
        found: dict[bytes, int] = {}
        with _database():
            for at in range(0, len(keys), _ASKED_AT_ONCE):
                asked = keys[at : at + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(asked))
                query = f"SELECT key, entry FROM leaves WHERE key IN ({marks})"  # noqa: S608  question marks alone
                found.update((by_key[key], entry) for key, entry in self._connection.execute(query, asked))
        return found

    def kept(self) -> Iterator[tuple[int, bytes]]:
        """The entries that were kept, by index and in order. Raises StorageError."""
        with _database():
            yield from self._connection.execute("SELECT entry, content FROM kept ORDER BY entry")

    def kept_between(self, first: int, end: int) -> list[int]:
        """The indices of those kept from ``first`` to before ``end``, in order. Raises StorageError."""
        chosen = "SELECT entry FROM kept WHERE entry >= ? AND entry < ? ORDER BY entry"
        with _database():
            return [entry for (entry,) in self._connection.execute(chosen, (first, end))]

    def indexed(self) -> Iterator[int]:
        """Every entry that ``find`` finds, in no order. Raises StorageError."""
        with _database():
            for (entry,) in self._connection.execute("SELECT entry FROM leaves"):
                yield entry

    def _staged(self, pieces: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes | None, int, int]]:
        """The pieces as rows, long ones written to the file beside."""
        if sum(len(entries) for _, entries in pieces) < _STAGED_BYTES:
            return [(first, entries, 0, len(entries)) for first, entries in pieces]
        at = self._staging.write(b"".join(entries for _, entries in pieces))
        rows: list[tuple[int, bytes | None, int, int]] = []
        for first, entries in pieces:
            rows.append((first, None, at, len(entries)))
            at += len(entries)
        return rows

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with _database():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _open(self) -> tuple[Staging, sqlite3.Connection]:
        if not self._path.exists():
            raise SettingsError(
                f"There is no ledger's head at {self._path}.",
                "Restore it from its backup. A new one would be another ledger: `blindplate init` makes such.",
            )
        # First, since it keeps every other process out.
        staging = Staging(self._path.with_name(f"{self._path.name}-staging"))
        try:
            with _database():
                connection = _connect(self._path)
                staging.reset(_prepare(connection))
        except BlindplateError:
            staging.close()
            raise
        return staging, connection


def _prepare(connection: sqlite3.Connection) -> int:
    """Write all that the log of the last process holds into the file; where the staged bytes that count end."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != _SCHEMA_VERSION:
            raise SettingsError("The ledger's head is of another version of this software, or no head.")
        # A commit whose sync failed may be readable from the page cache and yet not be on the disk.
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StorageError("Another process keeps the ledger's head open.", "Stop it, then start again.")
        staged = "SELECT coalesce(max(begin + length), 0) FROM pending WHERE entries IS NULL"
        (end,) = connection.execute(staged).fetchone()
    except BaseException:
        connection.close()
        raise
    return int(end)


def _key(leaf: bytes) -> int:
    # SQLite's integers have a sign.
    return int.from_bytes(leaf[:_KEY_BYTES], "big", signed=True)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _database() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(
            f"The ledger's head cannot be read or written ({type(error).__name__}): nothing was acknowledged.",
            "Make room or mend the disk.",
        ) from None
