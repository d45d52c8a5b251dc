"""A custodian's parts, each on its own, in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blindplate.server.custodian.storage import open_database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database."""
    engine = open_database(tmp_path / "state" / "custodian.sqlite")
    yield engine
    engine.dispose()
