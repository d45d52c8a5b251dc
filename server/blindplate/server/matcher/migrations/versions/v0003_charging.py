"""Charging in two stages: when a record may be opened, whether it is kept, for how many reads it stands, and stages.

What is held of before is under no charging terms, and every segment and answer of stage MATCH.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, columns and indices."""
    op.add_column("records", sa.Column("opens_ms", sa.BigInteger))
    op.add_column("records", sa.Column("kept_ms", sa.BigInteger))
    op.add_column("records", sa.Column("reads", sa.Integer, nullable=False, server_default="1"))
    for table in ("segments", "answers"):
        op.add_column(table, sa.Column("stage", sa.String(7), nullable=False, server_default="match"))
    op.drop_index("open_records", "records")
    unclaimed, charging = sa.text("claimed_ms IS NULL"), sa.text("opens_ms IS NOT NULL")
    op.create_index(
        "open_records",
        "records",
        ["list_id", "zone", "kept_ms", "reads"],
        sqlite_where=unclaimed,
        postgresql_where=unclaimed,
    )
    op.create_index(
        "charging_records",
        "records",
        ["number", "opens_ms", "kept_ms"],
        sqlite_where=charging,
        postgresql_where=charging,
    )
    op.create_table(
        "kept_tags",
        sa.Column("list_id", sa.String(63), primary_key=True),
        sa.Column("epoch", sa.String(63), primary_key=True),
        sa.Column("tag", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "number", _NUMBER, sa.ForeignKey("records.number", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("alternate", sa.Boolean, nullable=False),
    )
