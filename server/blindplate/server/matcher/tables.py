"""The matcher's tables, in SQLAlchemy Core, for SQLite and PostgreSQL alike.

Neither a pseudonym nor a match secret has a column: both lie in ``records.envelope``, sealed under a window key
that is a file outside the database. Times are milliseconds since 1970 (UTC) unless a name says seconds.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()

# SQLite numbers rows by itself only where the column is declared INTEGER.
_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")

# What was acknowledged to cameras. Outlives the record until its window ends, so that one sent again is not matched
# twice; holds nothing that opens anything.
receipts = Table(
    "receipts",
    METADATA,
    Column("record_id", LargeBinary(16), primary_key=True),
    Column("wire_digest", LargeBinary(32), nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)

# ``number`` gives the order of arrival. A read was captured before ``latest_ms``, as finely as its header tells;
# ``opening`` is what a claim of it is checked against (``openings``). ``envelope`` is null once the record is claimed.
# ``opens_ms`` is when payment for its day closes, null without charging terms; ``kept_ms`` when it was kept until then,
# and ``reads`` for how many of its vehicle's reads of that day it stands, itself included.
records = Table(
    "records",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("record_id", LargeBinary(16), ForeignKey("receipts.record_id"), nullable=False, unique=True),
    Column("list_id", String(63), nullable=False),
    Column("zone", String(63), nullable=False),
    Column("epoch", String(63), nullable=False),
    Column("latest_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("record", LargeBinary, nullable=False),
    Column("opening", LargeBinary(64), nullable=False),
    Column("envelope", LargeBinary),
    Column("window_key_id", LargeBinary(16), nullable=False),
    Column("claimed_ms", BigInteger),
    Column("opens_ms", BigInteger),
    Column("kept_ms", BigInteger),
    Column("reads", Integer, nullable=False, server_default="1"),
    Index("records_by_epoch", "list_id", "epoch"),
    # A number that was given out and erased must not come back: answers are told apart by it.
    sqlite_autoincrement=True,
)
_UNCLAIMED: Final = records.c.claimed_ms.is_(None)
# So that what is open is counted without reading a single record.
Index(
    "open_records",
    records.c.list_id,
    records.c.zone,
    records.c.kept_ms,
    records.c.reads,
    sqlite_where=_UNCLAIMED,
    postgresql_where=_UNCLAIMED,
)
_CHARGING: Final = records.c.opens_ms.is_not(None)
# So that no batch reads its records only to learn that none of them is under charging terms.
Index(
    "charging_records",
    records.c.number,
    records.c.opens_ms,
    records.c.kept_ms,
    sqlite_where=_CHARGING,
    postgresql_where=_CHARGING,
)

# Which vehicle's day a kept record stands for: a tag under a key that is a file outside the database
# (``retention_keys``).
kept_tags = Table(
    "kept_tags",
    METADATA,
    Column("list_id", String(63)),
    Column("epoch", String(63)),
    Column("tag", LargeBinary(32)),
    Column("number", _NUMBER, ForeignKey("records.number", ondelete="CASCADE"), nullable=False, index=True),
    Column("alternate", Boolean, nullable=False),
    PrimaryKeyConstraint("list_id", "epoch", "tag"),
)

# Uploaded lists whose ciphertexts lie in a file each. ``matches_from`` and ``matches_until`` are seconds.
segments = Table(
    "segments",
    METADATA,
    Column("segment_id", LargeBinary(32), primary_key=True),
    Column("grant_id", String(63), nullable=False),
    Column("list_id", String(63), nullable=False),
    Column("epoch", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("list_version", BigInteger, nullable=False),
    Column("stage", String(7), nullable=False, server_default="match"),
    Column("size", BigInteger, nullable=False),
    Column("file_bytes", BigInteger, nullable=False),
    Column("matches_from", BigInteger, nullable=False),
    Column("matches_until", BigInteger),
    Column("ends_ms", BigInteger, nullable=False, index=True),
    Column("manifest", Text, nullable=False),
    Index("segments_by_epoch", "list_id", "epoch"),
)

# Which reads still wait for which segment: the work of the coming ticks.
waiting = Table(
    "waiting",
    METADATA,
    Column("segment_id", LargeBinary(32), ForeignKey("segments.segment_id", ondelete="CASCADE")),
    Column("number", _NUMBER, ForeignKey("records.number", ondelete="CASCADE"), index=True),
    PrimaryKeyConstraint("segment_id", "number"),
)

# Statements that wait for their receipts from the ledger, signed, in order: the very bytes are sent again after a crash.
outbox = Table(
    "outbox",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("statement", Text, nullable=False),
    sqlite_autoincrement=True,
)

# ``openings`` holds what claims are checked against, for every slot of the answer alike. Both it and ``body`` are null
# once acknowledged; the row stays as long as a read that it holds. ``entry`` is the number that the statement which names the
# answer's batch has, or had, in the outbox; ``ledger_index`` where it stands in the ledger: without, nobody is offered it.
# ``stage`` is its segment's.
answers = Table(
    "answers",
    METADATA,
    Column("list_id", String(63)),
    Column("sequence", BigInteger),
    Column("segment_id", LargeBinary(32), nullable=False),
    Column("grant_id", String(63), nullable=False),
    Column("body", LargeBinary),
    Column("openings", LargeBinary),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("acknowledged_ms", BigInteger),
    Column("entry", BigInteger, index=True),
    Column("ledger_index", BigInteger),
    Column("stage", String(7), nullable=False, server_default="match"),
    PrimaryKeyConstraint("list_id", "sequence"),
)

# Which slot of an answer is which read: needed to claim, and looked at only after a proof.
slots = Table(
    "slots",
    METADATA,
    Column("list_id", String(63)),
    Column("sequence", BigInteger),
    Column("slot", Integer),
    Column("number", _NUMBER, ForeignKey("records.number", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("list_id", "sequence", "slot"),
    ForeignKeyConstraint(
        ["list_id", "sequence"], ["answers.list_id", "answers.sequence"], ondelete="CASCADE"
    ),
)

# The last sequence number given out for a list: never used again, even after its answer is erased.
sequences = Table(
    "sequences",
    METADATA,
    Column("list_id", String(63), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# When the public counts began (seconds), how many claims were refused since, and the last day that was stated. One row.
counting = Table(
    "counting",
    METADATA,
    Column("since", BigInteger, nullable=False),
    Column("refused_claims", BigInteger, nullable=False),
    Column("stated", String(10)),
)

# What happened to records, by UTC day, list and zone: for the public counts.
counts = Table(
    "counts",
    METADATA,
    Column("day", String(10)),
    Column("list_id", String(63)),
    Column("zone", String(63)),
    Column("event", String(31)),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "list_id", "zone", "event"),
)

# Media of claimed records, by the reference they were asked for under; ``place`` gives the order. ``length`` is null until they
# are here, in a file (``media_files``).
media = Table(
    "media",
    METADATA,
    Column("place", _NUMBER, primary_key=True, autoincrement=True),
    Column("number", _NUMBER, ForeignKey("records.number", ondelete="CASCADE"), nullable=False, unique=True),
    Column("reference", LargeBinary(16), nullable=False, unique=True),
    Column("list_id", String(63), nullable=False),
    Column("zone", String(63), nullable=False),
    Column("length", BigInteger),
    # A camera asks for what comes after the last place it heard of.
    sqlite_autoincrement=True,
)
