"""Roots over batches: every slot counts, in its place, and a record's slot can be shown to be among them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core import merkle
from blindplate.core.batches import OPENING_BYTES, answer_digest, batch_root, slot_leaves
from blindplate.core.encoding import encode
from blindplate.core.errors import MessageError

OPENINGS = st.integers(1, 40).flatmap(
    lambda slots: st.binary(min_size=slots * OPENING_BYTES, max_size=slots * OPENING_BYTES)
)


def test_a_root_is_that_of_a_tree_of_labelled_slots() -> None:
    first, second = bytes([1]) * OPENING_BYTES, bytes([2]) * OPENING_BYTES
    nodes = [sha256(b"\x00" + encode("batch-slot", opening)).digest() for opening in (first, second)]
    assert batch_root(first + second) == sha256(b"\x01" + nodes[0] + nodes[1]).digest()
    assert batch_root(first + second) != batch_root(second + first)


@given(openings=OPENINGS, place=st.integers(min_value=0))
def test_any_changed_bit_of_any_slot_changes_the_root(openings: bytes, place: int) -> None:
    changed = bytearray(openings)
    changed[place % len(openings)] ^= 1
    assert batch_root(bytes(changed)) != batch_root(openings)


@given(openings=OPENINGS)
def test_each_slot_can_be_shown_to_be_in_the_batch(openings: bytes) -> None:
    leaves = slot_leaves(openings)
    assert len(leaves) * OPENING_BYTES == len(openings)
    for slot, (leaf, path) in enumerate(zip(leaves, merkle.paths(leaves), strict=True)):
        merkle.verify_inclusion(leaf, slot, len(leaves), path, batch_root(openings))


@pytest.mark.parametrize("size", [0, OPENING_BYTES - 1, OPENING_BYTES + 1])
def test_openings_that_are_no_whole_slots_are_refused(size: int) -> None:
    with pytest.raises(MessageError):
        batch_root(bytes(size))


def test_an_answers_digest_is_labelled() -> None:
    assert answer_digest(b"body") == sha256(encode("answer", b"body")).digest()
