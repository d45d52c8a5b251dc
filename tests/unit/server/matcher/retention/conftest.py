"""A matcher's storage that is full of everything, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from blindplate.core.statements.uploads import Stage
from tests.unit.server.matcher.retention.site import Clock, Site


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path / "matcher", Clock())
    yield opened
    opened.close()


@pytest.fixture
def full(site: Site) -> Site:
    """With something in every place: all of it ends an hour from now."""
    plain, keep = site.segment(1), site.segment(1, stage=Stage.KEEP)
    claimed, kept = site.read(), site.read(opens=100)
    site.read()
    site.claim(site.answer(plain, claimed), claimed)
    site.keep(site.answer(keep, kept), kept, vehicle=1)
    return site
