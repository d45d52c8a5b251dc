"""What the demonstration is made of: a deployment, two lists, and traffic past three cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from blindplate.cli import traffic
from blindplate.cli.demonstration.footage import add_footage
from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.cli.deployment.plan import emissions_list, free_addresses, police_list
from blindplate.cli.traffic import Simulation, Vehicle

EMISSIONS: Final = "emissions"
POLICE: Final = "police"
# A camera's quota is for an hour; the demonstration sends an hour's reads at once, and its readers may add more.
_EVALUATIONS_PER_HOUR: Final = 40_000
# Delivered at once: a camera and the matcher take captures up to two minutes ahead of their clocks.
_SPAN_SECONDS: Final = 40.0
_LONGEST_DELAY_SECONDS: Final = 5
# Counts are for the day's end; the demonstration ends before.
_COUNTS_SECONDS: Final = 3.0
# Vehicles that a visitor may list besides.
_HEADROOM: Final = 50


@dataclass(frozen=True, slots=True)
class Size:
    """How much traffic, of how many vehicles, against how long lists."""

    vehicles: int = 80_000
    passes: int = 1_200
    emissions: int = 5_000
    police: int = 500


@dataclass(frozen=True, slots=True)
class Scenario:
    """A deployment on disk, its vehicles and lists. ``inputs`` holds the owners' CSV files and the cameras' events."""

    deployment: Deployment
    inputs: Path
    seed: int
    size: Size
    vehicles: tuple[Vehicle, ...]
    listed: dict[str, tuple[Vehicle, ...]]

    def events(self, camera: str) -> Path:
        """The events of one camera, one JSON object a line."""
        return self.inputs / f"{camera}.jsonl"

    def list_file(self, list_id: str) -> Path:
        """The CSV file of one list."""
        return self.inputs / f"{list_id}.csv"

    def traffic_from(self, start: float) -> Simulation:
        """Let traffic pass from ``start`` (seconds since 1970, UTC) and write every camera's events.

        ``start`` is to lie behind the publishing of the lists: what was captured before a vehicle was listed
        matches nothing.
        """
        cameras = [camera.name for camera in self.deployment.plan.cameras]
        simulation = traffic.simulate(
            self.seed, self.vehicles, cameras, self.size.passes, start, _SPAN_SECONDS, lists=self.listed
        )
        for camera, events in simulation.events.items():
            traffic.write_events(self.events(camera), events, "plain")
        files = {camera: self.events(camera) for camera in cameras}
        add_footage(self.deployment, files, self.inputs / "footage", simulation, POLICE)
        return simulation


def make_scenario(folder: Path, now: float, seed: int, size: Size) -> Scenario:
    """Write a deployment and its lists into ``folder``. ``now`` is in seconds since 1970, UTC.

    Raises SettingsError when the folder is in use.
    """
    base = default_plan(int(now) - 3600)
    plan = replace(
        base,
        addresses=free_addresses(),
        record_messages=True,
        counts_seconds=_COUNTS_SECONDS,
        cameras=tuple(replace(camera, evaluations_per_hour=_EVALUATIONS_PER_HOUR) for camera in base.cameras),
        lists=(
            emissions_list(size.emissions + _HEADROOM, max_delay_seconds=_LONGEST_DELAY_SECONDS),
            police_list(size.police + _HEADROOM),
        ),
    )
    deployment = create_deployment(folder, plan)
    vehicles = traffic.population(seed, size.vehicles)
    listed = {
        EMISSIONS: traffic.emissions_list(vehicles, size.emissions),
        POLICE: traffic.hotlist(vehicles, size.police),
    }
    scenario = Scenario(deployment, folder / "input", seed, size, vehicles, listed)
    scenario.inputs.mkdir(mode=0o700)
    weed_date = (datetime.fromtimestamp(now, UTC) + timedelta(days=365)).date()
    traffic.write_hotlist_csv(scenario.list_file(POLICE), listed[POLICE], weed_date)
    traffic.write_emissions_csv(scenario.list_file(EMISSIONS), listed[EMISSIONS])
    return scenario
