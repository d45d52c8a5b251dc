"""The spool: sealed records on disk until the matcher has acknowledged them, and how many it has accepted.

Guarantees that what ``add`` returned from is durable (SQLite, write-ahead log, synchronous=FULL), that nothing is
written but wires already sealed, a random number, the list, the time to send and whether it was refused for the time
being, that rows lie in random order, and that an accepted record is counted once, when it is erased. Beside the wires
there are only these counts, by list and without times, and when they began.
Deleted content is overwritten. Bounded: a full spool, like a full disk, is a StorageError and nothing was stored.
One process at a time. Protocol section 4 (G1, G8).
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blindplate.client.camera import accepted_counts
from blindplate.client.camera.accepted_counts import AcceptedCounts
from blindplate.core.errors import StorageError
from blindplate.edge.free_pages import remains

_VERSION: Final = 3
_WITHOUT_COUNTS: Final = 2
# Nobody else has business here: long enough for a process that is just ending.
_LOCK_SECONDS: Final = 1.0
_SCHEMA: Final = """
CREATE TABLE wires (
    id INTEGER PRIMARY KEY, -- random, so that neither number nor place on disk tells an order
    list TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    held INTEGER NOT NULL,
    wire BLOB NOT NULL
);
CREATE INDEX by_due ON wires (due_ms);
CREATE INDEX held_by_due ON wires (due_ms) WHERE held;
"""


@dataclass(frozen=True, slots=True)
class SpoolItem:
    """A sealed wire, and from when (seconds since 1970, UTC) it may be sent."""

    list_id: str
    due: float
    wire: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpooledWire:
    """A wire and its number in the spool. ``held``: the matcher refused it before, for the time being."""

    number: int
    held: bool
    wire: bytes = field(repr=False)


class Spool:
    """Safe to use from several threads."""

    def __init__(self, path: Path, limit: int) -> None:
        """Open or create the spool file, for at most ``limit`` wires. Raises StorageError."""
        self._lock = threading.Lock()
        self._path = path
        self._limit = limit
        with _storage_errors():
            _make_private(path)
            self._connection = sqlite3.connect(
                path, timeout=_LOCK_SECONDS, check_same_thread=False, isolation_level=None
            )
            self._prepare()
            self._size: int
            (self._size,) = self._connection.execute("SELECT count(*) FROM wires").fetchone()

    def add(self, items: Sequence[SpoolItem]) -> None:
        """Store all of ``items`` durably, or none. Raises StorageError."""
        with self._lock, _storage_errors():
            if self._size + len(items) > self._limit:
                raise StorageError(
                    f"The spool holds its limit of {self._limit:,} records.",
                    "See why the matcher takes none, or raise spool_limit.",
                )
            with self._transaction():
                self._connection.executemany(
                    "INSERT INTO wires VALUES (?, ?, ?, 0, ?)",
                    [(_number(), item.list_id, int(item.due * 1000), item.wire) for item in items],
                )
            self._size += len(items)

    def due(self, now: float, count: int, total_bytes: int) -> list[SpooledWire]:
        """Up to ``count`` wires, of ``total_bytes`` together unless one alone is larger, whose time has come."""
        found: list[SpooledWire] = []
        with self._lock, _storage_errors():
            rows = self._connection.execute(
                "SELECT id, held, wire FROM wires WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
                (int(now * 1000), count),
            )
            for number, held, wire in rows:
                total_bytes -= len(wire)
                if found and total_bytes < 0:
                    break
                found.append(SpooledWire(number, bool(held), wire))
        return found

    def after(self, number: int, count: int) -> list[SpooledWire]:
        """Up to ``count`` wires numbered above ``number``, in order of their numbers, whenever they may be sent."""
        with self._lock, _storage_errors():
            rows = self._connection.execute(
                "SELECT id, held, wire FROM wires WHERE id > ? ORDER BY id LIMIT ?", (number, count)
            )
            return [SpooledWire(found, bool(held), wire) for found, held, wire in rows]

    def remains(self) -> int:
        """How many free pages of the file are not zero, its log emptied before. Raises StorageError."""
        with self._lock, _storage_errors():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return remains(self._path)

    def remove(self, numbers: Sequence[int], accepted: Collection[int] = ()) -> None:
        """Erase wires, and count those of them that were ``accepted``, in one transaction.

        Raises StorageError; then all of them are still there and none is counted.
        """
        with self._lock, _storage_errors():
            self._change(lambda: self._erase(numbers, list(accepted)))
            self._size -= len(numbers)
            if self._size == 0:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def hold(self, until: Mapping[int, float]) -> None:
        """Keep wires that were refused for the time being, each until when (seconds since 1970, UTC).

        Raises StorageError.
        """
        rows = [(int(moment * 1000), number) for number, moment in until.items()]
        with self._lock, _storage_errors():
            self._change(
                lambda: self._connection.executemany(
                    "UPDATE wires SET held = 1, due_ms = ? WHERE id = ?", rows
                )
            )

    def pending(self, now: float) -> int:
        """How many wires are there to be sent, now or later, but for those held until later than ``now``."""
        with self._lock, _storage_errors():
            (held,) = self._connection.execute(
                "SELECT count(*) FROM wires WHERE held AND due_ms > ?", (int(now * 1000),)
            ).fetchone()
            return self._size - int(held)

    def count_from(self, now: float) -> None:
        """Let the counts of accepted records begin ``now``, unless they have begun. Raises StorageError."""
        with self._lock, _storage_errors(), self._transaction():
            accepted_counts.begin(self._connection, now)

    def accepted(self) -> AcceptedCounts:
        """The counts of accepted records. Raises StorageError, also when they have not begun."""
        with self._lock, _storage_errors():
            return accepted_counts.read(self._connection)

    def __len__(self) -> int:
        return self._size

    def close(self) -> None:
        """Fold the log into the database and close it."""
        with self._lock, _storage_errors():
            self._connection.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        # Held for as long as the process lives: a second camera on the same spool would send everything twice.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA secure_delete = ON")
        # Sorting must not spill to a file elsewhere.
        execute("PRAGMA temp_store = MEMORY")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version not in (0, _WITHOUT_COUNTS, _VERSION):
            raise StorageError(
                "The spool was written by another version.", "Empty it with that version first."
            )
        missing = {0: _SCHEMA + accepted_counts.SCHEMA, _WITHOUT_COUNTS: accepted_counts.SCHEMA}.get(version)
        if missing is not None:
            with self._transaction():
                for statement in missing.split(";")[:-1]:
                    execute(statement)
                execute(f"PRAGMA user_version = {_VERSION}")

    def _erase(self, numbers: Sequence[int], accepted: Sequence[int]) -> None:
        accepted_counts.add(self._connection, accepted)
        self._connection.executemany("DELETE FROM wires WHERE id = ?", [(number,) for number in numbers])

    def _change(self, work: Callable[[], object]) -> None:
        try:
            with self._transaction():
                work()
        except sqlite3.OperationalError:
            # On a full disk the log cannot grow. Folding it into the database frees it without needing room.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with self._transaction():
                work()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has rolled back by itself already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        # SQLite gives its log the mode the database has when the log is made: it must be right before that.
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"The spool cannot be made: {error.strerror}.",
            "Check the path and the disk of the camera's data.",
        ) from None


def _number() -> int:
    # A collision among 2**63 fails the primary key, the transaction and so the batch, which is then tried again.
    return secrets.randbits(63)


@contextmanager
def _storage_errors() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # SQLite's own texts name tables and states, never content; its symbolic name is steadier still.
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StorageError(
            f"The spool refuses to work ({name}).",
            "Make room on its disk, see that no other camera process uses it; then it goes on by itself.",
        ) from None
