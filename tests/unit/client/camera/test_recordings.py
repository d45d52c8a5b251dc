"""Clips and sounds lose what is written about them, and nothing else; what is neither is left out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.cli.traffic.recordings import clip, sound
from blindplate.client.camera.events.recordings import M4A, MP4, QUICKTIME, WAV, bare_recording

CANARY = b"canary: a place, a maker, a name"


def box(kind: bytes, content: bytes, *, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">I", 1) + kind + struct.pack(">Q", 16 + len(content)) + content
    return struct.pack(">I", 8 + len(content)) + kind + content


def film(brand: bytes = b"isom", *, wide: bool = False) -> bytes:
    described = box(b"udta", box(b"meta", CANARY), wide=wide)
    track = box(b"trak", box(b"tkhd", bytes(20)) + described + box(b"mdia", box(b"minf", described)))
    return b"".join(
        (
            box(b"ftyp", brand + bytes(4)),
            box(b"uuid", CANARY),
            box(b"free", CANARY),
            box(b"moov", box(b"mvhd", bytes(100)) + track + described, wide=wide),
            box(b"skip", CANARY),
            box(b"mdat", b"samples" * 100, wide=wide),
            box(b"meta", CANARY, wide=wide),
        )
    )


@pytest.mark.parametrize("wide", [False, True])
def test_a_film_keeps_its_samples_where_they_are_and_loses_its_descriptions(wide: bool) -> None:
    content = film(wide=wide)
    bare = bare_recording(content)
    assert bare is not None
    assert bare[1] == MP4
    assert len(bare[0]) == len(content)
    assert CANARY not in bare[0]
    assert b"udta" not in bare[0]
    assert bare[0].find(b"samples" * 100) == content.find(b"samples" * 100)
    assert bare_recording(bare[0]) == bare


@pytest.mark.parametrize(("brand", "media_type"), [(b"qt  ", QUICKTIME), (b"M4A ", M4A), (b"mp42", MP4)])
def test_the_type_is_what_the_bytes_say(brand: bytes, media_type: str) -> None:
    bare = bare_recording(film(brand))
    assert bare is not None
    assert bare[1] == media_type


def test_what_holds_no_descriptions_stays_as_it_is() -> None:
    assert bare_recording(clip(1, 100_000)) == (clip(1, 100_000), MP4)
    assert bare_recording(sound(1)) == (sound(1), WAV)


def test_a_sound_keeps_format_and_samples_alone() -> None:
    content = sound(1)
    listed = b"LIST" + struct.pack("<I", len(CANARY)) + CANARY
    described = content[:36] + listed + content[36:] + b"id3 " + struct.pack("<I", len(CANARY)) + CANARY
    assert bare_recording(described) == (content, WAV)
    assert bare_recording(described + CANARY) == (content, WAV)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"neither",
        film()[:-1],
        film()[:200],
        box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom") + box(b"moov", b""),
        box(b"ftyp", b"isom") + box(b"mdat", b"x") + struct.pack(">I", 3) + b"moov",
        box(b"ftyp", b"isom") + box(b"moov", b"\0\0\0") + box(b"mdat", b""),
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0AVI LIST",
    ],
)
def test_what_does_not_keep_to_its_structure_is_no_recording(content: bytes) -> None:
    assert bare_recording(content) is None


def test_boxes_without_end_are_given_up() -> None:
    many = box(b"ftyp", b"isom") + box(b"free", b"") * 100_001 + box(b"moov", b"") + box(b"mdat", b"")
    assert bare_recording(many) is None


@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_are_taken_or_left_and_nothing_is_raised(noise: bytes, at: int) -> None:
    for content in (film(), sound(1)[:300]):
        bare_recording(content[:at] + noise + content[at + len(noise) :])
        bare_recording(content[:12] + noise)
