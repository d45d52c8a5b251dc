"""The truth is what the camera's own code makes of the events, and says which hits nobody could avoid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from blindplate.cli.traffic import Direction, ExpectedHit, Pass, Sighting, Simulation, Vehicle, event_line
from blindplate.cli.traffic.misreads import EngineText
from blindplate.cli.traffic.truth import truth_of
from blindplate.client.camera.counts import Counts
from blindplate.client.camera.events import parser_of
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import CameraRead, Reader
from blindplate.core.plates import CanonicalPlate, canonicalize


def vehicle(text: str) -> Vehicle:
    return Vehicle(text, canonicalize(text, "GB"), "Ford", "Fiesta", "blue")


def passing(text: str, *seen: EngineText) -> Pass:
    sightings = tuple(Sighting(at, 1_780_000_000.0 + at, one) for at, one in enumerate(seen, start=1))
    return Pass(1, "camera-1", vehicle(text), Direction.AWAY, sightings)


def hit(text: str) -> ExpectedHit:
    return ExpectedHit("police", vehicle(text).plate, "camera-1", "pass-000001")


def camera_reads(simulation: Simulation, camera: str, event_format: str) -> Iterator[tuple[str, CameraRead]]:
    """What the camera's own parser, reader and collapsing make of one camera's events, by pass."""
    reader = Reader(Passes(10.0), None, 86_400.0, Counts())
    for event in simulation.events[camera]:
        for parsed in parser_of(event_format)(event_line(event, event_format)):
            for read in reader.reads(parsed, parsed.captured_at):
                yield event[0].pass_id, read


@pytest.mark.parametrize("event_format", ["plain", "openalpr"])
def test_a_camera_makes_exactly_the_expected_hits(
    simulation: Simulation, lists: Mapping[str, tuple[Vehicle, ...]], event_format: str
) -> None:
    hits: list[ExpectedHit] = []
    flagged: list[ExpectedHit] = []
    for camera in simulation.events:
        for pass_id, read in camera_reads(simulation, camera, event_format):
            plate = CanonicalPlate.decode(read.plate)
            for list_id, listed in lists.items():
                if plate in {vehicle.plate for vehicle in listed}:
                    found = ExpectedHit(list_id, plate, camera, pass_id)
                    (flagged if read.alternate else hits).append(found)
    truth = simulation.truth
    assert len(hits) == len(set(hits))
    assert set(hits) == truth.hits
    assert set(flagged) >= truth.flagged
    assert set(flagged) - truth.flagged <= truth.hits
    assert min(len(truth.hits), len(truth.flagged), len(truth.missed)) > 10


def test_what_is_expected_and_what_must_not_hit_never_meet(
    simulation: Simulation, lists: Mapping[str, tuple[Vehicle, ...]]
) -> None:
    truth = simulation.truth
    for expected in truth.hits | truth.flagged | truth.missed:
        assert expected.plate not in truth.strangers[expected.list_id]
    for list_id, listed in lists.items():
        on_list = {vehicle.plate for vehicle in listed}
        assert on_list.isdisjoint(truth.strangers[list_id])
        passed = {one.vehicle.plate for one in simulation.passes}
        assert passed <= on_list | truth.strangers[list_id]


def test_right_reads_are_the_hits_that_are_not_mistaken(simulation: Simulation) -> None:
    truth = simulation.truth
    right = {
        ExpectedHit(list_id, plate, camera, pass_id)
        for (list_id, plate, camera), passes in truth.right.items()
        for pass_id in passes
    }
    assert right == truth.hits - truth.mistaken
    assert right.isdisjoint(truth.missed)


def test_a_listed_vehicle_read_right_is_a_hit() -> None:
    one = passing("AB12CDE", EngineText("AB12CDE", 0.95, ()))
    truth = truth_of([one], {"police": [vehicle("AB12CDE")], "emissions": []})
    assert truth.hits == {hit("AB12CDE")}
    assert truth.right == {("police", vehicle("AB12CDE").plate, "camera-1"): ("pass-000001",)}
    assert truth.strangers == {"police": frozenset(), "emissions": {vehicle("AB12CDE").plate}}
    assert not truth.flagged | truth.mistaken | truth.missed


def test_a_letter_read_in_a_digit_slot_is_still_a_hit() -> None:
    one = passing("AB10CDE", EngineText("ABIOCDE", 0.7, ()))
    assert truth_of([one], {"police": [vehicle("AB10CDE")]}).hits == {hit("AB10CDE")}


def test_a_misread_that_gives_another_listed_plate_is_a_hit_told_as_mistaken() -> None:
    one = passing("AB12CDV", EngineText("AB12CDY", 0.7, ()))
    truth = truth_of([one], {"police": [vehicle("AB12CDY"), vehicle("AB12CDV")]})
    assert truth.hits == truth.mistaken == {hit("AB12CDY")}
    assert truth.missed == {hit("AB12CDV")}
    assert truth.right == {}


def test_a_true_text_among_the_candidates_is_expected_flagged() -> None:
    one = passing("AB12CDV", EngineText("AB12CDY", 0.7, (("AB12CDV", 0.5),)))
    truth = truth_of([one], {"police": [vehicle("AB12CDV")]})
    assert truth.flagged == truth.missed == {hit("AB12CDV")}
    assert not truth.hits
    assert truth.strangers["police"] == {vehicle("AB12CDY").plate}


def test_an_alternate_that_another_event_shows_for_certain_is_expected_once() -> None:
    seen = (EngineText("AB12CDY", 0.7, (("AB12CDV", 0.5),)), EngineText("AB12CDV", 0.95, ()))
    truth = truth_of([passing("AB12CDV", *seen)], {"police": [vehicle("AB12CDV")]})
    assert truth.hits == {hit("AB12CDV")}
    assert not truth.flagged | truth.missed
