"""The first shape: quotas, requests, nonces, approvals, decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "quotas",
        sa.Column("subject", sa.String(400), primary_key=True),
        sa.Column("ends_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("used", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "requests",
        sa.Column("request_id", sa.LargeBinary(32), primary_key=True),
        sa.Column("grant_id", sa.String(63), nullable=False),
        sa.Column("requester", sa.String(2000), nullable=False),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("submitted_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("release_key_id", sa.LargeBinary(16), nullable=True),
        sa.Column("sealed_reply", sa.LargeBinary, nullable=True),
    )
    op.create_index("requests_by_state", "requests", ["state", "expires_at"])
    op.create_index("requests_by_grant", "requests", ["grant_id", "state"])
    op.create_index("requests_by_release_key", "requests", ["release_key_id"])
    op.create_table(
        "nonces",
        sa.Column("requester", sa.String(2000), primary_key=True),
        sa.Column("nonce", sa.LargeBinary(16), primary_key=True),
        sa.Column("request_id", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "approvals",
        sa.Column("request_id", sa.LargeBinary(32), sa.ForeignKey("requests.request_id"), primary_key=True),
        sa.Column("officer", sa.String(63), primary_key=True),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "decisions",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "request_id",
            sa.LargeBinary(32),
            sa.ForeignKey("requests.request_id"),
            nullable=False,
            unique=True,
        ),
        sa.Column("statement_id", sa.LargeBinary(32), nullable=False),
        sa.Column("statement", sa.LargeBinary, nullable=False),
    )
