"""Sealed batches: what a record shows, to whom it opens, when it is sent, and what it does not join."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from blindplate.client.camera.reads import CameraRead
from blindplate.client.camera.seal import SealedBatch, seal_batch
from blindplate.core.domains import Domain
from blindplate.core.errors import SignatureError
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.attestation import Attestation, SealedAttestation
from blindplate.core.records.opening import (
    open_attestation,
    open_envelope,
    open_payload,
    open_wire_envelope,
    verify_attestation,
)
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.core.statements.policies import ListPolicy
from blindplate.v1 import records_pb2
from tests.unit.client.camera.samples import NOW, PLATE, ZONE, Parties, emissions, event, police, read

PARTIES = Parties()
KEYS = PARTIES.sealing_keys()
CAMERA = PARTIES.identity()
F = bytes(range(64))


def seal(entry: ListPolicy, reads: Sequence[CameraRead], fs: Sequence[bytes] | None = None) -> SealedBatch:
    domain = Domain(entry.list_id, ZONE, entry.generation)
    pairs = list(zip(reads, fs or [F] * len(reads), strict=True))
    return seal_batch(CAMERA, entry, domain, pairs, KEYS, NOW)


def wires(batch: SealedBatch) -> list[Wire]:
    return [Wire.from_bytes(item.wire) for item in batch.items]


def payload(wire: Wire) -> records_pb2.Payload:
    _, s = open_wire_envelope(wire, PARTIES.window)
    share_a = open_envelope(wire.record, Custodian.A, PARTIES.release_a).share
    share_b = open_envelope(wire.record, Custodian.B, PARTIES.release_b).share
    return open_payload(wire.record, share_a, share_b, s)


def test_a_police_record_shows_what_its_policy_names() -> None:
    (wire,) = wires(seal(police(), [read(captured_at=NOW + 0.25)]))
    opened = payload(wire)
    assert opened.plate == read().plate
    assert opened.text_as_read == PLATE
    assert opened.capture_time_ms == int(NOW * 1000) + 250
    assert opened.camera_id == "camera-1"
    assert (opened.latitude, opened.longitude) == (51.5, -0.12)
    assert opened.direction == "towards"
    assert opened.confidence == pytest.approx(0.9)
    assert opened.plate_patch == b"\xff\xd8\xffpatch"
    assert opened.plate_patch_type == "image/jpeg"
    assert (opened.vehicle_make, opened.vehicle_model, opened.vehicle_colour) == ("Ford", "Focus", "blue")
    assert wire.record.header.capture_time_ms % 60_000 == 0


def test_an_emissions_record_shows_no_more_than_its_policy_names() -> None:
    (wire,) = wires(seal(emissions(), [read(captured_at=NOW + 0.25)]))
    opened = payload(wire)
    assert opened == records_pb2.Payload(
        plate=read().plate,
        capture_time_ms=int(NOW) // 3600 * 3600 * 1000,
        confidence=opened.confidence,
    )
    assert wire.record.header.camera_ref == b""


def test_the_pseudonym_is_of_the_reads_epoch() -> None:
    (wire,) = wires(seal(police(), [read()]))
    y, _ = open_wire_envelope(wire, PARTIES.window)
    assert y == pseudonym(F, police().epoch.rule().at(NOW))


def test_a_batch_across_an_epoch_boundary_is_sealed_on_both_sides() -> None:
    boundary = police().epoch.rule().at(NOW).end()
    found = wires(seal(police(), [read(captured_at=boundary - 0.001), read(captured_at=boundary)]))
    indices = {wire.record.header.epoch.index for wire in found}
    assert len(indices) == 2
    for wire in found:
        verify_attestation(wire.record, origin(wire), PARTIES.camera.public)


def origin(wire: Wire) -> Attestation:
    return open_attestation(wire.record, Custodian.A, PARTIES.release_a)


def test_a_record_that_shows_its_camera_is_attested_in_the_clear() -> None:
    for wire in wires(seal(police(), [read(), read("LB99XYZ"), read("LB99XYW")])):
        assert isinstance(wire.record.origin, Attestation)
        verify_attestation(wire.record, wire.record.origin, PARTIES.camera.public)


def test_a_record_without_camera_is_attested_to_the_custodians_alone() -> None:
    for wire in wires(seal(emissions(), [read(), read("LB99XYZ")])):
        assert isinstance(wire.record.origin, SealedAttestation)
        for custodian, key in ((Custodian.A, PARTIES.release_a), (Custodian.B, PARTIES.release_b)):
            attestation = open_attestation(wire.record, custodian, key)
            verify_attestation(wire.record, attestation, PARTIES.camera.public)
        with pytest.raises(SignatureError):
            verify_attestation(wire.record, attestation, SigningKey.generate().public)
        assert b"camera-1" not in wire.to_bytes()


def test_no_bytes_join_the_records_of_one_read() -> None:
    """Beyond what every record of the camera shares, two lists' records of one read have nothing in common."""
    (one,), (other,) = wires(seal(police(), [read()])), wires(seal(emissions(), [read()]))
    first, second = one.record, other.record
    assert first.header.record_id != second.header.record_id
    assert {
        first.env_a,
        first.env_b,
        first.c_a,
        first.c_b,
        first.c_s,
        first.c_k,
        first.header.c_y,
    }.isdisjoint(
        {second.env_a, second.env_b, second.c_a, second.c_b, second.c_s, second.c_k, second.header.c_y}
    )
    assert one.record.leaf() not in other.to_bytes()


def test_alternates_are_flagged() -> None:
    found = wires(seal(police(), [read(), read("LB99XYZ", alternate=True)]))
    flags = {payload(wire).plate: wire.record.header.alternate for wire in found}
    assert flags == {read().plate: False, read("LB99XYZ").plate: True}


def test_records_without_camera_are_held_back_and_shuffled() -> None:
    reads = [read(f"KT21AB{letter}") for letter in "ABCDEFGHJKLMNOPRSTUVW"] * 5
    batch = seal(emissions(max_delay_seconds=60), reads)
    assert all(NOW <= item.due <= NOW + 60 for item in batch.items)
    # 105 uniform draws all within the first half of the span: a chance of 2**-105.
    assert max(item.due for item in batch.items) > NOW + 30
    assert min(item.due for item in batch.items) < NOW + 30
    assert [payload(wire).plate for wire in wires(batch)] != [one.plate for one in reads]


def test_records_sent_at_once_are_not_sent_in_order() -> None:
    reads = [read(f"KT21AB{letter}") for letter in "ABCDEFGHJKLMNOPRSTUVW"]
    batch = seal(police(), reads)
    assert all(NOW <= item.due <= NOW + 0.25 for item in batch.items)
    ordered = sorted(batch.items, key=lambda item: item.due)
    assert [payload(Wire.from_bytes(item.wire)).plate for item in ordered] != [one.plate for one in reads]


def test_a_read_that_cannot_be_sealed_is_counted_and_costs_no_other() -> None:
    large = CameraRead(read().plate, b"tag", int(NOW * 1000), False, event("x" * 70_000))
    batch = seal(police(), [read(), large])
    assert len(batch.items) == 1
    assert batch.unsealable == 1


def test_nothing_of_a_wire_tells_the_plate() -> None:
    marker = os.urandom(4).hex().upper()
    (wire,) = wires(seal(police(), [read(f"A{marker}")]))
    assert marker.encode() not in wire.to_bytes()
