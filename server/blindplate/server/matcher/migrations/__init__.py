"""The database's schema by revisions (Alembic), applied when the matcher starts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_FOLDER: Final = Path(__file__).parent


def migrate(connection: Connection) -> None:
    """Bring the schema behind ``connection`` to the newest revision, inside its transaction."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
