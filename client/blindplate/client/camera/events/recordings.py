"""Clips and sounds without what is written about them: of an ISO base media file (MP4, QuickTime, M4A) and of a WAV.

Guarantees that of a WAV only format, length and samples remain, and that of an ISO file the boxes that hold descriptions
(``udta``, ``meta``, ``uuid``: place, maker, owner; ISO/IEC 14496-12) and free space are blanked where they stand, so that
no offset in it moves. What does not keep to either structure is no recording. Nothing is decoded: what is drawn into the
film, said in the sound, or hidden among samples stays; so do tracks of other kinds than film and sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MP4: Final = "video/mp4"
QUICKTIME: Final = "video/quicktime"
M4A: Final = "audio/mp4"
WAV: Final = "audio/wav"

# Brands by the first four bytes that tell another type than a film in MP4.
_BRANDS: Final = {b"qt  ": QUICKTIME, b"M4A ": M4A, b"M4B ": M4A}
_BLANKED: Final = frozenset({b"udta", b"meta", b"uuid", b"free", b"skip"})
_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts"})
_MAX_DEPTH: Final = 8
_MAX_BOXES: Final = 100_000
_WAV_NEEDED: Final = frozenset({b"fmt ", b"fact", b"data"})


def bare_recording(content: bytes) -> tuple[bytes, str] | None:
    """``content`` without descriptions and its media type, or None when it is no recording of a known form."""
    if content[4:8] == b"ftyp":
        bare, media_type = _bare_iso(content), _BRANDS.get(content[8:12], MP4)
    elif content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        bare, media_type = _bare_wav(content), WAV
    else:
        return None
    return None if bare is None else (bare, media_type)


def _bare_iso(content: bytes) -> bytes | None:
    bare, kinds, seen = bytearray(content), set[bytes](), 0
    waiting = [(0, len(content), 0)]
    while waiting:
        start, end, depth = waiting.pop()
        for box in _boxes(content, start, end):
            seen += 1
            if box is None or seen > _MAX_BOXES:
                return None
            kind, at, body, after = box
            kinds.add(kind)
            if kind in _BLANKED:
                bare[at + 4 : at + 8] = b"free"
                bare[body:after] = bytes(after - body)
            elif kind in _CONTAINERS and depth < _MAX_DEPTH:
                waiting.append((body, after, depth + 1))
    return bytes(bare) if {b"moov", b"mdat"} <= kinds else None


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int, int] | None]:
    """Of each box its kind, and where it, its content and what follows it begin; None for what is no box."""
    while at < end:
        size, kind, body = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = int.from_bytes(content[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at
        if len(kind) < 4 or size < body - at or at + size > end:
            yield None
            return
        yield kind, at, body, at + size
        at += size


def _bare_wav(content: bytes) -> bytes | None:
    kept, at, kinds = bytearray(), 12, list[bytes]()
    while at + 8 <= len(content):
        kind, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        # A recorder that was cut off has not filled in the length of its samples.
        length = min(length, len(content) - at - 8)
        end = at + 8 + length + length % 2
        if kind in _WAV_NEEDED:
            kept += (
                kind + length.to_bytes(4, "little") + content[at + 8 : at + 8 + length] + bytes(length % 2)
            )
            kinds.append(kind)
        at = end
    if kinds[:1] != [b"fmt "] or b"data" not in kinds:
        return None
    return b"RIFF" + (4 + len(kept)).to_bytes(4, "little") + b"WAVE" + bytes(kept)
