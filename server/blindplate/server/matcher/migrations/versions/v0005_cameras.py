"""Camera care: signs of life, and passes by the hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "cameras",
        sa.Column("identity", sa.String(255), primary_key=True),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("alarm", sa.String(15), nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "camera_hours",
        sa.Column("identity", sa.String(255), primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("passes", sa.BigInteger, nullable=False),
        sa.Column("learnt", sa.Boolean, nullable=False),
    )
