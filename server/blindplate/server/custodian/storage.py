"""The custodian's database: SQLite in WAL mode with every commit on disk before it counts, brought up to date at start.

Guarantees that a transaction of ``writing`` is whole or not at all, is durable when the block ends, and that no
other writer acts between its reads and its writes. Statements keep to what PostgreSQL knows as well. A full disk
or a locked database becomes StorageError.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from blindplate.core.errors import StorageError

_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_WRITES: Final = "blindplate_writes"
# One connection for each thread of the server and the keeper, so that none waits for another's.
_CONNECTIONS: Final = 32
_BUSY_SECONDS: Final = 10


def open_database(path: Path) -> Engine:
    """Open the SQLite database at ``path``, made with mode 0600 if it is new, and migrate it. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(
            f"The database {path} cannot be opened: {error.strerror}.", "Make room or mend the disk."
        ) from None
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=_CONNECTIONS,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        # A failed statement's values stay out of the exception's text.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return engine


@contextmanager
def writing(engine: Engine) -> Generator[Connection, None, None]:
    """A transaction that holds the write lock from its first statement. Raises StorageError."""
    with _stored(), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Generator[Connection, None, None]:
    """A transaction that sees one state of the database and waits for no writer. Raises StorageError."""
    with _stored(), engine.connect() as connection:
        yield connection


def truncate_log(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, which holds pages as they were before an erasure.

    Raises StorageError, also when a reader kept it from being emptied: call it again.
    """
    with _stored(), engine.connect() as connection:
        # Outside a transaction: a checkpoint inside one sees its own lock.
        raw = connection.connection.driver_connection
        busy = raw is None or raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StorageError("The write-ahead log is in use and was not emptied.", "It is tried again.")


@contextmanager
def _stored() -> Generator[None, None, None]:
    try:
        yield
    # The driver's own errors come through where its connection is used directly.
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StorageError(
            f"The custodian's database refused to work ({type(error).__name__}).",
            "Make room or mend the disk; then try again.",
        ) from None


def _configure(connection: Any, _record: object) -> None:
    # The driver's own idea of when to begin is off: ``_begin`` decides.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        # An erased sealed reply is overwritten, not only unlinked.
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
