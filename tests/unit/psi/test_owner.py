"""The owner's secrets, candidates and limits; lists at the edges of size."""

from __future__ import annotations

import os
import pickle

import pytest

from blindplate.core.errors import InputError, MessageError, ParameterError, UploadError
from blindplate.psi import owner
from blindplate.psi.layout import declared, plan
from blindplate.psi.mapping import salt_of
from blindplate.psi.matcher import answer_batch, load_list
from blindplate.psi.owner import build_upload, candidates, open_answer
from blindplate.psi.parameters import ParameterSet
from tests.unit.psi.lists import Uploaded


@pytest.mark.parametrize("count", [0, 1, 63])
def test_lists_shorter_than_a_bin_match_exactly(count: int, prompt: ParameterSet) -> None:
    entries = [os.urandom(32) for _ in range(count)]
    layout = plan(count, prompt)
    upload = build_upload(entries, layout, prompt)
    loaded = load_list(prompt, layout, upload.body)
    reads = [*entries, *(os.urandom(32) for _ in range(20))]
    secrets = [os.urandom(16) for _ in reads]
    batch = answer_batch(loaded, reads, secrets)
    found = {hit.match_secret for hit in open_answer(upload.secret, batch.answer)}
    assert found == set(secrets[:count])


def test_an_entry_given_twice_counts_once(prompt: ParameterSet) -> None:
    entry = os.urandom(32)
    upload = build_upload([entry] * 1000, plan(1, prompt), prompt)
    assert len(list(upload.body)) == 65


def test_a_list_longer_than_planned_is_refused(prompt: ParameterSet) -> None:
    with pytest.raises(InputError, match="more entries"):
        build_upload([os.urandom(32) for _ in range(65)], plan(64, prompt), prompt)


def test_a_bin_that_overflows_is_placed_anew(prompt: ParameterSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty salts are tried: with a degree that most salts exceed, the list still goes up."""
    entries = [os.urandom(32) for _ in range(190)]
    layout = declared(2, 97, prompt)  # a split of 95 and 95, two more at most either way
    tried: list[bytes] = []

    def recorded(seed: bytes) -> bytes:
        tried.append(seed)
        return salt_of(seed)

    monkeypatch.setattr(owner, "SALTS_TRIED", 200)
    monkeypatch.setattr(owner, "salt_of", recorded)
    build_upload(entries, layout, prompt)
    assert 1 <= len(tried) <= 200
    assert len(set(tried)) == len(tried)


def test_candidates_partition_the_list(spread: Uploaded) -> None:
    layout = spread.layout
    found = [candidates(spread.secret, bin_ * layout.replicas, spread.entries) for bin_ in range(layout.bins)]
    assert sorted(index for part in found for index in part) == list(range(len(spread.entries)))
    with pytest.raises(InputError, match="No bin"):
        candidates(spread.secret, layout.bins * layout.replicas, spread.entries)


@pytest.mark.parametrize("secret", [b"", b"BPU\x01", b"XXX\x01" + bytes(500)])
def test_a_secret_cut_short_or_of_another_version_is_refused(secret: bytes) -> None:
    with pytest.raises(MessageError, match="cut short"):
        open_answer(secret, b"")


def test_a_secret_of_an_unknown_set_is_refused(short: Uploaded) -> None:
    with pytest.raises(MessageError, match="parameter set"):
        open_answer(short.secret[:4] + bytes(32) + short.secret[36:], b"")


def test_a_secret_with_a_damaged_layout_is_refused(short: Uploaded) -> None:
    with pytest.raises(UploadError):
        open_answer(short.secret[:36] + bytes(4) + short.secret[40:], b"")


def test_a_secret_whose_key_is_cut_short_is_refused(short: Uploaded) -> None:
    batch = answer_batch(short.loaded, [], [])
    with pytest.raises(ParameterError, match="secret key"):
        open_answer(short.secret[:-1], batch.answer)


def test_an_upload_does_not_print_its_secret(prompt: ParameterSet) -> None:
    upload = build_upload([], plan(0, prompt), prompt)
    assert "secret" not in repr(upload)


def test_sets_and_layouts_travel_to_spawned_workers(prompt: ParameterSet) -> None:
    assert pickle.loads(pickle.dumps((prompt, plan(500, prompt)))) == (prompt, plan(500, prompt))


def test_secrets_and_pseudonyms_must_pair_up(short: Uploaded) -> None:
    with pytest.raises(MessageError, match="as many"):
        answer_batch(short.loaded, [bytes(32)], [])
