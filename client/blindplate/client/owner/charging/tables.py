"""The tables of charging: who settled which day, what is owed for it, and the notices that went out.

They lie in the owner's database (``owner.tables``) and are as sensitive. Specified in docs/spec/owner.md section 7.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Date, Float, ForeignKey, Index, Integer, LargeBinary, String, Table

from blindplate.client.owner.tables import metadata

__all__ = ["charges", "kept_reads", "metadata", "notices", "settlements"]

# A vehicle for which nothing more is owed for a day, whether or not it was read. Forgotten with the day's window.
settlements: Final = Table(
    "settlements",
    metadata,
    Column("day", Date, primary_key=True),
    Column("plate", LargeBinary, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("reference", String, nullable=False),
    Column("entered_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Reads kept of a day by answers that ``answers`` no longer has.
kept_reads: Final = Table(
    "kept_reads",
    metadata,
    Column("epoch_index", Integer, primary_key=True),
    Column("kept", Integer, nullable=False),
)

# One outcome a vehicle and day. ``settled`` is the kind of settlement that came after the day was opened, if any.
charges: Final = Table(
    "charges",
    metadata,
    Column("day", Date, primary_key=True),
    Column("plate", LargeBinary, primary_key=True),
    Column("hit_id", Integer, ForeignKey("hits.hit_id"), nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("settled", String, nullable=False),
    Column("decided_at", Float, nullable=False),
    Index("charges_by_hit", "hit_id"),
    sqlite_with_rowid=False,
)

# Numbers are given out once. ``issued_at`` is when the notice was first written.
notices: Final = Table(
    "notices",
    metadata,
    Column("number", String, primary_key=True),
    Column("day", Date, nullable=False),
    Column("plate", LargeBinary, nullable=False),
    Column("issued_at", Float, nullable=False),
    Index("one_notice_a_vehicle_and_day", "day", "plate", unique=True),
)
