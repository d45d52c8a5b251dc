"""Owner and matcher together: hits found exactly, strangers never, reads that find no slot wait."""

from __future__ import annotations

import os

import pytest

from blindplate.core.errors import MessageError
from blindplate.psi.matcher import Batch, answer_batch
from blindplate.psi.owner import candidates, open_answer
from blindplate.psi.parameters import ParameterSet
from tests.unit.psi.lists import Uploaded, pseudonyms


def hits(batch: Batch, secret: bytes) -> dict[int, bytes]:
    """By read, the match secret that the owner found."""
    read_at = dict(zip(batch.slots, batch.placed, strict=True))
    return {read_at[slot]: found for slot, found in open_answer(secret, batch.answer)}


def test_hits_are_found_exactly_and_no_stranger(spread: Uploaded, prompt: ParameterSet) -> None:
    reads = pseudonyms(3000)
    listed = set(range(0, 3000, 17))
    for read in listed:
        reads[read] = spread.entries[read % 2000]
    secrets = [os.urandom(16) for _ in reads]
    batch = answer_batch(spread.loaded, reads, secrets)
    assert hits(batch, spread.secret) == {read: secrets[read] for read in listed & set(batch.placed)}
    assert len(batch.answer) == prompt.answer_bytes


def test_a_hit_tells_the_bin_and_its_candidates(spread: Uploaded) -> None:
    batch = answer_batch(spread.loaded, [spread.entries[7]], [os.urandom(16)])
    sharing = candidates(spread.secret, batch.slots[0], spread.entries)
    assert 7 in sharing
    assert len(sharing) < 2000


def test_a_full_batch_takes_what_fits_and_the_rest_waits_in_order(
    short: Uploaded, prompt: ParameterSet
) -> None:
    reads = pseudonyms(prompt.poly_degree + 5)
    batch = answer_batch(short.loaded, reads, [os.urandom(16) for _ in reads])
    assert batch.placed == list(range(prompt.poly_degree))
    assert batch.waiting == list(range(prompt.poly_degree, prompt.poly_degree + 5))


def test_the_same_vehicle_twice_in_one_batch_hits_twice(short: Uploaded) -> None:
    secrets = [os.urandom(16), os.urandom(16)]
    batch = answer_batch(short.loaded, [short.entries[0]] * 2, secrets)
    assert hits(batch, short.secret) == dict(enumerate(secrets))


def test_a_batch_without_reads_answers_like_any_other(short: Uploaded, prompt: ParameterSet) -> None:
    batch = answer_batch(short.loaded, [], [])
    assert open_answer(short.secret, batch.answer) == []
    assert len(batch.answer) == prompt.answer_bytes


def test_an_answer_to_another_upload_is_refused(short: Uploaded, spread: Uploaded) -> None:
    batch = answer_batch(short.loaded, [], [])
    with pytest.raises(MessageError, match="another upload"):
        open_answer(spread.secret, batch.answer)
