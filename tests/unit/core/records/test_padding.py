"""Padding: round trips, few lengths, one form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.records.padding import MAX_BYTES, SIZES, pad, unpad


@given(st.integers(0, MAX_BYTES), st.binary(min_size=1, max_size=1))
@settings(max_examples=50, deadline=None)
def test_texts_of_any_length_come_back(length: int, byte: bytes) -> None:
    assert unpad(pad(byte * length)) == byte * length


@pytest.mark.parametrize(
    ("length", "size"), [(0, 512), (508, 512), (509, 1024), (1020, 1024), (MAX_BYTES, 65_536)]
)
def test_padded_lengths_are_the_next_of_a_few(length: int, size: int) -> None:
    assert len(pad(b"x" * length)) == size


def test_sizes_double_from_512_to_64_kib() -> None:
    assert SIZES == (512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)


def test_a_text_above_64_kib_is_refused() -> None:
    with pytest.raises(MessageError):
        pad(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"\0\0\0",
        bytes(511),
        bytes(513),
        bytes(1024),
        b"\xff\xff\xff\xff" + bytes(508),
        b"\0\0\2\0" + bytes(508),
        bytes(511) + b"x",
    ],
)
def test_what_is_not_padded_in_the_one_way_is_refused(padded: bytes) -> None:
    with pytest.raises(MessageError):
        unpad(padded)
