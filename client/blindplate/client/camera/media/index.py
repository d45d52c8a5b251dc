"""Which sealed files there are, until when, and which record's media they are.

Guarantees that what was put in is durable (SQLite, synchronous=FULL), that times are coarse to ten minutes and rows lie
in random order, and that nothing here opens anything: references, tokens and the keys of bundles are random to who has
only them, and the keys of the files are nowhere. Whoever holds this file sees which references are of one read.
One process at a time. Protocol section 4 (G1).
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blindplate.client.camera.media.private_files import make_private
from blindplate.core.errors import StorageError
from blindplate.edge.free_pages import remains

_COARSE_MS: Final = 600_000
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE files (
    name BLOB PRIMARY KEY, -- random
    size INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_end ON files (until_ms);
CREATE TABLE offers (
    reference BLOB PRIMARY KEY,
    token BLOB NOT NULL,
    bundle_key BLOB NOT NULL,
    until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX offers_by_end ON offers (until_ms);
CREATE TABLE offered (
    reference BLOB NOT NULL REFERENCES offers ON DELETE CASCADE,
    place INTEGER NOT NULL,
    file BLOB NOT NULL REFERENCES files ON DELETE CASCADE,
    PRIMARY KEY (reference, place)
) WITHOUT ROWID;
CREATE INDEX offered_by_file ON offered (file);
CREATE TRIGGER offers_whole AFTER DELETE ON offered BEGIN -- one that lacks a file can be of no use
    DELETE FROM offers WHERE reference = OLD.reference;
END;
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """The media of one record: by what they are asked for, what shows whose they are, and how they are handed over.

    ``reference`` is 16 bytes, ``token`` and ``bundle_key`` 32; ``files`` are names, in the payload's order. ``until`` is in
    seconds since 1970 (UTC).
    """

    reference: bytes
    token: bytes = field(repr=False)
    bundle_key: bytes = field(repr=False)
    files: tuple[bytes, ...]
    until: float


class MediaIndex:
    """Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raises StorageError."""
        self._lock = threading.Lock()
        self._path = path
        make_private(path)
        with _storage_errors():
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._prepare()

    def add_file(self, name: bytes, size: int, until: float) -> None:
        """A sealed file is there. Raises StorageError."""
        with self._writing():
            self._connection.execute("INSERT INTO files VALUES (?, ?, ?)", (name, size, _coarse(until)))

    def add_offers(self, offers: Sequence[Offer]) -> None:
        """Keep ``offers``, but those one of whose files has gone meanwhile. Raises StorageError."""
        with self._writing():
            for offer in offers:
                if not all(map(self._has, offer.files)):
                    continue
                self._connection.execute(
                    "INSERT OR IGNORE INTO offers VALUES (?, ?, ?, ?)",
                    (offer.reference, offer.token, offer.bundle_key, _coarse(offer.until)),
                )
                self._connection.executemany(
                    "INSERT OR IGNORE INTO offered VALUES (?, ?, ?)",
                    [(offer.reference, place, name) for place, name in enumerate(offer.files)],
                )

    def find(self, references: Iterable[bytes]) -> list[Offer]:
        """Those of ``references`` that are of records of this camera, and whose media are still here."""
        found: list[Offer] = []
        with self._lock, _storage_errors():
            for reference in references:
                row = self._connection.execute(
                    "SELECT token, bundle_key, until_ms FROM offers WHERE reference = ?", (reference,)
                ).fetchone()
                if row is not None:
                    files = self._connection.execute(
                        "SELECT file FROM offered WHERE reference = ? ORDER BY place", (reference,)
                    )
                    names = tuple(name for (name,) in files)
                    found.append(Offer(reference, row[0], row[1], names, row[2] / 1000))
        return found

    def forget(self, reference: bytes) -> None:
        """The media of this reference were handed over. Their files stay: others may ask for them yet."""
        with self._writing():
            self._connection.execute("DELETE FROM offers WHERE reference = ?", (reference,))

    def has_offers(self) -> bool:
        """Whether anything could be asked for."""
        with self._lock, _storage_errors():
            return self._connection.execute("SELECT 1 FROM offers LIMIT 1").fetchone() is not None

    def names(self) -> set[bytes]:
        """The names of all files."""
        with self._lock, _storage_errors():
            return {name for (name,) in self._connection.execute("SELECT name FROM files")}

    def total(self) -> int:
        """How many bytes all files have."""
        with self._lock, _storage_errors():
            (found,) = self._connection.execute("SELECT coalesce(sum(size), 0) FROM files").fetchone()
            return int(found)

    def ends(self) -> list[float]:
        """The ends of all files and offers (seconds since 1970, UTC)."""
        with self._lock, _storage_errors():
            rows = self._connection.execute(
                "SELECT until_ms FROM files UNION ALL SELECT until_ms FROM offers"
            ).fetchall()
        return [until_ms / 1000 for (until_ms,) in rows]

    def remains(self) -> int:
        """How many free pages of the file are not zero, its log emptied before. Raises StorageError."""
        with self._lock, _storage_errors():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return remains(self._path)

    def drop_ended(self, now: float) -> list[bytes]:
        """Forget what has reached its end; the names of the files."""
        with self._writing():
            moment = (int(now * 1000),)
            rows = self._connection.execute("SELECT name FROM files WHERE until_ms <= ?", moment)
            names = [name for (name,) in rows]
            for table in ("offers", "files"):
                self._connection.execute(f"DELETE FROM {table} WHERE until_ms <= ?", moment)  # noqa: S608  two names
            return names

    def drop_oldest(self, over: int) -> list[bytes]:
        """Forget the files that end first until ``over`` bytes are gone; their names."""
        with self._writing():
            rows = self._connection.execute("SELECT name, size FROM files ORDER BY until_ms, name")
            gone: list[bytes] = []
            for name, size in rows:
                if over <= 0:
                    break
                over -= size
                gone.append(name)
            self._connection.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in gone])
            return gone

    def drop(self, name: bytes) -> None:
        """Forget one file."""
        with self._writing():
            self._connection.execute("DELETE FROM files WHERE name = ?", (name,))

    def close(self) -> None:
        """Fold the log into the database and close it."""
        with self._lock, _storage_errors():
            self._connection.close()

    def _has(self, name: bytes) -> bool:
        return self._connection.execute("SELECT 1 FROM files WHERE name = ?", (name,)).fetchone() is not None

    def _prepare(self) -> None:
        execute = self._connection.execute
        for pragma in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            "temp_store = MEMORY",
            "foreign_keys = ON",
            # Else a deletion that a foreign key causes would not fire the trigger.
            "recursive_triggers = ON",
        ):
            execute(f"PRAGMA {pragma}")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise StorageError(
                "The index of media was written by another version.", "Remove the folder of media."
            )
        if version == 0:
            self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")

    @contextmanager
    def _writing(self) -> Generator[None]:
        with self._lock, _storage_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def new_name() -> bytes:
    """A random name of a file: 16 bytes."""
    return secrets.token_bytes(16)


def _coarse(until: float) -> int:
    return -(-int(until * 1000) // _COARSE_MS) * _COARSE_MS


@contextmanager
def _storage_errors() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StorageError(
            f"The index of media refuses to work ({name}).",
            "Make room on its disk, see that no other camera process uses it; then it goes on by itself.",
        ) from None
