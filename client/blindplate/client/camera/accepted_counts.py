"""How many records of each list the matcher has accepted: two small tables beside the spool's.

Numbers say nothing of any vehicle; no time is kept but when they began. Every function runs inside the caller's
transaction. Protocol section 7.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.core.errors import StorageError

SCHEMA: Final = """
CREATE TABLE accepted (list TEXT PRIMARY KEY, records INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counting (since INTEGER NOT NULL);
"""
# So many numbers fit a statement of any SQLite.
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class AcceptedCounts:
    """Records accepted by the matcher, by list, in all since ``since`` (seconds since 1970, UTC)."""

    since: int
    records: Mapping[str, int]


def begin(connection: sqlite3.Connection, now: float) -> None:
    """Let the counts begin ``now``, unless they have begun."""
    connection.execute("INSERT INTO counting SELECT ? WHERE NOT EXISTS (SELECT * FROM counting)", (int(now),))


def add(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Count the spooled wires of these ``numbers``, before they are erased."""
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        places = ", ".join("?" * len(some))
        connection.execute(
            f"INSERT INTO accepted SELECT list, count(*) FROM wires WHERE id IN ({places}) GROUP BY list"  # noqa: S608  question marks alone
            " ON CONFLICT (list) DO UPDATE SET records = records + excluded.records",
            some,
        )


def read(connection: sqlite3.Connection) -> AcceptedCounts:
    """The counts as they stand. Raises StorageError when they have not begun."""
    begun = connection.execute("SELECT since FROM counting").fetchone()
    if begun is None:
        raise StorageError("The spool's counts have not begun.")
    rows = connection.execute("SELECT list, records FROM accepted ORDER BY list").fetchall()
    return AcceptedCounts(begun[0], dict(rows))
