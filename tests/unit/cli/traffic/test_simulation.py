"""A simulation is its seed's, has about the misreads asked for, and keeps passes apart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.cli.traffic import Simulation, Vehicle, event_line, population, simulate
from blindplate.cli.traffic.passes import PASS_SECONDS, REVISIT_SECONDS
from blindplate.client.camera.settings import CameraSettings
from blindplate.core.errors import InputError
from blindplate.core.plates import CanonicalPlate, canonicalize

START = 1_780_000_000.0


def in_bytes(simulation: Simulation) -> bytes:
    return json.dumps(
        {
            camera: [event_line(event, "plain").decode() for event in events]
            for camera, events in simulation.events.items()
        }
    ).encode()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(vehicles: tuple[Vehicle, ...]) -> None:
    def made(seed: int) -> Simulation:
        return simulate(seed, vehicles, ("a", "b"), 200, START, 60.0, lists={"all": vehicles})

    assert in_bytes(made(1)) == in_bytes(made(1))
    assert made(1).truth == made(1).truth
    assert in_bytes(made(1)) != in_bytes(made(2))


def test_about_three_in_a_hundred_passes_are_misread(vehicles: tuple[Vehicle, ...]) -> None:
    made = simulate(11, vehicles, ("a",), 3_000, START, 7_200.0, lists={})
    assert 0.02 < sum(one.misread for one in made.passes) / 3_000 < 0.04


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_rate_is_met_at_its_ends(vehicles: tuple[Vehicle, ...], rate: float) -> None:
    made = simulate(11, vehicles, ("a",), 100, START, 600.0, rate, lists={})
    assert {one.misread for one in made.passes} == {bool(rate)}


def test_vehicles_come_again_over_cameras(simulation: Simulation) -> None:
    visits = Counter(one.vehicle for one in simulation.passes)
    assert sum(number > 1 for number in visits.values()) > 100
    cameras: dict[Vehicle, set[str]] = {}
    for one in simulation.passes:
        cameras.setdefault(one.vehicle, set()).add(one.camera)
    assert max(map(len, cameras.values())) == 3


def test_a_pass_gives_one_to_four_events_within_two_seconds(simulation: Simulation) -> None:
    for one in simulation.passes:
        times = [sighting.captured_at for sighting in one.sightings]
        assert times == sorted(times)
        assert times[-1] - times[0] <= PASS_SECONDS + 0.001
        assert [sighting.number for sighting in one.sightings] == list(range(1, len(times) + 1))
    assert {len(one.sightings) for one in simulation.passes} == {1, 2, 3, 4}


def test_events_of_each_camera_are_in_order_of_capture_and_complete(simulation: Simulation) -> None:
    for camera, events in simulation.events.items():
        times = [sighting.captured_at for _, sighting in events]
        assert times == sorted(times)
        assert {one.camera for one, _ in events} == {camera}
    assert sum(map(len, simulation.events.values())) == sum(len(one.sightings) for one in simulation.passes)
    assert len({one.pass_id for one in simulation.passes}) == len(simulation.passes)


def test_revisits_are_further_apart_than_a_camera_collapses(simulation: Simulation) -> None:
    by_default = CameraSettings.model_fields["pass_seconds"].default
    assert by_default < REVISIT_SECONDS - PASS_SECONDS
    times: dict[Vehicle, list[float]] = {}
    for one in simulation.passes:
        times.setdefault(one.vehicle, []).append(one.moment)
    gaps = [later - earlier for visits in times.values() for earlier, later in pairwise(visits)]
    assert min(gaps) >= REVISIT_SECONDS


def test_vehicles_that_read_as_one_another_are_kept_apart_at_a_camera() -> None:
    plates = [canonicalize(f"AB10{''.join(serial)}", "GB") for serial in product("VYMN", repeat=3)]
    alike = [Vehicle(plate.text, plate, "Ford", "Fiesta", "blue") for plate in plates]
    made = simulate(2, alike, ("a",), 300, START, 1_500.0, 0.5, lists={})
    last: dict[CanonicalPlate, float] = {}
    for one in made.passes:
        read = {plate for found in one.readings() for plate in (found.primary, *found.alternates)}
        assert all(one.moment - last.get(plate, 0.0) >= REVISIT_SECONDS for plate in read)
        last.update(dict.fromkeys(read, one.moment))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1 << 64),
    passes=st.integers(0, 40),
    seconds=st.floats(PASS_SECONDS, 1e6),
    start=st.floats(0, 4e9),
)
def test_every_event_lies_inside_the_time_asked_for(
    seed: int, passes: int, seconds: float, start: float
) -> None:
    made = simulate(seed, population(1, 200), ("a", "b"), passes, start, seconds, lists={})
    assert len(made.passes) == passes
    for one in made.passes:
        for sighting in one.sightings:
            assert start - 0.001 <= sighting.captured_at <= start + seconds + 0.001


BAD: Mapping[str, Mapping[str, object]] = {
    "no cameras": {"cameras": ()},
    "camera twice": {"cameras": ("a", "a")},
    "no vehicles": {"vehicles": ()},
    "negative passes": {"passes": -1},
    "before 1970": {"start": -1.0},
    "start is no number": {"start": float("nan")},
    "too short": {"seconds": 1.9},
    "endless": {"seconds": float("inf")},
    "rate above one": {"misread_rate": 1.1},
    "rate is no number": {"misread_rate": float("nan")},
    "too few vehicles": {"vehicles": population(1, 2)},
}


@pytest.mark.parametrize("defect", BAD)
def test_figures_that_cannot_be_simulated_are_refused(defect: str) -> None:
    good = {
        "vehicles": population(1, 50),
        "cameras": ("a", "b"),
        "passes": 20,
        "start": START,
        "seconds": 60.0,
        "misread_rate": 0.03,
    }
    simulate(1, **good, lists={})  # type: ignore[arg-type]  # figures by name, so that each defect replaces one
    with pytest.raises(InputError):
        simulate(1, **{**good, **BAD[defect]}, lists={})  # type: ignore[arg-type]  # as above
