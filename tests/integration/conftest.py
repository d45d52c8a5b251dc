"""A real deployment on disk, and its processes, for the tests that cross them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blindplate.cli.deployment import Deployment, Plan, create_deployment, default_plan
from blindplate.cli.deployment.plan import emissions_list, free_addresses, police_list
from blindplate.core.domains import EpochKind, EpochRule


def small_plan(*, epoch_seconds: int = 3600, window_seconds: int = 7200) -> Plan:
    """Two zones, three cameras, two small lists; police epochs of some seconds; no shuffling delay."""
    plan = default_plan(int(time.time()) - 3600)
    return replace(
        plan,
        addresses=free_addresses(),
        lists=(
            emissions_list(list_size=200, window_seconds=window_seconds, max_delay_seconds=0),
            police_list(
                list_size=200, epoch=EpochRule(EpochKind.SPAN, epoch_seconds), window_seconds=window_seconds
            ),
        ),
    )


@pytest.fixture
def make_deployment(tmp_path: Path) -> Callable[[Plan], Deployment]:
    """Make a deployment of a plan in a folder of the test's own."""

    def make(plan: Plan) -> Deployment:
        return create_deployment(tmp_path / "deployment", plan)

    return make


@pytest.fixture
def deployment(make_deployment: Callable[[Plan], Deployment]) -> Deployment:
    """The small plan, made."""
    return make_deployment(small_plan())
