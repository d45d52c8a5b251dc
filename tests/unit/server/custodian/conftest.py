"""A custodian's parts, each on its own, in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blindplate.server.custodian.storage import open_database

from .desk import Desk
from .witnessing import Site


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database."""
    engine = open_database(tmp_path / "state" / "custodian.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    """Custodian A's desk, over a hotlist whose releases officers decide."""
    return Desk(tmp_path, engine)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Custodian A as a witness."""
    site = Site(tmp_path)
    yield site
    site.close()
