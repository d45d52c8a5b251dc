"""Labelled fields: injective, and what they are in bytes."""

from __future__ import annotations

import ast
import re
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.encoding import derive, digest, encode, text_list, uint

ROOT = Path(__file__).resolve().parents[3]
CALLS = {"encode", "digest", "derive", "digests"}
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


def labels_in_use() -> set[str]:
    """The first text argument of every call of encode, digest, derive (or psi's digests) in the sources."""
    found: set[str] = set()
    for path in (path for portion in ("core", "client", "server") for path in (ROOT / portion).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                texts = [
                    one.value
                    for one in node.args[:2]
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
                found.update(texts[:1])
    return found


def test_every_label_stands_in_the_specification() -> None:
    specified = set(re.findall(r"`([a-z-]+)`", (ROOT / "docs" / "spec" / "encoding.md").read_text()))
    used = labels_in_use()
    assert len(used) > 20
    assert used - specified == set()
