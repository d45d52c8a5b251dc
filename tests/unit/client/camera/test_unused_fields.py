"""What the purpose does not need never gets past an adapter: not into an event, a log line or a refusal.

Canaries stand in every unused field of the samples, in the metadata of their pictures, in headers of parts; and properties
put more of them wherever an engine may put a field that nobody has thought of.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from xml.sax import handler, saxutils, xmlreader
from xml.sax.expatreader import create_parser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import ReadEvent, known_formats, parser_of
from blindplate.client.camera.feed import Feed
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import Reader
from blindplate.client.camera.source import StreamSource
from blindplate.core.errors import EventError
from tests.unit.client.camera import engine_samples as engines
from tests.unit.client.camera.engine_samples import CANARY
from tests.unit.client.camera.samples import MovedClock, Parties


def held(value: object) -> Iterator[bytes]:
    """Every text and every byte string in an event, whatever its repr shows."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from held(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from held(inner)
    elif isinstance(value, bytes | bytearray):
        yield bytes(value)
    elif isinstance(value, str):
        yield value.encode()


def require_silent(error: EventError) -> None:
    """Neither the error nor what a traceback would print before it shows a canary."""
    assert CANARY not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


def require_no_canary(name: str, raw: bytes) -> list[ReadEvent]:
    """The events of ``raw``, or none when it is refused: a canary is in neither."""
    try:
        events = list(parser_of(name)(raw))
    except EventError as error:
        require_silent(error)
        return []
    said = CANARY.encode()
    encoded = base64.b64encode(said)[:-4]
    for text in held(events):
        assert said not in text
        assert encoded not in text
    assert CANARY not in repr(events)
    return events


@pytest.mark.parametrize("name", known_formats())
def test_no_unused_field_of_a_sample_is_in_its_event(name: str) -> None:
    raw = engines.samples()[name]
    assert raw.count(CANARY.encode()) >= 2
    events = require_no_canary(name, raw)
    assert [event.text.replace(" ", "").upper() for event in events] == ["KT21ABC"]


@pytest.mark.parametrize("name", known_formats())
def test_nothing_an_engine_wrote_is_shown(name: str) -> None:
    shown = repr(parser_of(name)(engines.samples()[name])).lower()
    for text in ("kt21", "ford", "gate", "blue"):
        assert text not in shown


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


JSON_PLACES = [(name, path) for name, sample in engines.JSON_SAMPLES.items() for path in _places(sample)]


@given(
    place=st.sampled_from(JSON_PLACES),
    key=st.sampled_from(["plates", "face", "Plate", CANARY, f"{CANARY}.jpg"]) | st.text(min_size=9),
    value=st.sampled_from([CANARY, [CANARY], {CANARY: CANARY}]),
)
def test_a_json_field_that_nobody_has_thought_of_is_dropped(
    place: tuple[str, tuple[Any, ...]], key: str, value: object
) -> None:
    name, path = place
    content = copy.deepcopy(engines.JSON_SAMPLES[name])
    inner: Any = content
    for step in path:
        inner = inner[step]
    inner.setdefault(key, value)
    assert require_no_canary(name, json.dumps(content).encode())


class _Planting(saxutils.XMLGenerator):
    """Writes a document anew, with canaries in the element of a number: an element, an attribute, a comment."""

    def __init__(self, out: io.StringIO, at: int) -> None:
        super().__init__(out, "utf-8")
        self._at = at
        self._out = out
        self.count = 0

    def startElement(  # noqa: N802  the name SAX calls
        self, name: str, attrs: xmlreader.AttributesImpl
    ) -> None:
        planted = {**dict(attrs.items()), "note": CANARY} if self.count == self._at else dict(attrs.items())
        super().startElement(name, xmlreader.AttributesImpl(planted))
        if self.count == self._at:
            self._out.write(
                f"<!-- {CANARY} --><?note {CANARY}?><unknown>{CANARY}<deep>{CANARY}</deep></unknown>"
            )
        self.count += 1


def planted(xml: bytes, at: int) -> tuple[bytes, int]:
    """``xml`` with canaries in its element number ``at``, and how many elements it has."""
    out = io.StringIO()
    writer = _Planting(out, at)
    parser = create_parser()
    parser.setFeature(handler.feature_external_ges, False)
    parser.setContentHandler(writer)
    parser.parse(io.BytesIO(xml))
    return out.getvalue().encode(), writer.count


@pytest.mark.parametrize("name", engines.XML_SAMPLES)
def test_an_xml_element_or_attribute_that_nobody_has_thought_of_is_dropped(name: str) -> None:
    sample = engines.XML_SAMPLES[name]
    _, count = planted(sample, -1)
    for at in range(count):
        assert require_no_canary(name, planted(sample, at)[0])


@pytest.mark.parametrize("name", ["hikvision", "axis", "platerecognizer", "genetec"])
def test_no_other_part_of_a_push_gets_in(name: str) -> None:
    document = engines.XML_SAMPLES.get(name) or json.dumps(engines.JSON_SAMPLES[name]).encode()
    said = CANARY.encode()
    parts = [
        (f"{CANARY}.jpg", "image/jpeg", engines.jpeg() + said),
        ("event", "text/plain", document),
        ("note", "text/plain", said),
        ("more.xml", "text/xml", b"<a>" + said + b"</a>"),
    ]
    assert require_no_canary(name, engines.multipart(*parts, boundary=CANARY))


@pytest.mark.parametrize("name", known_formats())
@given(data=st.data())
def test_a_refusal_quotes_nothing(name: str, data: st.DataObject) -> None:
    # A canary in the place of what is used makes most messages wrong, and each refusal must still not show it.
    raw = engines.samples()[name]
    used = [
        b"KT21ABC",
        b"KT21 ABC",
        b"2026",
        b"07:15",
        b"17723",
        b"87",
        b"0.875",
        b"true",
        b"lpr",
        b"alpr_group",
    ]
    present = [one for one in used if one in raw]
    target = data.draw(st.sampled_from(present))
    broken = raw.replace(target, CANARY.encode() * data.draw(st.sampled_from([1, 10])))
    try:
        events = parser_of(name)(broken)
    except EventError as error:
        require_silent(error)
    else:
        # A canary in the plate's place is a plate.
        assert CANARY not in repr(events)


@pytest.mark.parametrize("name", known_formats())
def test_no_log_line_shows_a_message_taken_or_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    counts = Counts()
    parties = Parties()
    policy = parties.policy_file(tmp_path, parties.policy())
    # An hour behind the samples: each event is refused for its time, and that is logged too.
    reader = Reader(Passes(10), "GB", 3600, counts)
    feed = Feed(parser_of(name), reader, Backlog(10, counts, drop_oldest=False), policy, MovedClock(), counts)
    sample = engines.samples()[name]
    lines = sample.replace(b"\r\n", b"\n").replace(b"\n", b" ")
    StreamSource(io.BytesIO(lines + b"\n" + lines[:-9] + b"\n")).run(feed, threading.Event())
    feed.take(sample[:-9])
    feed.take(sample)
    assert counts[Counted.BAD_EVENTS] or counts[Counted.WRONG_TIME]
    shown = "".join(capfd.readouterr())
    assert "event-refused" in shown
    assert CANARY not in shown
    assert "KT21" not in shown
