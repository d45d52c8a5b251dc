"""The SQLite database of a replica: made durable and for its owner alone, recognised again, its errors typed.

Guarantees that a file that is no replica, or one of another release, is refused and not written to. Protocol section 7.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError

_APPLICATION: Final = 0x626C7072
_VERSION: Final = 2
_FIRST_VERSION: Final = 1
_BUSY_SECONDS: Final = 10.0
_RECEIPTS: Final = (
    "CREATE TABLE receipts (size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL,"
    " kept_at INTEGER NOT NULL, PRIMARY KEY (size, root)) STRICT"
)
_TABLES: Final = (
    (
        "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), ledger BLOB NOT NULL, frontier BLOB NOT NULL,"
        " signed BLOB NOT NULL, chain BLOB NOT NULL, rules INTEGER NOT NULL DEFAULT 0) STRICT"
    ),
    (
        "CREATE TABLE entries (ledger_index INTEGER PRIMARY KEY, witnessed_at INTEGER NOT NULL, entry BLOB NOT NULL,"
        " document BLOB) STRICT"
    ),
    "CREATE TABLE documents (digest BLOB PRIMARY KEY, document BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE roots (size INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT",
    _RECEIPTS,
)
# What the first version lacks; rules 0 are those that it did not name.
_FROM_FIRST: Final = (_RECEIPTS, "ALTER TABLE head ADD COLUMN rules INTEGER NOT NULL DEFAULT 0")


def open_database(path: Path) -> sqlite3.Connection:
    """The database in ``path``, with its tables; mode 0600 when it is made here. Raises StorageError.

    Every commit is durable. The connection may be used by several threads, one at a time.
    """
    _make_private(path)
    with storage_errors(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """A writing transaction: committed at the end, undone by whatever is raised inside."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # After a commit there is none; a commit that failed may have left one or not.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None]:
    """A reading transaction: all that is read inside is of one moment, whatever another process writes meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def storage_errors(path: Path) -> Generator[None]:
    """Turn what SQLite raises inside into StorageError naming the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise _unusable(path, str(error)) from None


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    execute = connection.execute
    with transaction(connection):
        if not execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _TABLES:
                execute(statement)
            execute(f"PRAGMA application_id = {_APPLICATION}")
            execute(f"PRAGMA user_version = {_VERSION}")
        marks = _marks(connection)
        if marks == (_APPLICATION, _FIRST_VERSION):
            for statement in _FROM_FIRST:
                execute(statement)
            execute(f"PRAGMA user_version = {_VERSION}")
            marks = _marks(connection)
        if marks != (_APPLICATION, _VERSION):
            raise StorageError(
                f"The file {path.name} is no replica of a ledger that this release can read.",
                "Move it away: a new one is read from the ledger.",
            )
    execute("PRAGMA journal_mode = WAL")
    execute("PRAGMA synchronous = FULL")


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    """What says that a file is a replica, and of which version."""
    application, version = (
        connection.execute(f"PRAGMA {mark}").fetchone()[0] for mark in ("application_id", "user_version")
    )
    return application, version


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never opened when it is there: closing it again would drop the locks of whoever has it open in this process.
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from None


def _unusable(path: Path, why: str) -> StorageError:
    return StorageError(
        f"The ledger's replica {path.name} cannot be read or written: {why}.",
        "Make room or mend the disk; a replica that is torn is moved away and read anew.",
    )
