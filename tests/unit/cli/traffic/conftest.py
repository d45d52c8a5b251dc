"""One simulation that several tests look at."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from blindplate.cli.traffic import Simulation, Vehicle, emissions_list, hotlist, population, simulate

CAMERAS = ("camera-1", "camera-2", "camera-3")


@pytest.fixture(scope="session")
def vehicles() -> tuple[Vehicle, ...]:
    return population(1, 3_000)


@pytest.fixture(scope="session")
def lists(vehicles: tuple[Vehicle, ...]) -> Mapping[str, tuple[Vehicle, ...]]:
    return {"emissions": emissions_list(vehicles, 800), "police": hotlist(vehicles, 100)}


@pytest.fixture(scope="session")
def simulation(vehicles: tuple[Vehicle, ...], lists: Mapping[str, tuple[Vehicle, ...]]) -> Simulation:
    """Far more misreads than in life, so that every kind of them occurs."""
    return simulate(5, vehicles, CAMERAS, 1_500, 1_780_000_000.25, 300.0, 0.4, lists=lists)
