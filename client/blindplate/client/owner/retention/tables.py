"""The tables of retention: legal holds, how much evidence was erased on which day, and what is to be entered of it.

They lie in the owner's database (``owner.tables``). Nothing in them tells of a vehicle. Specified in docs/spec/owner.md
section 8.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, String, Table

from blindplate.client.owner.tables import metadata

__all__ = ["erased_evidence", "holds", "metadata", "statements"]

# One hold a hit, as entered in the ledger last; ``until`` is in the past once it was ended. Goes with its hit.
holds: Final = Table(
    "holds",
    metadata,
    Column("hit_id", Integer, ForeignKey("hits.hit_id"), primary_key=True),
    Column("request_id", LargeBinary, nullable=False),
    Column("until", Float, nullable=False),
    Column("reason", String, nullable=False),
    Column("made_at", Integer, nullable=False),
    Column("ledger_index", Integer, nullable=False),
)

# Pieces of released evidence that were erased, by UTC day (YYYY-MM-DD) and zone, until the day's statement is made.
erased_evidence: Final = Table(
    "erased_evidence",
    metadata,
    Column("day", String, primary_key=True),
    Column("zone", String, primary_key=True),
    Column("erased", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Signed statements of evidence erased, by day and part, on their way into the ledger.
statements: Final = Table(
    "evidence_statements",
    metadata,
    Column("day", String, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("statement", String, nullable=False),
    Column("ledger_index", Integer),
    sqlite_with_rowid=False,
)
