"""The custodian's tables. Nothing in them opens a record: shares lie there only sealed to their requester.

Times are whole seconds since 1970 (UTC). The shape in a database is made by the migrations; a test compares both.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
)

METADATA: Final = MetaData()

# Units of a quota used by one subject in the period that ends at ``ends_at``; those of a total never end.
QUOTAS: Final = Table(
    "quotas",
    METADATA,
    Column("subject", String(400), primary_key=True),
    Column("ends_at", BigInteger, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
)

# Every authentic release request, refused ones included, as it was signed. ``state`` is a decision.State.
REQUESTS: Final = Table(
    "requests",
    METADATA,
    Column("request_id", LargeBinary(32), primary_key=True),
    Column("grant_id", String(63), nullable=False),
    Column("requester", String(2000), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    # The release key its envelope is sealed to, where the record could be read; the sealed reply is erased when that
    # key is destroyed.
    Column("release_key_id", LargeBinary(16), nullable=True),
    Column("sealed_reply", LargeBinary, nullable=True),
    Index("requests_by_state", "state", "expires_at"),
    Index("requests_by_grant", "grant_id", "state"),
    Index("requests_by_release_key", "release_key_id"),
)

# What a pending request came with, as it was sent; erased when the request is decided.
CANDIDATES: Final = Table(
    "candidates",
    METADATA,
    Column("request_id", LargeBinary(32), ForeignKey("requests.request_id"), primary_key=True),
    Column("candidates", LargeBinary, nullable=False),
)

# A nonce belongs to the first request of its requester that bore it.
NONCES: Final = Table(
    "nonces",
    METADATA,
    Column("requester", String(2000), primary_key=True),
    Column("nonce", LargeBinary(16), primary_key=True),
    Column("request_id", LargeBinary(32), nullable=False),
)

# Officers' signed words; the last one of each officer counts.
APPROVALS: Final = Table(
    "approvals",
    METADATA,
    Column("request_id", LargeBinary(32), ForeignKey("requests.request_id"), primary_key=True),
    Column("officer", String(63), primary_key=True),
    Column("statement", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

# The chained record of decisions; rows are only ever added. ``entry_id`` names the entry in the outbox.
DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("request_id", LargeBinary(32), ForeignKey("requests.request_id"), nullable=False, unique=True),
    Column("statement_id", LargeBinary(32), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    # Without one: decided before there was a ledger.
    Column("entry_id", LargeBinary(32), nullable=True),
    Index("decisions_by_entry", "entry_id", unique=True),
)

# Custodian B's alone: the tag of each release, its domain as list/zone/generation, the month of its key as YYYY-MM.
SUBJECT_TAGS: Final = Table(
    "subject_tags",
    METADATA,
    Column("request_id", LargeBinary(32), ForeignKey("requests.request_id"), primary_key=True),
    Column("domain", String(140), nullable=False),
    Column("month", String(7), nullable=False),
    Column("tag", LargeBinary(32), nullable=False),
    Index("subject_tags_by_domain", "domain", "month"),
)

# What this custodian enters into the ledger, in that order: DSSE statements, and the index each one got.
OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("statement_id", LargeBinary(32), nullable=False, unique=True),
    Column("statement", LargeBinary, nullable=False),
    Column("ledger_index", BigInteger, nullable=True),
    Index("outbox_by_index", "ledger_index", "number"),
)

# The last word this custodian gave on each grant itself: a signed GrantSuspension of the outbox.
SUSPENSIONS: Final = Table(
    "suspensions",
    METADATA,
    Column("grant_id", String(63), primary_key=True),
    Column("number", BigInteger, ForeignKey("outbox.number"), nullable=False),
)

# What was done on one UTC day (days since 1970). ``kind`` is a counts.Counted; ``subject`` a grant or a list; ``zone``
# may be empty.
COUNTS: Final = Table(
    "counts",
    METADATA,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("subject", String(63), primary_key=True),
    Column("zone", String(63), primary_key=True),
    Column("counted", BigInteger, nullable=False),
)

# Days whose counts were put into the outbox, and when that was done last.
COUNTED_DAYS: Final = Table(
    "counted_days",
    METADATA,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("made_at", BigInteger, nullable=False),
)
