"""A look at the matcher's tables: which rows are past their time.

Reads the database's file by a connection of its own that can change nothing, with queries of its own: not through what
erases. Guarantees that all rows are seen at one moment. Protocol sections 4 and 8, guarantee G7.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError
from blindplate.core.statements.erasures import Looked, Place

_WAIT_SECONDS: Final = 10.0
# Tables whose rows say themselves when they end.
_ENDING: Final[Mapping[Place, tuple[str, str]]] = {
    Place.RECORDS: ("records", "expires_ms"),
    Place.RECEIPTS: ("receipts", "expires_ms"),
    Place.ANSWERS: ("answers", "expires_ms"),
    Place.SEGMENTS: ("segments", "ends_ms"),
}
# Tables whose rows end with the record they are of.
_OF_RECORDS: Final[Mapping[Place, str]] = {
    Place.SLOTS: "slots",
    Place.WAITING: "waiting",
    Place.KEPT_TAGS: "kept_tags",
    Place.MEDIA: "media",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """What was seen in the tables, and what the files beside the database are held against.

    ``segments`` says when each segment ends (milliseconds since 1970, UTC), ``media`` when the record of each reference
    does, ``tagged`` of which lists and epochs there are tags.
    """

    looked: tuple[Looked, ...]
    segments: Mapping[bytes, int]
    media: Mapping[bytes, int]
    tagged: frozenset[tuple[str, str]]


def look_at_rows(database: Path, now: float, tolerance: float) -> Rows:
    """Look at the tables of ``database``. Raises StorageError."""
    try:
        with closing(
            sqlite3.connect(
                f"{database.resolve().as_uri()}?mode=ro",
                uri=True,
                timeout=_WAIT_SECONDS,
                isolation_level=None,
            )
        ) as connection:
            connection.execute("BEGIN")
            return Rows(
                tuple(_looked(connection, int(now * 1000), int(tolerance * 1000))),
                dict(connection.execute("SELECT segment_id, ends_ms FROM segments")),
                dict(
                    connection.execute("SELECT reference, expires_ms FROM media JOIN records USING (number)")
                ),
                frozenset(connection.execute("SELECT DISTINCT list_id, epoch FROM kept_tags")),
            )
    except sqlite3.Error as error:
        raise StorageError(
            f"The matcher's database {database.name} cannot be read: {error.sqlite_errorname}.",
            "Start the matcher once, and ask as the user it runs as.",
        ) from None


def _looked(connection: sqlite3.Connection, now_ms: int, tolerance_ms: int) -> Iterator[Looked]:
    ended = now_ms - tolerance_ms
    # Names of our own; what is looked for goes in as a value.
    for place, (table, column) in _ENDING.items():
        (items,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  a constant
        overdue, oldest = connection.execute(
            f"SELECT count(*), min({column}) FROM {table} WHERE {column} < ?",  # noqa: S608  constants
            (ended,),
        ).fetchone()
        yield _of(place, items, overdue, oldest, now_ms)
    for place, table in _OF_RECORDS.items():
        items, overdue, oldest = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE ends IS NULL OR ends < :ended), "  # noqa: S608  a constant
            f"min(ends) FILTER (WHERE ends < :ended) FROM (SELECT records.expires_ms AS ends FROM {table} "
            f"LEFT JOIN records ON records.number = {table}.number)",
            {"ended": ended},
        ).fetchone()
        yield _of(place, items, overdue, oldest, now_ms)


def _of(place: Place, items: int, overdue: int, oldest_ms: int | None, now_ms: int) -> Looked:
    seconds = 0 if oldest_ms is None else (now_ms - oldest_ms) // 1000
    return Looked(place=place, items=items, overdue=overdue, oldest_seconds=seconds)
