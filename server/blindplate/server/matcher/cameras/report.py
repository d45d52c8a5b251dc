"""What the matcher's database says of its cameras, read beside the running matcher and without changing anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from blindplate.core.errors import StorageError
from blindplate.server.matcher.cameras import store
from blindplate.server.matcher.cameras.store import Seen
from blindplate.server.matcher.cameras.usual import HOUR_SECONDS, usual_rate


@dataclass(frozen=True, slots=True)
class CameraReport:
    """A camera by the end of its SPIFFE id; ``usual_per_hour`` passes are usual now, None where that is not known."""

    name: str
    seen: Seen
    usual_per_hour: float | None


def report(database: Path, now: float) -> list[CameraReport]:
    """Every camera that ever gave a sign of life, by name. Raises StorageError."""
    with _reading(database) as connection:
        return [
            CameraReport(
                identity.rsplit("/", 1)[-1],
                seen,
                None if rate is None else HOUR_SECONDS * rate,
            )
            for identity, seen in sorted(store.everything(connection).items())
            for rate in [usual_rate(store.history(connection, identity), int(now // HOUR_SECONDS))]
        ]


@contextmanager
def _reading(database: Path) -> Generator[Connection]:
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True),
        hide_parameters=True,
    )
    try:
        with engine.connect() as connection:
            yield connection
    except (SQLAlchemyError, sqlite3.Error):
        raise StorageError(
            f"The matcher's database {database} cannot be read.",
            "Start the matcher once, and ask as the user it runs as.",
        ) from None
    finally:
        engine.dispose()
