"""What is taken of each engine's own event, and what is no event of a plate at all."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from blindplate.client.camera.events import PlatePatch, ReadEvent, Vehicle, known_formats, parser_of
from blindplate.client.camera.events.fastalpr import message
from blindplate.core.errors import EventError
from tests.unit.client.camera import engine_samples as engines
from tests.unit.client.camera.engine_samples import MOMENT

PATCH = PlatePatch(engines.BARE_JPEG, "image/jpeg")


def changed(xml: bytes, old: str, new: str) -> bytes:
    assert old.encode() in xml
    return xml.replace(old.encode(), new.encode())


def test_there_is_a_sample_of_every_format() -> None:
    assert set(engines.samples()) == set(known_formats())


# -- Hikvision ----------------------------------------------------------------------------------------------


def test_a_hikvision_push_is_one_read_with_the_picture_of_its_plate() -> None:
    assert parser_of("hikvision")(engines.hikvision_push()) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            country="GBR",
            char_confidences=(0.99, 0.99, 0.99, 0.61, 0.99, 0.99, 0.99),
            confidence=0.96,
            direction="forward",
            patch=PATCH,
            vehicle=Vehicle(colour="blue"),
            engine_camera="1",
        )
    ]


@pytest.mark.parametrize(
    "namespace", ["http://www.hikvision.com/ver20/XMLSchema", "http://www.std-cgi.com/ver20/XMLSchema", ""]
)
def test_hikvisions_namespace_does_not_matter(namespace: str) -> None:
    raw = changed(engines.HIKVISION_XML, "http://www.isapi.org/ver20/XMLSchema", namespace)
    assert [event.text for event in parser_of("hikvision")(raw)] == ["KT21ABC"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">ANPR<", ">videoloss<"),
        (">KT21ABC<", ">unknown<"),
        (">KT21ABC<", ">No Plate<"),
        ("<licensePlate>KT21ABC</licensePlate>", ""),
    ],
)
def test_another_alert_and_a_vehicle_without_a_plate_are_no_reads(old: str, new: str) -> None:
    assert parser_of("hikvision")(changed(engines.HIKVISION_XML, old, new)) == []


@pytest.mark.parametrize("believed", ["", "99,,99", "99;99", "101", "-1", "9" * 10_000, "nan", "１"])
def test_character_confidences_that_are_none_cost_no_read(believed: str) -> None:
    raw = changed(engines.HIKVISION_XML, "99,99,99,61,99,99,99", believed)
    assert [event.char_confidences for event in parser_of("hikvision")(raw)] == [()]


# -- Axis ---------------------------------------------------------------------------------------------------


def axis(**fields: object) -> bytes:
    return json.dumps(engines.AXIS | fields).encode()


def test_an_axis_event_is_read_from_its_texts() -> None:
    assert parser_of("axis")(axis()) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            country="GBR",
            confidence=0.875,
            direction="in",
            patch=PATCH,
            vehicle=Vehicle("Ford", "Focus", "blue"),
            pass_id="77",
            engine_camera="gate",
        )
    ]


def test_axis_is_read_when_new_or_updated_and_never_when_lost() -> None:
    parse = parser_of("axis")
    assert [len(parse(axis(carState=state))) for state in ("new", "update", "lost", "LOST")] == [1, 1, 0, 0]


def test_axis_may_push_its_event_beside_pictures() -> None:
    body = engines.multipart(("image", "image/jpeg", engines.jpeg()), ("event", "application/json", axis()))
    assert [event.text for event in parser_of("axis")(body)] == ["KT21ABC"]


# -- Genetec ------------------------------------------------------------------------------------------------


def test_a_genetec_read_is_in_utc() -> None:
    assert parser_of("genetec")(engines.GENETEC) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            country="GBR",
            confidence=0.875,
            direction="Closer",
            patch=PATCH,
            engine_camera="gate",
        )
    ]


@pytest.mark.parametrize("date", ["2026-03-01", "2026/03/01"])
def test_genetec_dates_have_the_year_first(date: str) -> None:
    (event,) = parser_of("genetec")(changed(engines.GENETEC, "2026:03:01", date))
    assert event.captured_at == MOMENT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026:03:01", "01/03/2026"),
        ("2026:03:01", "2026:13:01"),
        ("2026:03:01", ""),
        ("07:15:30.250", "07:15:30+01:00"),
        ("07:15:30.250", "7 pm"),
    ],
)
def test_genetec_dates_that_would_be_a_guess_are_refused(old: str, new: str) -> None:
    with pytest.raises(EventError, match="UTCDate"):
        parser_of("genetec")(changed(engines.GENETEC, old, new))


@pytest.mark.parametrize(
    ("state", "country"), [("GB", "GB"), ("uk", "uk"), ("DEU", "DEU"), ("CA", None), ("DE", None), ("", None)]
)
def test_a_genetec_state_of_two_letters_is_a_state(state: str, country: str | None) -> None:
    (event,) = parser_of("genetec")(changed(engines.GENETEC, "<State>GBR", f"<State>{state}"))
    assert event.country == country


# -- BOF ----------------------------------------------------------------------------------------------------


def compound(number: int) -> bytes:
    capture = re.search(rb"<captures>.*</captures>", engines.BOF, re.DOTALL)
    assert capture is not None
    return engines.BOF.replace(capture[0], capture[0] * number)


def test_a_bof_capture_is_read() -> None:
    assert parser_of("bof")(engines.BOF) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            confidence=0.87,
            direction="towards",
            patch=PATCH,
            engine_camera="4/2/9",
        )
    ]


def test_a_compound_has_at_most_fifty_captures() -> None:
    assert len(parser_of("bof")(compound(50))) == 50
    for number in (0, 51):
        with pytest.raises(EventError, match="50"):
            parser_of("bof")(compound(number))


def test_a_bof_capture_needs_no_envelope() -> None:
    raw = b"<capture><vrm>KT21ABC</vrm><captureDate>2026-03-01T07:15:30Z</captureDate></capture>"
    assert [event.text for event in parser_of("bof")(raw)] == ["KT21ABC"]


# -- Milestone ----------------------------------------------------------------------------------------------


def test_a_milestone_object_with_a_plate_is_read() -> None:
    assert parser_of("milestone")(engines.MILESTONE) == [
        ReadEvent(text="KT21ABC", captured_at=MOMENT, country="GB", confidence=0.875, engine_camera="gate")
    ]


def test_a_person_that_an_analytics_event_names_is_no_plate() -> None:
    assert parser_of("milestone")(changed(engines.MILESTONE, ">LPR<", ">FaceMatch<")) == []


def test_an_object_may_say_itself_that_it_is_a_plate() -> None:
    raw = changed(engines.MILESTONE, ">LPR<", ">Vehicle<")
    raw = changed(raw, "<Object>", "<Object><Type>LicensePlate</Type>")
    assert [event.text for event in parser_of("milestone")(raw)] == ["KT21ABC"]


# -- Frigate, fast-alpr -------------------------------------------------------------------------------------


def frigate(**fields: object) -> bytes:
    return json.dumps(engines.FRIGATE | fields).encode()


def test_a_frigate_update_is_read() -> None:
    assert parser_of("frigate")(frigate()) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            confidence=0.875,
            pass_id="1772349325.5-abcdef",
            engine_camera="gate",
        )
    ]


@pytest.mark.parametrize("fields", [{"type": "face"}, {"type": "description"}, {"plate": None}])
def test_other_updates_of_frigate_are_no_reads(fields: dict[str, object]) -> None:
    assert parser_of("frigate")(frigate(**fields)) == []


@dataclass
class Ocr:
    text: str
    confidence: float | list[float]


@dataclass
class Result:
    ocr: Ocr | None
    detection: str = engines.CANARY


def test_results_of_fast_alpr_go_through_a_message() -> None:
    results = [
        Result(Ocr("KT21ABC", [0.5, 1.0000001, 1.0, 1.0, 1.0, 1.0, 1.0])),
        Result(None),
        Result(Ocr("LB99XYZ", 0.25)),
        Result(Ocr("", 0.0)),
    ]
    line = message(results, MOMENT, "GB")
    assert line.endswith(b"\n")
    assert engines.CANARY not in line.decode()
    assert parser_of("fastalpr")(line) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            country="GB",
            char_confidences=(0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
            confidence=6.5 / 7,
        ),
        ReadEvent(text="LB99XYZ", captured_at=MOMENT, country="GB", confidence=0.25),
    ]
