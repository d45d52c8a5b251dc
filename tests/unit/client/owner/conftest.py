"""An owner's session where nobody serves: for what asks nobody, and the scene for what asks everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blindplate.cli.deployment import create_deployment, default_plan
from blindplate.client.owner.session import Session
from tests.unit.client.owner.scene import (
    NOW,
    Clock,
    PaperCustodians,
    PaperLedger,
    Scene,
    make_scene,
    opened,
    settings_of,
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder: Path = tmp_path_factory.mktemp("owner") / "deployment"
    deployment = create_deployment(folder, default_plan(NOW - 3600, cameras=1))
    ledger = PaperLedger(deployment)
    ledger.witness(NOW - 60, NOW - 60)
    with opened(settings_of(deployment), Clock(), ledger, PaperCustodians(deployment)) as session:
        yield session


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with make_scene(tmp_path / "deployment", monkeypatch) as made:
        yield made
