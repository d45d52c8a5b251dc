"""Pictures lose what is written about them, keep every bit that is the picture, and what is none is told."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.camera.events import plate_patch
from blindplate.client.camera.events.event import MAX_PATCH_BYTES
from blindplate.client.camera.events.pictures import JPEG, PNG, bare_picture
from tests.unit.client.camera.engine_samples import (
    BARE_JPEG,
    CANARY,
    bare_png,
    chunk,
    jpeg,
    png,
    segment,
)

SCAN = BARE_JPEG.index(b"\xff\xda")
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"


def test_a_bare_picture_stays_as_it_is() -> None:
    assert bare_picture(BARE_JPEG) == (BARE_JPEG, JPEG)
    assert bare_picture(bare_png()) == (bare_png(), PNG)


def test_metadata_goes_and_the_picture_stays_bit_for_bit() -> None:
    assert CANARY.encode() in jpeg()
    assert CANARY.encode() in png()
    assert bare_picture(jpeg()) == (BARE_JPEG, JPEG)
    assert bare_picture(png()) == (bare_png(), PNG)


def test_a_picture_may_be_large_for_its_metadata_alone() -> None:
    large = BARE_JPEG[:2] + segment(0xE1, bytes(60_000)) + BARE_JPEG[2:]
    assert len(large) > MAX_PATCH_BYTES
    patch, left_out = plate_patch(large)
    assert not left_out
    assert patch is not None
    assert patch.content == BARE_JPEG


def test_what_changes_colours_is_kept_and_nothing_beside_it() -> None:
    for transform in (0, 1, 2):
        said = b"Adobe\x01\x02\x03\x04\x05\x06" + bytes((transform,))
        (bare, _) = bare_picture(BARE_JPEG[:2] + segment(0xEE, said) + BARE_JPEG[2:]) or (b"", "")
        assert bare == BARE_JPEG[:2] + ADOBE + bytes((transform,)) + BARE_JPEG[2:]
    for said in (
        b"Adobe\x01\x02\x03\x04\x05\x06\x07",
        b"Adobe" + CANARY.encode(),
        b"Other\x01\x02\x03\x04\x05\x06\x01",
    ):
        assert bare_picture(BARE_JPEG[:2] + segment(0xEE, said) + BARE_JPEG[2:]) == (BARE_JPEG, JPEG)


def test_stuffed_bytes_restarts_and_fill_bytes_belong_to_a_scan() -> None:
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd3\x56\xff\xff\x00"
    progressive = (
        BARE_JPEG[:SCAN] + scan + segment(0xFE, CANARY.encode()) + segment(0xC4, b"\x00" * 17) + scan
    )
    (bare, _) = bare_picture(progressive + b"\xff\xd9") or (b"", "")
    assert bare == BARE_JPEG[:SCAN] + scan + segment(0xC4, b"\x00" * 17) + scan + b"\xff\xd9"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(100),
        b"\xff\xd8\xff\xd9",
        BARE_JPEG[:-2],
        BARE_JPEG[:SCAN] + b"\xff\xd9",
        BARE_JPEG[:2] + b"\xff\xe1\x00\x01" + BARE_JPEG[2:],
        BARE_JPEG[:2] + b"\xff\xd0" + BARE_JPEG[2:],
        b"\xff\xd8\x00\x00" + BARE_JPEG[2:],
        bare_png()[:-1],
        bare_png()[:8] + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b""),
        bare_png()[:33] + chunk(b"IEND", b""),
    ],
)
def test_half_a_picture_is_none(content: bytes) -> None:
    assert bare_picture(content) is None


@given(
    places=st.lists(
        st.tuples(
            st.sampled_from([*range(0xE0, 0xEE), 0xEF, 0xFE, 0xF0, 0xFD, 0xC8]),
            st.binary(max_size=40).map(lambda content: CANARY.encode() + content),
        ),
        max_size=6,
    ),
    trailer=st.binary(max_size=40),
)
def test_any_metadata_anywhere_between_segments_goes(places: list[tuple[int, bytes]], trailer: bytes) -> None:
    content, at = BARE_JPEG[:2], 2
    while at < SCAN:
        end = at + 2 + int.from_bytes(BARE_JPEG[at + 2 : at + 4], "big")
        content += b"".join(segment(marker, said) for marker, said in places[:2]) + BARE_JPEG[at:end]
        places, at = places[2:], end
    assert bare_picture(content + BARE_JPEG[SCAN:] + trailer) == (BARE_JPEG, JPEG)


@given(
    start=st.sampled_from([b"\xff\xd8", BARE_JPEG[:-4], b"\x89PNG\r\n\x1a\n", png()[:60]]),
    rest=st.binary(max_size=200),
)
def test_bytes_that_begin_like_a_picture_are_bare_or_none(start: bytes, rest: bytes) -> None:
    found = bare_picture(start + rest)
    assert found is None or bare_picture(found[0]) == found
