"""Vehicles passing cameras: who, where, when, which way, and the events an engine makes of it.

Guarantees passes in order of time, that a vehicle is not seen again anywhere before REVISIT_SECONDS, and that at one
camera no two passes closer than that read as one plate, alternates included: so a camera whose ``pass_seconds`` lies
below REVISIT_SECONDS - PASS_SECONDS collapses events into exactly these passes. Arrivals are uniform: no rush hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Final

from blindplate.cli.traffic.misreads import EngineText, read_right, read_wrong
from blindplate.cli.traffic.vehicles import Vehicle
from blindplate.core.errors import InputError
from blindplate.core.plates import CanonicalPlate, PlateReading, read_plates

# A pass lasts no longer than this, from its first event to its last.
PASS_SECONDS: Final = 2.0
REVISIT_SECONDS: Final = 15.0

_REPEAT_SHARE: Final = 0.4
# How many events an engine makes of a pass, and how often.
_EVENTS: Final = (1, 2, 3, 4)
_EVENT_SHARES: Final = (15, 30, 40, 15)
_TRIES: Final = 200


class Direction(Enum):
    """Which way a vehicle passes. The value is the angle of its motion in the image, in degrees."""

    TOWARDS = 180
    AWAY = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event of a pass. ``captured_at`` is in seconds since 1970 (UTC), whole milliseconds."""

    number: int
    captured_at: float
    seen: EngineText


@dataclass(frozen=True, slots=True)
class Pass:
    """One vehicle passing one camera: ``pass_id`` names it, and ``number`` counts passes from 1 in order of time."""

    number: int
    camera: str
    vehicle: Vehicle = field(repr=False)
    direction: Direction
    sightings: tuple[Sighting, ...]

    @property
    def pass_id(self) -> str:
        """The name of this pass within its simulation."""
        return f"pass-{self.number:06d}"

    @property
    def moment(self) -> float:
        """When its first event was captured, in seconds since 1970 (UTC)."""
        return self.sightings[0].captured_at

    @property
    def misread(self) -> bool:
        """Whether any event shows another text than the vehicle's."""
        return any(sighting.seen.text != self.vehicle.text for sighting in self.sightings)

    def readings(self) -> tuple[PlateReading, ...]:
        """What a camera must make of the texts shown: one reading for each different text, in order of time."""
        seen = {sighting.seen.text: sighting.seen for sighting in self.sightings}
        return tuple(
            read_plates(engine_text.text, self.vehicle.country, engine_text.candidates)
            for engine_text in seen.values()
        )


def traffic(
    rng: Random,
    vehicles: Sequence[Vehicle],
    cameras: Sequence[str],
    passes: int,
    start: float,
    seconds: float,
    misread_rate: float,
) -> Iterator[Pass]:
    """``passes`` passes of ``vehicles`` over ``cameras``, from ``start`` on for ``seconds``, in order of time.

    Raises InputError when too few vehicles would have to pass too often.
    """
    road = _Road(rng, vehicles, cameras)
    latest = start + seconds - PASS_SECONDS
    moments = sorted(round(rng.uniform(start, latest), 3) for _ in range(passes))
    for number, moment in enumerate(moments, start=1):
        yield road.next_pass(number, moment, wrong=rng.random() < misread_rate)


class _Road:
    """Who has passed so far, so that vehicles come again and passes stay apart."""

    def __init__(self, rng: Random, vehicles: Sequence[Vehicle], cameras: Sequence[str]) -> None:
        self._rng = rng
        self._vehicles = vehicles
        self._cameras = cameras
        self._known: list[Vehicle] = []
        self._last_pass: dict[CanonicalPlate, float] = {}
        self._last_read: dict[tuple[str, CanonicalPlate], float] = {}

    def next_pass(self, number: int, moment: float, *, wrong: bool) -> Pass:
        for _ in range(_TRIES):
            vehicle = self._vehicle()
            if _is_recent(self._last_pass.get(vehicle.plate), moment):
                continue
            drawn = self._draw(number, vehicle, moment, wrong=wrong)
            reads = [(drawn.camera, plate) for reading in drawn.readings() for plate in _plates(reading)]
            if any(_is_recent(self._last_read.get(read), moment) for read in reads):
                continue
            self._remember(vehicle, reads, moment)
            return drawn
        raise InputError(
            "Too few vehicles pass too often for their passes to be told apart.",
            "Simulate more vehicles, fewer passes or a longer time.",
        )

    def _vehicle(self) -> Vehicle:
        again = self._known and self._rng.random() < _REPEAT_SHARE
        return self._rng.choice(self._known if again else self._vehicles)

    def _draw(self, number: int, vehicle: Vehicle, moment: float, *, wrong: bool) -> Pass:
        rng = self._rng
        events = rng.choices(_EVENTS, _EVENT_SHARES)[0]
        seen = (read_wrong if wrong else read_right)(rng, vehicle.text, events)
        later = sorted(rng.uniform(0, PASS_SECONDS) for _ in seen[1:])
        return Pass(
            number,
            rng.choice(self._cameras),
            vehicle,
            rng.choice(tuple(Direction)),
            tuple(
                Sighting(at, round(moment + offset, 3), engine_text)
                for at, (offset, engine_text) in enumerate(zip((0.0, *later), seen, strict=True), start=1)
            ),
        )

    def _remember(self, vehicle: Vehicle, reads: Iterable[tuple[str, CanonicalPlate]], moment: float) -> None:
        if vehicle.plate not in self._last_pass:
            self._known.append(vehicle)
        self._last_pass[vehicle.plate] = moment
        self._last_read.update(dict.fromkeys(reads, moment))


def _is_recent(last: float | None, moment: float) -> bool:
    return last is not None and moment - last < REVISIT_SECONDS


def _plates(reading: PlateReading) -> tuple[CanonicalPlate, ...]:
    return (reading.primary, *reading.alternates)
