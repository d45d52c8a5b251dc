"""What Alembic runs: revisions on the connection that ``migrate`` hands in."""

from __future__ import annotations

from alembic import context

from blindplate.server.matcher.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
