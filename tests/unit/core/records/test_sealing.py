"""Sealing: fresh randomness, nothing that joins two records, one domain a batch, bad reads refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from blindplate.core import merkle
from blindplate.core.domains import CHARGING_DAY, Domain, Epoch
from blindplate.core.errors import MessageError
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.records.attestation import MAX_BATCH, Attestation
from blindplate.core.records.commitments import camera_ref
from blindplate.core.records.sealing import Read, SealingRandomness, assemble, attest, seal
from tests.unit.core.records.samples import (
    CAMERA,
    HIDDEN_CAMERA,
    KEYS,
    NOW_MS,
    OPEN_CAMERA,
    open_all,
    payload,
    read,
    whole,
)

FIXED = SealingRandomness(
    record_id=b"r" * 16,
    n_y=b"n" * 16,
    camera_salt=b"t" * 32,
    s_a=b"1" * 32,
    s_b=b"2" * 32,
    match_secret=b"s" * 16,
)


def test_two_records_of_one_read_share_no_random_part() -> None:
    one, other = seal(OPEN_CAMERA, read()), seal(OPEN_CAMERA, read())
    assert one.match_secret != other.match_secret
    for name in ("env_a", "env_b", "c_a", "c_b", "c_s", "c_k", "ciphertext"):
        assert getattr(one.record, name) != getattr(other.record, name)
    for name in ("record_id", "camera_ref", "c_y"):
        assert getattr(one.record.header, name) != getattr(other.record.header, name)


def test_fresh_randomness_has_the_lengths_of_the_specification() -> None:
    fresh = SealingRandomness.fresh()
    lengths = [
        len(getattr(fresh, name))
        for name in ("record_id", "n_y", "camera_salt", "s_a", "s_b", "match_secret")
    ]
    assert lengths == [16, 16, 32, 32, 32, 16]
    assert fresh != SealingRandomness.fresh()
    assert "match_secret" not in repr(fresh)


def test_with_the_randomness_given_only_the_envelopes_and_what_hangs_on_them_differ() -> None:
    one, other = (assemble(OPEN_CAMERA, read(), FIXED).record for _ in range(2))
    assert one.header == other.header
    assert (one.c_a, one.c_b, one.c_s) == (other.c_a, other.c_b, other.c_s)
    assert one.env_a != other.env_a
    assert one.c_k != other.c_k


def test_the_header_tells_time_only_as_coarsely_as_the_policy_says() -> None:
    hour = replace(OPEN_CAMERA, time_granularity_ms=3_600_000)
    header = seal(hour, read()).record.header
    assert header.capture_time_ms == NOW_MS - NOW_MS % 3_600_000
    assert header.camera_ref != camera_ref(bytes(32), "camera-1")


def test_a_payload_may_tell_the_time_as_coarsely_as_the_header() -> None:
    hour = replace(OPEN_CAMERA, time_granularity_ms=3_600_000)
    coarse = payload()
    coarse.capture_time_ms = NOW_MS - NOW_MS % 3_600_000
    assert seal(hour, replace(read(), payload=coarse)).record.header.time_granularity_ms == 3_600_000


@pytest.mark.parametrize(
    "bad",
    [
        replace(read(), pseudonym=bytes(31)),
        replace(read(), capture_time_ms=NOW_MS + 3_600_000),
        replace(read(), capture_time_ms=NOW_MS + 1000),
    ],
    ids=["short pseudonym", "another epoch", "another time than its payload"],
)
def test_a_read_that_does_not_fit_its_context_is_refused(bad: Read) -> None:
    with pytest.raises(MessageError):
        seal(OPEN_CAMERA, bad)


@pytest.mark.parametrize("name", ["camera_id", "camera_salt"])
def test_a_payload_that_names_the_camera_itself_is_refused(name: str) -> None:
    named = payload()
    setattr(named, name, "camera-1" if name == "camera_id" else b"salt")
    with pytest.raises(MessageError, match="camera"):
        seal(HIDDEN_CAMERA, replace(read(), payload=named))


def test_a_payload_above_64_kib_is_refused_and_one_below_is_padded() -> None:
    large = payload()
    large.plate_patch = bytes(40_000)
    assert len(seal(OPEN_CAMERA, replace(read(), payload=large)).record.ciphertext) == 65_536 + 16
    large.plate_patch = bytes(66_000)
    with pytest.raises(MessageError, match="patch"):
        seal(OPEN_CAMERA, replace(read(), payload=large))


def test_sealing_leaves_the_payload_it_was_given_as_it_is() -> None:
    given = read()
    seal(OPEN_CAMERA, given)
    assert given.payload == payload()


def test_an_alternate_is_flagged() -> None:
    assert seal(OPEN_CAMERA, replace(read(), alternate=True)).record.header.alternate


def test_records_of_a_charging_day_seal_and_open() -> None:
    day = replace(OPEN_CAMERA, epoch=CHARGING_DAY.at(NOW_MS / 1000))
    assert open_all(whole(day).wire).plate == b"plate"


def test_one_signature_covers_a_batch_in_the_order_given() -> None:
    records = [seal(OPEN_CAMERA, read()).record for _ in range(5)]
    attested = attest(OPEN_CAMERA, records, CAMERA)
    assert [record.leaf() for record in attested] == [record.leaf() for record in records]
    origins = [record.origin for record in attested if isinstance(record.origin, Attestation)]
    assert sorted(origin.leaf_index for origin in origins) == list(range(5))
    assert len({origin.signature for origin in origins}) == 1
    assert {origin.batch_size for origin in origins} == {5}


def test_a_batch_is_shuffled() -> None:
    records = [seal(OPEN_CAMERA, read()).record for _ in range(3)]
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(120):
        origins = [record.origin for record in attest(OPEN_CAMERA, records, CAMERA)]
        seen[tuple(one.leaf_index for one in origins if isinstance(one, Attestation))] += 1
    # Any of the six orders is missing with a probability below 6 (5/6)^120, two in a thousand million.
    assert len(seen) == 6


def test_a_batch_of_none_or_too_many_is_refused() -> None:
    record = seal(OPEN_CAMERA, read()).record
    with pytest.raises(MessageError):
        attest(OPEN_CAMERA, [], CAMERA)
    with pytest.raises(MessageError):
        attest(OPEN_CAMERA, [record] * (MAX_BATCH + 1), CAMERA)


def test_a_batch_across_domains_epochs_or_release_keys_is_refused() -> None:
    record = seal(OPEN_CAMERA, read()).record
    other_key = OpeningKey.from_seed(b"x" * 32).sealing_key()
    contexts = [
        replace(OPEN_CAMERA, domain=Domain("emissions", "west", 3)),
        replace(OPEN_CAMERA, epoch=Epoch(OPEN_CAMERA.epoch.rule, OPEN_CAMERA.epoch.index + 1)),
        replace(OPEN_CAMERA, custodian_a=other_key),
        replace(OPEN_CAMERA, custodian_b=other_key),
    ]
    for context in contexts:
        with pytest.raises(MessageError, match="context"):
            attest(context, [record], CAMERA)


def test_the_root_that_a_camera_signs_is_the_tree_over_its_records_leaves() -> None:
    records = attest(OPEN_CAMERA, [seal(OPEN_CAMERA, read()).record for _ in range(4)], CAMERA)
    leaves = [b""] * 4
    for record in records:
        assert isinstance(record.origin, Attestation)
        leaves[record.origin.leaf_index] = record.leaf()
    for record in records:
        assert isinstance(record.origin, Attestation)
        merkle.verify_inclusion(
            record.leaf(), record.origin.leaf_index, 4, record.origin.path, merkle.root(leaves)
        )


def test_the_custodians_keys_are_the_contexts_own() -> None:
    for custodian in Custodian:
        assert OPEN_CAMERA.custodian(custodian).key_id == KEYS[custodian].key_id
