"""Events of every engine: what is taken, what is dropped, and that a refusal quotes nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.cli.traffic.patches import patch
from blindplate.client.camera.events import PlatePatch, ReadEvent, Vehicle, known_formats, parser_of
from blindplate.client.camera.events.event import MAX_CANDIDATES, MAX_PATCH_BYTES
from blindplate.core.errors import EventError

JPEG = patch(7)
PLAIN: dict[str, Any] = {
    "plate": "KT21 ABC",
    "captured_at": "2026-03-01T08:15:30.250+01:00",
    "country": "GB",
    "confidence": 0.97,
    "candidates": [{"plate": "KT21 A8C", "confidence": 0.4}, {"plate": "KT2I ABC"}],
    "character_confidences": [0.9, 0.8, 1, 1, 1, 1, 1],
    "direction": "towards",
    "plate_patch": base64.b64encode(JPEG).decode(),
    "vehicle": {"make": "Ford", "model": "Focus", "colour": "blue"},
}
GROUP: dict[str, Any] = {
    "data_type": "alpr_group",
    "version": 3,
    "epoch_start": 1_772_349_330_250,
    "epoch_end": 1_772_349_332_000,
    "camera_id": 1009,
    "agent_uid": "an agent",
    "gps_latitude": 51.5,
    "country": "eu",
    "candidates": [
        {"plate": "KT21ABC", "confidence": 94.25, "matches_template": 1},
        {"plate": "KT21A8C", "confidence": 61.5, "matches_template": 0},
    ],
    "best_plate": {
        "plate": "KT21ABC",
        "confidence": 93.0,
        "region": "eu-gb",
        "coordinates": [{"x": 1, "y": 2}],
        "plate_crop_jpeg": base64.b64encode(JPEG).decode(),
    },
    "best_confidence": 94.25,
    "best_uuid": "KT21ABC-uuid",
    "travel_direction": 271.6,
    "vehicle": {
        "color": [{"name": "blue", "confidence": 90}],
        "make": [{"name": "ford", "confidence": 90}],
        "make_model": [{"name": "ford_focus", "confidence": 80}],
        "year": [{"name": "2015", "confidence": 20}],
    },
}
RESULTS: dict[str, Any] = {
    "data_type": "alpr_results",
    "epoch_time": 1_772_349_330_250,
    "camera_id": 1009,
    "results": [
        {"plate": "KT21ABC", "confidence": 94.0, "region": "gb", "candidates": []},
        {"plate": "LB99XYZ", "confidence": 80.0, "region": "eu-gb"},
    ],
}
WEBHOOK: dict[str, Any] = {
    "hook": {"id": "camera-9", "event": "recognition", "target": "https://example.invalid"},
    "data": {
        "camera_id": "camera-9",
        "filename": "kt21abc.jpg",
        "timestamp": "2026-03-01T07:15:30.250000Z",
        "results": [
            {
                "plate": "kt21abc",
                "score": 0.91,
                "region": {"code": "gb", "score": 0.9},
                "candidates": [{"plate": "kt21abc", "score": 0.91}, {"plate": "kt21a8c"}],
                "box": {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4},
                "vehicle": {"type": "Sedan", "score": 0.8},
                "direction": 92,
                "color": [{"color": "blue", "score": 0.7}],
                "model_make": [{"make": "Ford", "model": "Focus", "score": 0.5}],
            },
            {"plate": None, "vehicle": {"type": "Bus"}},
        ],
    },
}
MOMENT = 1_772_349_330.25
WHOLE = {
    "plain": PLAIN,
    "openalpr": GROUP,
    "platerecognizer": WEBHOOK,
}


def parse(event_format: str, content: object) -> list[ReadEvent]:
    return list(parser_of(event_format)(json.dumps(content).encode()))


def test_a_plain_event_is_taken_whole() -> None:
    assert parse("plain", PLAIN) == [
        ReadEvent(
            text="KT21 ABC",
            captured_at=MOMENT,
            country="GB",
            candidates=(("KT21 A8C", 0.4), ("KT2I ABC", None)),
            char_confidences=(0.9, 0.8, 1, 1, 1, 1, 1),
            confidence=0.97,
            direction="towards",
            patch=PlatePatch(JPEG, "image/jpeg"),
            vehicle=Vehicle("Ford", "Focus", "blue"),
        )
    ]


def test_plate_and_time_are_enough() -> None:
    content = {"plate": "KT21ABC", "captured_at": "2026-03-01T07:15:30.25Z", "something": "else"}
    assert parse("plain", content) == [ReadEvent("KT21ABC", MOMENT)]


def test_an_openalpr_group_is_one_event_of_the_best_plate() -> None:
    assert parse("openalpr", GROUP) == [
        ReadEvent(
            text="KT21ABC",
            captured_at=MOMENT,
            country="GB",
            candidates=(("KT21A8C", 0.615),),
            confidence=0.9425,
            direction="272 degrees in the image",
            patch=PlatePatch(JPEG, "image/jpeg"),
            vehicle=Vehicle("ford", "focus", "blue"),
            engine_camera="1009",
        )
    ]


def test_an_openalpr_frame_is_one_event_a_plate() -> None:
    events = parse("openalpr", RESULTS)
    assert [(event.text, event.confidence, event.country) for event in events] == [
        ("KT21ABC", 0.94, None),
        ("LB99XYZ", 0.8, "GB"),
    ]


@pytest.mark.parametrize(
    ("country", "region", "expected"),
    [
        ("gb", "", "GB"),
        ("eu", "gb", "GB"),
        ("eu", "eu-de", "DE"),
        # Florida is not Liechtenstein, California is not Canada, Delaware is not Germany.
        ("us", "fl", "US"),
        ("us", "us-ca", "US"),
        ("", "us-de", "US"),
        ("", "ca", None),
        ("", "", None),
    ],
)
def test_an_openalpr_region_is_read_within_its_country(
    country: str, region: str, expected: str | None
) -> None:
    content = GROUP | {"country": country, "best_plate": GROUP["best_plate"] | {"region": region}}
    assert parse("openalpr", content)[0].country == expected


def test_a_plate_recognizer_result_without_a_plate_is_no_read() -> None:
    assert parse("platerecognizer", WEBHOOK) == [
        ReadEvent(
            text="kt21abc",
            captured_at=MOMENT,
            country="gb",
            candidates=(("kt21a8c", None),),
            confidence=0.91,
            direction="92 degrees in the image",
            vehicle=Vehicle("Ford", "Focus", "blue"),
            engine_camera="camera-9",
        )
    ]


@pytest.mark.parametrize("event_format", WHOLE)
def test_an_event_shows_nothing_of_what_an_engine_wrote(event_format: str) -> None:
    shown = repr(parse(event_format, WHOLE[event_format])).lower()
    assert "kt21" not in shown
    assert "ford" not in shown


@pytest.mark.parametrize(
    ("event_format", "path"),
    [
        ("plain", "plate"),
        ("plain", "captured_at"),
        ("plain", "candidates.0.plate"),
        ("openalpr", "data_type"),
        ("openalpr", "epoch_start"),
        ("openalpr", "best_plate"),
        ("openalpr", "best_plate.plate"),
        ("platerecognizer", "data"),
        ("platerecognizer", "data.timestamp"),
        ("platerecognizer", "data.results"),
    ],
)
def test_a_missing_field_is_named(event_format: str, path: str) -> None:
    content = json.loads(json.dumps(WHOLE[event_format]))
    *steps, last = path.split(".")
    inner = content
    for step in steps:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    del inner[last]
    with pytest.raises(EventError, match=path.replace(".", r"\.")):
        parse(event_format, content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plate", ""),
        ("plate", "K" * 65),
        ("plate", 7),
        ("captured_at", "2026-03-01T07:15:30"),  # no offset: which hour is it?
        ("captured_at", 1_772_349_330),
        ("confidence", 97),
        ("confidence", -0.1),
        ("character_confidences", [0.5, 2]),
        ("candidates", "KT21ABC"),
    ],
)
def test_a_wrong_value_is_refused_and_not_quoted(field: str, value: object) -> None:
    with pytest.raises(EventError, match=field) as caught:
        parse("plain", PLAIN | {field: value})
    assert "KT21" not in str(caught.value)
    assert "K" * 65 not in str(caught.value)


def test_not_a_number_is_no_confidence() -> None:
    raw = json.dumps(PLAIN).replace("0.97", "NaN").encode()
    with pytest.raises(EventError):
        parser_of("plain")(raw)


@pytest.mark.parametrize("event_format", known_formats())
@pytest.mark.parametrize("raw", [b"", b"KT21ABC", b"[]", b'"KT21ABC"', b"{", b"\xff\xfe", b"[" * 5000])
def test_what_is_no_event_at_all_is_refused_and_not_quoted(event_format: str, raw: bytes) -> None:
    with pytest.raises(EventError) as caught:
        parser_of(event_format)(raw)
    assert "KT21" not in str(caught.value)


@pytest.mark.parametrize("event_format", known_formats())
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.just("KT21ABC"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["plate", "captured_at", "data", "results", "data_type", "best_plate", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_events_or_an_event_error(event_format: str, content: object) -> None:
    try:
        events = parse(event_format, content)
    except EventError as error:
        assert "KT21" not in str(error)  # noqa: PT017  most inputs are refused, not all
    else:
        assert all(isinstance(event, ReadEvent) for event in events)


@pytest.mark.parametrize(
    "picture",
    [
        "not base64!",
        base64.b64encode(b"GIF89a").decode(),
        base64.b64encode(JPEG[:-2] + bytes(MAX_PATCH_BYTES) + JPEG[-2:]).decode(),
        base64.b64encode(JPEG[:-2]).decode(),
    ],
    ids=["no base64", "no jpeg", "too large", "cut short"],
)
def test_a_picture_that_cannot_travel_costs_no_read(picture: str) -> None:
    (event,) = parse("plain", PLAIN | {"plate_patch": picture})
    assert event.patch is None
    assert event.patch_left_out


@pytest.mark.parametrize("said", [None, 9, "camera-9"])
def test_an_engines_camera_may_be_a_number_a_name_or_not_told(said: object) -> None:
    content = WEBHOOK | {"data": WEBHOOK["data"] | {"camera_id": said}}
    assert [event.engine_camera for event in parse("platerecognizer", content)] == [str(said or "")]


def test_only_so_many_candidates_are_kept() -> None:
    candidates = [{"plate": f"KT21AB{index}"} for index in range(100)]
    (event,) = parse("plain", PLAIN | {"candidates": candidates})
    assert len(event.candidates) == MAX_CANDIDATES
