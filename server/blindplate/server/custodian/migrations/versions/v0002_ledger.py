"""The ledger: the outbox, suspensions, counts of the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the tables."""
    _make_outbox()
    _make_counts()


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("statement_id", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("ledger_index", sa.BigInteger, nullable=True),
    )
    op.create_index("outbox_by_index", "outbox", ["ledger_index", "number"])
    op.create_table(
        "suspensions",
        sa.Column("grant_id", sa.String(63), primary_key=True),
        sa.Column("number", sa.BigInteger, sa.ForeignKey("outbox.number"), nullable=False),
    )


def _make_counts() -> None:
    op.create_table(
        "counts",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("subject", sa.String(63), primary_key=True),
        sa.Column("zone", sa.String(63), primary_key=True),
        sa.Column("counted", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "counted_days",
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
