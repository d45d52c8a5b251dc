"""What the ledger needs: an outbox of statements, which entry names an answer's batch, and counts that balance.

Answers of before are entered like any other: they have no entry yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, columns and indices."""
    op.create_table(
        "outbox",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("statement", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "counting",
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("refused_claims", sa.BigInteger, nullable=False),
    )
    op.add_column("answers", sa.Column("entry", sa.BigInteger))
    op.add_column("answers", sa.Column("ledger_index", sa.BigInteger))
    op.create_index("ix_answers_entry", "answers", ["entry"])
    unclaimed = sa.text("claimed_ms IS NULL")
    op.create_index(
        "open_records",
        "records",
        ["list_id", "zone"],
        sqlite_where=unclaimed,
        postgresql_where=unclaimed,
    )
