"""Whatever bytes come, a parser gives events or an EventError: nothing else ends a camera."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blindplate.client.camera.events import ReadEvent, known_formats, parser_of
from blindplate.core.errors import EventError
from tests.unit.client.camera import engine_samples as engines

SAMPLES = engines.samples()
PIECES = st.sampled_from(
    [
        b"\x00",
        b"\xff\xfe",
        b"--",
        b"\r\n",
        b"<",
        b"<!DOCTYPE a>",
        b"&a;",
        b"{",
        b'"',
        b"NaN",
        b"1e999",
        b"\xed\xa0\x80",
    ]
)


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """A sample cut short, with a piece put in, or with some bytes overwritten."""
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(len(sample), start + draw(st.sampled_from([0, 1, 9, 10_000])))))
    return sample[:start] + draw(PIECES | st.binary(max_size=9)) + sample[end:]


def require_events(name: str, raw: bytes) -> None:
    try:
        events = parser_of(name)(raw)
    except EventError:
        return
    assert all(isinstance(event, ReadEvent) for event in events)


@pytest.mark.parametrize("name", known_formats())
@given(raw=st.binary(max_size=300))
@example(raw=b"--\r\n")
@example(raw=b"--a\r\n--a--\r\n")
@example(raw=b"--a" * 100)
@example(raw=b"--\xff\r\n\r\n")
@example(raw=b"<a>" * 100_000)
@example(raw=b"[" * 100_000)
@example(raw=b'<?xml version="1.0" encoding="gb18030"?><a/>')
@example(raw=b'<?xml version="1.0" encoding="nothing"?><a/>')
@example(raw="<?xml version='1.0'?><a/>".encode("utf-16"))
def test_any_bytes_are_events_or_an_event_error(name: str, raw: bytes) -> None:
    require_events(name, raw)


@pytest.mark.parametrize("name", known_formats())
@given(data=st.data())
def test_any_damage_to_a_message_is_events_or_an_event_error(name: str, data: st.DataObject) -> None:
    require_events(name, data.draw(damaged(SAMPLES[name])))
