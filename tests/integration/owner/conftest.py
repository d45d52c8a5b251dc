"""Fixtures: a small deployment of the police list, or the emissions list, with everything running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blindplate.cli.deployment import Plan, create_deployment, default_plan
from blindplate.cli.deployment.plan import emissions_list, free_addresses, police_list
from blindplate.core.domains import HOURLY, EpochRule
from tests.integration.owner.world import World

MakeWorld = Callable[..., World]


def owner_plan(epoch: EpochRule) -> Plan:
    """One camera, one zone, so that little is evaluated; ticks ten times a second; a window of three hours."""
    plan = default_plan(int(time.time()) - 86_400, cameras=1)
    lists = (
        emissions_list(list_size=200, window_seconds=10_800, max_delay_seconds=0),
        police_list(list_size=200, epoch=epoch, window_seconds=10_800),
    )
    return replace(
        plan,
        addresses=free_addresses(),
        lists=tuple(replace(entry, tick_seconds=0.1) for entry in lists),
    )


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Make a world and start it; it is stopped at the end."""
    worlds: list[World] = []

    def make(owner: str = "owner-police", epoch: EpochRule = HOURLY) -> World:
        world = World(create_deployment(tmp_path / "deployment", owner_plan(epoch)), owner)
        worlds.append(world)
        # Ten minutes into an epoch, so that no test meets a boundary by chance.
        world.clock.move_to(epoch.at(time.time()).start() + 600)
        world.start()
        return world

    yield make
    for world in worlds:
        world.stop()
