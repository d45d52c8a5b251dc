"""A whole simulation from one seed: passes, the events of every camera, and the truth about them.

Guarantees that the same arguments give the same simulation, to the byte of every event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from blindplate.cli.traffic.events import Event
from blindplate.cli.traffic.passes import PASS_SECONDS, Pass, traffic
from blindplate.cli.traffic.truth import Truth, truth_of
from blindplate.cli.traffic.vehicles import Vehicle
from blindplate.core.errors import InputError

# About 3 % of plates are misread by engines that are 97 % accurate.
MISREAD_RATE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Simulation:
    """``events`` holds every camera's events in order of capture; ``passes`` are in order of time."""

    passes: tuple[Pass, ...]
    events: Mapping[str, tuple[Event, ...]]
    truth: Truth


def simulate(
    seed: int,
    vehicles: Sequence[Vehicle],
    cameras: Sequence[str],
    passes: int,
    start: float,
    seconds: float,
    misread_rate: float = MISREAD_RATE,
    *,
    lists: Mapping[str, Iterable[Vehicle]],
) -> Simulation:
    """``passes`` passes of ``vehicles`` over ``cameras`` (names), and what must come of them for ``lists`` by name.

    All happen from ``start`` (seconds since 1970, UTC) on for ``seconds``, at least PASS_SECONDS. ``misread_rate`` is
    the share of passes, from 0 to 1, in which an event is misread. Raises InputError for figures out of range, or
    when too few vehicles would have to pass too often.
    """
    _require(vehicles, cameras, passes, start, seconds, misread_rate)
    # Repeatable on purpose: no key, nonce or identifier of the system is drawn from this.
    rng = Random(f"traffic {seed}")  # noqa: S311 -- a simulation's randomness is no secret
    made = tuple(traffic(rng, vehicles, cameras, passes, start, seconds, misread_rate))
    events: dict[str, list[Event]] = {camera: [] for camera in cameras}
    for one in made:
        events[one.camera].extend((one, sighting) for sighting in one.sightings)
    return Simulation(
        made,
        {camera: tuple(sorted(found, key=_order)) for camera, found in events.items()},
        truth_of(made, lists),
    )


def _order(event: Event) -> tuple[float, int, int]:
    of_pass, sighting = event
    return sighting.captured_at, of_pass.number, sighting.number


def _require(
    vehicles: Sequence[Vehicle],
    cameras: Sequence[str],
    passes: int,
    start: float,
    seconds: float,
    misread_rate: float,
) -> None:
    if passes < 0 or (passes and not vehicles):
        raise InputError("No vehicles are there to pass.", "Simulate one vehicle or more.")
    if not cameras or len(set(cameras)) != len(cameras):
        raise InputError("Cameras are missing or named twice.", "Name each camera once.")
    # Also refuses NaN.
    if not (start >= 0 and PASS_SECONDS <= seconds < float("inf") and 0 <= misread_rate <= 1):
        raise InputError(
            "A simulation's start, length or misread rate is out of range.",
            f"Start after 1970, simulate {PASS_SECONDS:.0f} seconds or more, misread a share from 0 to 1.",
        )
