"""Media of claimed records: which are wanted, and how long those are that are here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "media",
        sa.Column("place", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column(
            "number",
            _NUMBER,
            sa.ForeignKey("records.number", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("reference", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("list_id", sa.String(63), nullable=False),
        sa.Column("zone", sa.String(63), nullable=False),
        sa.Column("length", sa.BigInteger),
        sqlite_autoincrement=True,
    )
