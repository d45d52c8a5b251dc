"""Release under the ledger: candidates of pending requests, entries of decisions, subject tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Make the tables; a decision from before has no entry in the ledger."""
    op.create_table(
        "candidates",
        sa.Column("request_id", sa.LargeBinary(32), sa.ForeignKey("requests.request_id"), primary_key=True),
        sa.Column("candidates", sa.LargeBinary, nullable=False),
    )
    op.add_column("decisions", sa.Column("entry_id", sa.LargeBinary(32), nullable=True))
    op.create_index("decisions_by_entry", "decisions", ["entry_id"], unique=True)
    op.create_table(
        "subject_tags",
        sa.Column("request_id", sa.LargeBinary(32), sa.ForeignKey("requests.request_id"), primary_key=True),
        sa.Column("domain", sa.String(140), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("tag", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("subject_tags_by_domain", "subject_tags", ["domain", "month"])
