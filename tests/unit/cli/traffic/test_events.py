"""Events are what the camera's parsers read, the same in both formats, and tell the plate in its texts alone."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from blindplate.cli.traffic import Simulation, event_line, write_events
from blindplate.cli.traffic.events import Event
from blindplate.cli.traffic.patches import patch
from blindplate.client.camera.events import ReadEvent, parser_of
from blindplate.core.errors import InputError

FORMATS = ("plain", "openalpr")


def all_events(simulation: Simulation) -> Iterator[Event]:
    for events in simulation.events.values():
        yield from events


def parsed(event: Event, event_format: str) -> ReadEvent:
    line = event_line(event, event_format)
    assert line.count(b"\n") == 1
    (found,) = parser_of(event_format)(line)
    return found


def spelt(name: str) -> str:
    return name.lower().replace(" ", "-")


@pytest.mark.parametrize("event_format", FORMATS)
def test_the_cameras_parser_reads_every_event(simulation: Simulation, event_format: str) -> None:
    for event in all_events(simulation):
        of_pass, sighting = event
        found = parsed(event, event_format)
        assert found.text == sighting.seen.text
        assert found.captured_at == sighting.captured_at
        assert found.country == of_pass.vehicle.country
        assert found.confidence == pytest.approx(sighting.seen.confidence)
        assert dict(found.candidates) == pytest.approx(dict(sighting.seen.candidates))
        assert found.patch is not None
        assert found.patch.media_type == "image/jpeg"
        assert found.direction
        vehicle = of_pass.vehicle
        told = (found.vehicle.make, found.vehicle.model, found.vehicle.colour)
        if event_format == "openalpr":
            # OpenALPR's own names are in lower case, with hyphens for spaces.
            assert told == (spelt(vehicle.make), spelt(vehicle.model), vehicle.colour)
        else:
            assert told == (vehicle.make, vehicle.model, vehicle.colour)


def test_a_plate_is_nowhere_in_an_event_but_in_its_texts(simulation: Simulation) -> None:
    for event in all_events(simulation):
        plate = event[0].vehicle.text
        for event_format in FORMATS:
            found = parsed(event, event_format)
            assert found.patch is not None
            assert plate.encode() not in found.patch.content.upper()
            content = json.loads(event_line(event, event_format))
            for texts in ("plate", "candidates", "best_plate"):
                content.pop(texts, None)
            assert plate not in json.dumps(content).upper()


def test_every_event_has_a_patch_of_its_own(simulation: Simulation) -> None:
    patches = [parsed(event, "plain").patch for event in all_events(simulation)]
    assert len({patch.content for patch in patches if patch}) == len(patches)


def test_a_patch_is_a_sequence_of_whole_jpeg_segments() -> None:
    content = patch(42)
    assert content.startswith(b"\xff\xd8")
    assert content.endswith(b"\xff\xd9")
    markers, at = [], 2
    while content[at + 1] != 0xDA:
        assert content[at] == 0xFF
        markers.append(content[at + 1])
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    assert markers == [0xDB, 0xC0, 0xC4, 0xC4]
    assert b"0000000042" in content


@pytest.mark.parametrize("event_format", FORMATS)
def test_a_file_of_events_holds_their_lines_and_is_its_owners_alone(
    tmp_path: Path, simulation: Simulation, event_format: str
) -> None:
    events = simulation.events["camera-1"][:20]
    path = tmp_path / "events.jsonl"
    write_events(path, events, event_format)
    assert path.read_bytes() == b"".join(event_line(event, event_format) for event in events)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_openalpr_gives_the_patch_where_the_engine_does(simulation: Simulation) -> None:
    group = json.loads(event_line(simulation.events["camera-1"][0], "openalpr"))
    assert group["data_type"] == "alpr_group"
    assert base64.b64decode(group["best_plate"]["plate_crop_jpeg"]).startswith(b"\xff\xd8\xff")
    assert 0 <= group["best_confidence"] <= 100


def test_a_format_that_is_not_simulated_is_refused(simulation: Simulation) -> None:
    with pytest.raises(InputError, match="openalpr, plain"):
        event_line(simulation.events["camera-1"][0], "platerecognizer")
