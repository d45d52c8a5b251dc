"""Records and wire messages on the wire: one form, every length checked, nothing riding along."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.records.attestation import MAX_BATCH, Attestation, SealedAttestation
from blindplate.core.records.record import SealedRecord, digest_of
from blindplate.core.records.sealing import SealingContext
from blindplate.core.records.wire import Wire
from blindplate.v1 import records_pb2
from tests.unit.core.records.samples import HIDDEN_CAMERA, OPEN_CAMERA, whole

WHOLE = whole()
RECORD = WHOLE.sealed.record
HIDDEN = whole(HIDDEN_CAMERA)
UNKNOWN_FIELD = b"\xfa\x3f\x01x"  # field 1023, one byte long


@pytest.mark.parametrize("wire", [WHOLE.wire, HIDDEN.wire], ids=["camera open", "camera hidden"])
def test_records_and_wires_come_back_as_they_were(wire: Wire) -> None:
    assert Wire.from_bytes(wire.to_bytes()) == wire
    assert Wire.from_proto(wire.to_proto()) == wire
    assert SealedRecord.from_bytes(wire.record.to_bytes()) == wire.record


def test_a_record_without_origin_comes_back_too() -> None:
    bare = replace(RECORD, origin=None)
    assert SealedRecord.from_bytes(bare.to_bytes()) == bare


def test_a_record_without_ciphertext_keeps_its_leaf_and_needs_the_digest() -> None:
    bare = RECORD.without_ciphertext()
    assert bare.ciphertext == b""
    assert bare.leaf() == RECORD.leaf()
    assert SealedRecord.from_bytes(bare.to_bytes(), RECORD.ciphertext_digest) == bare
    with pytest.raises(MessageError, match="neither"):
        SealedRecord.from_bytes(bare.to_bytes())


def test_a_ciphertext_that_its_digest_does_not_name_is_refused() -> None:
    with pytest.raises(MessageError, match="digest"):
        SealedRecord.from_bytes(RECORD.to_bytes(), bytes(32))


def test_the_leaf_covers_every_part_but_the_origin() -> None:
    leaves = {
        replace(RECORD, **{name: bytes(len(getattr(RECORD, name)))}).leaf()  # type: ignore[arg-type]  # all bytes
        for name in ("env_a", "env_b", "c_a", "c_b", "c_s", "c_k")
    }
    leaves.add(replace(RECORD, header=replace(RECORD.header, alternate=True)).leaf())
    other = bytes(528)
    leaves.add(replace(RECORD, ciphertext=other, ciphertext_digest=digest_of(other)).leaf())
    leaves.add(RECORD.leaf())
    assert len(leaves) == 9
    assert replace(RECORD, origin=None).leaf() == RECORD.leaf()


@pytest.mark.parametrize("name", ["env_a", "env_b", "c_a", "c_b", "c_s", "c_k", "ciphertext"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_part_of_another_length_is_refused(name: str, change: int) -> None:
    message = RECORD.to_proto()
    part = getattr(message, name)
    setattr(message, name, part[:-1] if change < 0 else part + b"\0")
    with pytest.raises(MessageError):
        SealedRecord.from_proto(message)


@pytest.mark.parametrize("name", ["envelope", "window_key_id"])
def test_a_wire_part_of_another_length_is_refused(name: str) -> None:
    message = WHOLE.wire.to_proto()
    setattr(message, name, getattr(message, name)[:-1])
    with pytest.raises(MessageError):
        Wire.from_proto(message)


def test_an_empty_message_is_refused() -> None:
    for data in (b"", b"\xff", b"\x0a"):
        with pytest.raises(MessageError):
            SealedRecord.from_bytes(data)
        with pytest.raises(MessageError):
            Wire.from_bytes(data)


def test_unknown_fields_are_refused_at_every_depth() -> None:
    with pytest.raises(MessageError, match="know"):
        SealedRecord.from_bytes(RECORD.to_bytes() + UNKNOWN_FIELD)
    with pytest.raises(MessageError, match="know"):
        Wire.from_bytes(WHOLE.wire.to_bytes() + UNKNOWN_FIELD)
    deep = RECORD.to_proto()
    deep.header.domain.MergeFromString(UNKNOWN_FIELD)
    with pytest.raises(MessageError, match="know"):
        SealedRecord.from_proto(deep)
    deep = RECORD.to_proto()
    deep.attestation.MergeFromString(UNKNOWN_FIELD)
    with pytest.raises(MessageError, match="know"):
        Wire.from_proto(records_pb2.Wire(record=deep, envelope=WHOLE.wire.envelope, window_key_id=bytes(16)))


def test_fields_given_twice_or_in_another_order_are_refused() -> None:
    data = WHOLE.wire.to_bytes()
    key = b"\x1a\x10" + WHOLE.wire.window_key_id
    assert data.endswith(key)
    for bent in (data + key, key + data[: -len(key)]):
        with pytest.raises(MessageError, match="one way"):
            Wire.from_bytes(bent)
    c_k = b"\x3a\x20" + RECORD.c_k
    with pytest.raises(MessageError, match="one way"):
        SealedRecord.from_bytes(c_k + RECORD.to_bytes())


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_truncated_wire_is_refused(data: st.DataObject) -> None:
    raw = WHOLE.wire.to_bytes()
    with pytest.raises(MessageError):
        Wire.from_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("camera_key_id", b""),
        ("leaf_index", 3),
        ("batch_size", 0),
        ("batch_size", MAX_BATCH + 1),
        ("path", (bytes(31),)),
        ("path", (bytes(32),) * 13),
        ("signature", bytes(63)),
    ],
)
def test_a_malformed_attestation_is_refused(name: str, value: object) -> None:
    assert isinstance(RECORD.origin, Attestation)
    with pytest.raises(MessageError):
        replace(RECORD.origin, **{name: value})  # type: ignore[arg-type]  # each value is of its field's type


def test_a_sealed_attestation_of_another_length_is_refused() -> None:
    assert isinstance(HIDDEN.sealed.record.origin, SealedAttestation)
    for name in ("for_a", "for_b"):
        with pytest.raises(MessageError):
            replace(HIDDEN.sealed.record.origin, **{name: bytes(100)})


def lengths(context: SealingContext, others: int) -> int:
    return len(whole(context, others).wire.to_bytes())


def test_a_hidden_cameras_records_have_one_length_whatever_the_batch() -> None:
    assert lengths(HIDDEN_CAMERA, 0) == lengths(HIDDEN_CAMERA, 40)
    assert lengths(OPEN_CAMERA, 0) != lengths(OPEN_CAMERA, 40)
