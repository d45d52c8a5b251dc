"""Fixtures: a deployment with its custodians and the matcher double running."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blindplate.cli.deployment import Plan, create_deployment, default_plan
from blindplate.cli.deployment.plan import emissions_list, free_addresses, police_list
from blindplate.client.camera import workers
from blindplate.core.signing import SigningKey
from blindplate.edge.keyfiles import read_secret
from tests.integration.camera.site import MatcherDouble, Site, tls_files


@pytest.fixture
def plan() -> Plan:
    """The small plan: no delay, generous quotas, addresses of its own."""
    plan = default_plan(int(time.time()) - 7200)
    return replace(
        plan,
        addresses=free_addresses(),
        cameras=tuple(replace(camera, evaluations_per_hour=100_000) for camera in plan.cameras),
        lists=(emissions_list(max_delay_seconds=0), police_list()),
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that is told to stop while a party is away gives up sooner than it would."""
    monkeypatch.setattr(workers, "_GRACE_SECONDS", 0.5)


@pytest.fixture
def site(plan: Plan, tmp_path: Path) -> Iterator[Site]:
    """Custodians and matcher, all running."""
    deployment = create_deployment(tmp_path / "deployment", plan)
    folder = deployment.folder / "matcher"
    matcher = MatcherDouble(
        SigningKey.from_seed(read_secret(folder / "signing.key", 32)),
        tls_files(deployment, "matcher"),
    )
    site = Site(deployment, matcher)
    site.start_custodians()
    site.start_matcher()
    yield site
    matcher.stop()
    site.ledger.stop()
    for custodian in list(site.custodians):
        site.stop_custodian(custodian)
