"""The owner's database file: SQLite, shared by the daemon and the commands, which are processes of their own.

Guarantees that what a writing block did is durable once it ends (WAL, synchronous=FULL) and done wholly or not at
all, that writers queue instead of failing, that file and folder are closed to others, that erased bytes are
overwritten (secure_delete), and that a full disk or a file of another schema is a StorageError. Keeps no secret
encrypted: that is the disk's task. Specified in docs/spec/owner.md section 3.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from blindplate.client.owner.locks import file_lock
from blindplate.client.owner.schema import make_schema
from blindplate.core.errors import StorageError

_FILE: Final = "owner.sqlite"
_LOCK: Final = "publishing.lock"
_OPENING: Final = "opening.lock"
_TAKING: Final = "answers.lock"
_ERASING: Final = "erasing.lock"
_BUSY_SECONDS: Final = 30.0
_WRITES: Final = "blindplate_writes"


class Store:
    """The open database. Safe to use from several threads; each block has a connection of its own."""

    def __init__(self, folder: Path) -> None:
        """Open or make the database in ``folder``. Raises StorageError when it cannot be."""
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            # Made here so that it is closed from its first moment; SQLite gives WAL and shared memory its mode.
            os.close(os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600))
            (folder / _FILE).chmod(0o600)
        except OSError as error:
            raise StorageError(
                f"The folder {folder} cannot be used: {error.strerror}.", "Name another in the settings."
            ) from None
        self._engine = _engine(folder / _FILE)
        # Two that make the file at once would refuse each other, instead of waiting, while one turns it to WAL.
        with file_lock(folder / _OPENING), self.writing() as connection:
            make_schema(connection, folder)

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A block that sees one unchanging state of the database. Raises StorageError."""
        with _storage_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A block in which this process alone writes; durable at its end, undone by an exception. Raises StorageError."""
        with _storage_errors(), self._engine.connect() as opened:
            connection = opened.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def publishing(self, *, wait: bool) -> Generator[bool]:
        """A block in which no other process publishes. False, at once, when one does and ``wait`` is false."""
        with file_lock(self.folder / _LOCK, wait=wait) as mine:
            yield mine

    @contextmanager
    def taking(self, *, wait: bool) -> Generator[bool]:
        """A block in which no other process takes answers. False, at once, when one does and ``wait`` is false."""
        with file_lock(self.folder / _TAKING, wait=wait) as mine:
            yield mine

    @contextmanager
    def erasing(self) -> Generator[None]:
        """A block in which no other process erases evidence, or has a hold on it entered. Waits for its turn."""
        with file_lock(self.folder / _ERASING):
            yield

    def empty_log(self) -> bool:
        """Move the write-ahead log into the database and cut it to nothing; whether nobody who was reading forbade it.

        Raises StorageError.
        """
        with _storage_errors(), self._engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            busy = raw is None or raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    @property
    def path(self) -> Path:
        """The database's file."""
        return self.folder / _FILE

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite+pysqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})

    def connected(raw: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions by itself, late and as readers; ``begun`` does it instead.
        raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            raw.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another wrote meanwhile: take the lock now.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    listeners: dict[str, Any] = {"connect": connected, "begin": begun}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    return engine


@contextmanager
def _storage_errors() -> Generator[None]:
    try:
        yield
    # The driver's own errors come through where its connection is used directly.
    except (DBAPIError, sqlite3.Error) as error:
        # The driver's text may quote what was to be written: only its kind is told.
        cause = error.orig if isinstance(error, DBAPIError) else error
        kind = getattr(cause, "sqlite_errorname", type(cause).__name__)
        raise StorageError(
            f"The owner's database refused ({kind}).", "Check the disk's room and health, then try again."
        ) from None
