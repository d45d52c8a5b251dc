"""Alembic's entry: migrates over the connection that ``storage.open_database`` hands in, inside its transaction."""

from __future__ import annotations

from alembic import context

from blindplate.server.custodian.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
