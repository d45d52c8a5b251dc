"""Up to which day erasures were stated; of a database of before, none was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    """Make the column."""
    op.add_column("counting", sa.Column("stated", sa.String(10)))
