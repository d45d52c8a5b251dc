"""Results of fast-alpr, a Python library: from its objects to messages, and from messages to events.

``message`` takes what ``ALPR.predict`` returned, and from the caller what the library does not know: the time of the
frame and the country. It imports nothing of the library. Boxes, detection scores and regions are dropped unread. Which
camera it is, the settings say: one camera process a camera.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Final, Protocol

from pydantic import Field

from blindplate.client.camera.events.event import ReadEvent
from blindplate.client.camera.events.shape import Fraction, Instant, PlateText, Shape, ShortText, parse_shape

_SOURCE: Final = "fast-alpr"


class OcrResult(Protocol):
    """What fast-alpr read: ``confidence`` is one number, or one a character."""

    @property
    def text(self) -> str: ...

    @property
    def confidence(self) -> float | Sequence[float]: ...


class AlprResult(Protocol):
    """``fast_alpr.ALPRResult``: a plate that was found, and read or not."""

    @property
    def ocr(self) -> OcrResult | None: ...


class _Read(Shape):
    text: PlateText
    confidence: Fraction | tuple[Fraction, ...] = ()


class _Frame(Shape):
    captured_at: Instant
    country: ShortText | None = None
    reads: tuple[_Read, ...] = Field(max_length=64)


def message(results: Iterable[AlprResult], captured_at: float, country: str | None = None) -> bytes:
    """One frame's results as one line, newline included. ``captured_at`` is in seconds since 1970 (UTC)."""
    reads = [one.ocr for one in results if one.ocr is not None and one.ocr.text]
    content = {
        "captured_at": datetime.fromtimestamp(captured_at, UTC).isoformat(timespec="milliseconds"),
        "country": country,
        "reads": [{"text": read.text, "confidence": _plain(read.confidence)} for read in reads],
    }
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def parse(raw: bytes) -> list[ReadEvent]:
    """One event a plate that was read. Raises EventError."""
    frame = parse_shape(_Frame, raw, _SOURCE)
    return [_event(read, frame) for read in frame.reads]


def _event(read: _Read, frame: _Frame) -> ReadEvent:
    of_characters = read.confidence if isinstance(read.confidence, tuple) else ()
    overall = fmean(of_characters) if of_characters else None
    return ReadEvent(
        text=read.text,
        captured_at=frame.captured_at.timestamp(),
        country=frame.country,
        char_confidences=of_characters,
        confidence=overall if isinstance(read.confidence, tuple) else read.confidence,
    )


def _plain(confidence: float | Sequence[float]) -> float | list[float]:
    """As Python's own numbers, and no more than one: the library's are numpy's, of 32 bits, and rounded upwards."""
    if isinstance(confidence, Iterable):
        return [min(float(one), 1.0) for one in confidence]
    return min(float(confidence), 1.0)
