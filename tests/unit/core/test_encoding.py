"""Labelled fields: injective, and what they are in bytes."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.encoding import derive, digest, encode, text_list, uint

FIELDS = st.lists(st.binary(max_size=8), max_size=4)
LABELS = st.sampled_from(["a", "ab", "b", ""])


@given(LABELS, FIELDS, LABELS, FIELDS)
def test_different_fields_or_labels_never_give_the_same_bytes(
    label: str, fields: list[bytes], other_label: str, other_fields: list[bytes]
) -> None:
    same = encode(label, *fields) == encode(other_label, *other_fields)
    assert same == ((label, fields) == (other_label, other_fields))


def test_the_bytes_are_lengths_and_fields_behind_the_protocol_and_the_label() -> None:
    assert (
        encode("x", b"yz").hex()
        == "0000000d" + b"blindplate-v1".hex() + "00000001" + "78" + "00000002" + "797a"
    )


def test_digest_is_sha256_of_the_encoding() -> None:
    assert digest("x", b"yz") == sha256(encode("x", b"yz")).digest()


def test_derived_keys_differ_by_label_field_and_salt() -> None:
    keys = {
        derive(b"k" * 32, "a", b"f"),
        derive(b"k" * 32, "b", b"f"),
        derive(b"k" * 32, "a", b"g"),
        derive(b"k" * 32, "a", b"f", salt=b"s"),
        derive(b"l" * 32, "a", b"f"),
    }
    assert len(keys) == 5
    assert len(derive(b"k", "a", length=64)) == 64


def test_an_integer_too_large_for_its_field_is_refused() -> None:
    with pytest.raises(OverflowError):
        uint(256, 1)


@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_text_lists_never_meet(one: list[str], other: list[str]) -> None:
    assert (text_list(one) == text_list(other)) == (one == other)
