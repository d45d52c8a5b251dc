"""A published ledger and replicas of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import DOCUMENT, PARTIES
from tests.unit.core.ledger.samples import KEYS
from tests.unit.edge.ledger.publishing import Published


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """A ledger with the sample register among its documents, and no entry yet."""
    ledger = Published(tmp_path / "public")
    ledger.document(DOCUMENT)
    return ledger


@pytest.fixture
def source(published: Published) -> FolderSource:
    return FolderSource(published.folder)


@pytest.fixture
def open_replica(tmp_path: Path) -> Iterator[Callable[..., Replica]]:
    """Opens the replica of a name, as often as it is asked."""
    opened: list[Replica] = []

    def open_(name: str = "replica.db") -> Replica:
        opened.append(Replica(tmp_path / "replicas" / name, KEYS, PARTIES))
        return opened[-1]

    yield open_
    for replica in opened:
        replica.close()


@pytest.fixture
def replica(open_replica: Callable[..., Replica]) -> Replica:
    return open_replica()
