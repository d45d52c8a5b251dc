"""Bundles of entries: what they hold comes back, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.ledger.bundles import MAX_ENTRY_BYTES, decode_bundle, encode_bundle


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=256))
def test_bundles_come_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


@given(st.binary(min_size=1, max_size=40))
def test_whatever_is_read_is_written_the_same(data: bytes) -> None:
    try:
        entries = decode_bundle(data)
    except MessageError:
        return
    assert encode_bundle(entries) == data


def test_the_longest_entry_comes_back() -> None:
    assert encode_bundle([b"e" * MAX_ENTRY_BYTES])[:3] == b"\xff\xffe"
    assert decode_bundle(encode_bundle([b"e" * MAX_ENTRY_BYTES])) == [b"e" * MAX_ENTRY_BYTES]


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\1", b"\0\1a\0", b"\0\1a\0\2b", b"\0\0" * 257],
    ids=["empty", "half a length", "no entry", "half a second length", "half an entry", "257 entries"],
)
def test_a_bundle_out_of_form_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_bundle(data)


@pytest.mark.parametrize(
    "entries", [[], [b"e"] * 257, [b"e" * 65_536]], ids=["none", "257", "an entry too long"]
)
def test_a_bundle_that_no_ledger_has_is_not_made(entries: list[bytes]) -> None:
    with pytest.raises(MessageError):
        encode_bundle(entries)
