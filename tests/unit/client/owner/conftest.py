"""An owner's session in a deployment where nobody serves: for what asks nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blindplate.cli.deployment import create_deployment, default_plan
from blindplate.client.owner.session import Session, open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.edge.settings import load


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder: Path = tmp_path_factory.mktemp("owner") / "deployment"
    deployment = create_deployment(folder, default_plan(int(time.time()) - 60, cameras=1))
    with open_session(load(OwnerSettings, deployment.settings("owner-police"))) as opened:
        yield opened
