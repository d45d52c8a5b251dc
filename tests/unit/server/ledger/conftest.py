"""A ledger of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.server.ledger.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Folders for a ledger; closed at the end."""
    made = Site(tmp_path)
    yield made
    made.kill()
