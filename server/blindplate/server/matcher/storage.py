"""The matcher's database: one writer that commits in groups, many readers.

Guarantees that ``write`` returns only after a commit that survives a loss of power (SQLite: WAL with
synchronous=FULL), that works waiting at once share one commit, and that a refused work takes nothing of the others
with it. Freed pages are overwritten (secure_delete). Does not overwrite what the file system has moved elsewhere.
"""

from __future__ import annotations

import os
import queue
import shutil
import sqlite3
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from blindplate.core.errors import BlindplateError, StorageError, UnavailableError
from blindplate.edge.logs import log
from blindplate.server.matcher.migrations import migrate

_GROUP: Final = 256
# One for each thread that reads, so that none waits for another's.
_CONNECTIONS: Final = 40
_WAIT_MS: Final = 10_000
_CHECKPOINT_WAIT_MS: Final = 100
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "foreign_keys=ON",
    f"busy_timeout={_WAIT_MS}",
)
T = TypeVar("T")


@dataclass(slots=True)
class _Work:
    run: Callable[[Connection], Any]
    outcome: Future[Any]


class Database:
    """One SQLite file in the matcher's own folder, its schema brought up to date when opened."""

    def __init__(self, path: Path, *, min_free_bytes: int = 0) -> None:
        """Open or make the database. Raises StorageError."""
        self._folder = path.parent
        self._min_free_bytes = min_free_bytes
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made here, so that the mode is right from the first byte; SQLite gives its other files the same mode.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._readers = _engine(path, "BEGIN")
            self._writer = _engine(path, "BEGIN IMMEDIATE")
            with self._writer.begin() as connection:
                migrate(connection)
        except (SQLAlchemyError, OSError) as error:
            raise _storage_error(error) from None
        self._thread = threading.Thread(target=self._write_groups, name="writer", daemon=True)
        self._thread.start()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and give its result once that is durable.

        An error of our tree that ``work`` raises undoes that work alone and comes out here. Raises StorageError
        when the disk is full or the database fails: then nothing of ``work`` was kept.
        """
        outcome: Future[T] = Future()
        if self._closed.is_set():
            raise UnavailableError("The matcher is shutting down.")
        self._queue.put(_Work(work, outcome))
        return outcome.result()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection that sees one state of the database. Raises StorageError when the database fails."""
        try:
            with self._readers.begin() as connection:
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _storage_error(error) from None

    def require_room(self) -> None:
        """Raise StorageError when so little disk is free that erasing might fail next."""
        if shutil.disk_usage(self._folder).free < self._min_free_bytes:
            raise StorageError("The matcher's disk is nearly full: nothing was taken.", "Make room.")

    def truncate_log(self) -> bool:
        """Move the write-ahead log into the database and cut it to nothing; False while a reader still needs it."""
        try:
            with self._readers.connect() as connection:
                raw: Any = connection.connection.driver_connection
                # It holds up the writer while it waits for readers: rather come back than wait long.
                raw.execute(f"PRAGMA busy_timeout={_CHECKPOINT_WAIT_MS}")
                busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                raw.execute(f"PRAGMA busy_timeout={_WAIT_MS}")
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _storage_error(error) from None
        return not busy

    def close(self) -> None:
        """Commit what waits and close. Later writes raise UnavailableError."""
        if not self._closed.is_set():
            self._closed.set()
            self._queue.put(None)
            self._thread.join()
            self._readers.dispose()
            self._writer.dispose()

    def _write_groups(self) -> None:
        while True:
            group: list[_Work] = []
            last = self._collect(group)
            if group:
                self._write_group(group)
            if last:
                return

    def _collect(self, group: list[_Work]) -> bool:
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == _GROUP or self._queue.empty():
                return False
            item = self._queue.get()
        return True

    def _write_group(self, group: list[_Work]) -> None:
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._writer.begin() as connection:
                results.extend(_attempt(connection, work) for work in group)
        except Exception as error:  # noqa: BLE001  whatever it is, who waits must hear of it and the writer live on
            failure = _storage_error(error)
            for work in group:
                work.outcome.set_exception(failure)
            return
        for outcome, value, refusal in results:
            if refusal is None:
                outcome.set_result(value)
            else:
                outcome.set_exception(refusal)


def _attempt(connection: Connection, work: _Work) -> tuple[Future[Any], Any, BaseException | None]:
    try:
        with connection.begin_nested():
            return work.outcome, work.run(connection), None
    except (SQLAlchemyError, sqlite3.Error):
        # A full disk may have ended the whole transaction: nothing of the group counts.
        raise
    except BlindplateError as error:
        return work.outcome, None, error
    except Exception as error:  # noqa: BLE001  handed to the caller, whose thread it belongs to; the writer must live on
        return work.outcome, None, error


def _engine(path: Path, begin: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=_CONNECTIONS,
        # A failed statement's values stay out of the exception's text.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver would begin transactions late and break savepoints: SQLAlchemy begins them itself, below.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    del prepare, start
    return engine


def _storage_error(error: Exception) -> StorageError:
    log().error("storage", error=error, cause=type(getattr(error, "orig", None)).__name__)
    return StorageError(
        "The matcher's database refuses to work; nothing was acknowledged.", "Make room or mend the disk."
    )
