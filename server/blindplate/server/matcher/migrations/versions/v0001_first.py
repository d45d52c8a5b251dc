"""The first shape: receipts, records, segments, waiting, answers, slots, sequences, counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "receipts",
        sa.Column("record_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("wire_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "records",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column(
            "record_id", sa.LargeBinary(16), sa.ForeignKey("receipts.record_id"), nullable=False, unique=True
        ),
        sa.Column("list_id", sa.String(63), nullable=False),
        sa.Column("zone", sa.String(63), nullable=False),
        sa.Column("epoch", sa.String(63), nullable=False),
        sa.Column("latest_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("opening", sa.LargeBinary(64), nullable=False),
        sa.Column("envelope", sa.LargeBinary),
        sa.Column("window_key_id", sa.LargeBinary(16), nullable=False),
        sa.Column("claimed_ms", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("records_by_epoch", "records", ["list_id", "epoch"])
    op.create_table(
        "segments",
        sa.Column("segment_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("grant_id", sa.String(63), nullable=False),
        sa.Column("list_id", sa.String(63), nullable=False),
        sa.Column("epoch", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("list_version", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        sa.Column("matches_from", sa.BigInteger, nullable=False),
        sa.Column("matches_until", sa.BigInteger),
        sa.Column("ends_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("manifest", sa.Text, nullable=False),
    )
    op.create_index("segments_by_epoch", "segments", ["list_id", "epoch"])
    op.create_table(
        "waiting",
        sa.Column(
            "segment_id",
            sa.LargeBinary(32),
            sa.ForeignKey("segments.segment_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column(
            "number",
            _NUMBER,
            sa.ForeignKey("records.number", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
            index=True,
        ),
    )
    op.create_table(
        "answers",
        sa.Column("list_id", sa.String(63), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("segment_id", sa.LargeBinary(32), nullable=False),
        sa.Column("grant_id", sa.String(63), nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("openings", sa.LargeBinary),
        sa.Column("expires_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("acknowledged_ms", sa.BigInteger),
    )
    op.create_table(
        "slots",
        sa.Column("list_id", sa.String(63), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "number", _NUMBER, sa.ForeignKey("records.number", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.ForeignKeyConstraint(
            ["list_id", "sequence"], ["answers.list_id", "answers.sequence"], ondelete="CASCADE"
        ),
    )
    op.create_table(
        "sequences",
        sa.Column("list_id", sa.String(63), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "counts",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("list_id", sa.String(63), primary_key=True),
        sa.Column("zone", sa.String(63), primary_key=True),
        sa.Column("event", sa.String(31), primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
