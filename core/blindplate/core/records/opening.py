"""Opening: each party's own part, and the last step that needs all three secrets.

Guarantees that whatever comes out is what the camera sealed into exactly this record: every function checks all it
can before it returns, and raises otherwise. Does not decide who may open: the custodian's release decision does.
Protocol sections 4 and 6.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from blindplate.core import merkle, signing
from blindplate.core.errors import CommitmentError, EnvelopeError, MessageError, SignatureError
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian, key_id
from blindplate.core.pseudonyms import PSEUDONYM_BYTES
from blindplate.core.records import commitments
from blindplate.core.records.attestation import (
    Attestation,
    SealedAttestation,
    attestation_info,
    batch_message,
)
from blindplate.core.records.cipher import Binding, RecordKey
from blindplate.core.records.envelope import envelope_info, unpack_envelope
from blindplate.core.records.padding import unpad
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.wire import Wire, wire_info
from blindplate.v1 import records_pb2


@dataclass(frozen=True, slots=True)
class Envelope:
    """A custodian's share of one record, the opening of its pseudonym's commitment, and its exact time."""

    share: bytes = field(repr=False)
    n_y: bytes = field(repr=False)
    capture_time_ms: int


def open_wire_envelope(wire: Wire, window: OpeningKey) -> tuple[bytes, bytes]:
    """The pseudonym (32 bytes) and the match secret (16), at the matcher.

    Raises EnvelopeError for another window's key or another record's envelope, MatchProofError when the secret
    is not the one the record commits to: such a record could never be claimed.
    """
    if not hmac.compare_digest(wire.window_key_id, window.key_id):
        raise EnvelopeError("A wire envelope is for another window key than this one.")
    plain = window.open(wire.envelope, wire_info(wire.record))
    y, s = plain[:PSEUDONYM_BYTES], plain[PSEUDONYM_BYTES:]
    commitments.check_match(wire.record, s)
    return y, s


def open_envelope(record: SealedRecord, custodian: Custodian, key: OpeningKey) -> Envelope:
    """What the record's envelope holds for this custodian; the ciphertext is not needed.

    Raises EnvelopeError when it does not open under this key and for this record, ShareError when the share in it
    is not the one the record commits to, CommitmentError when its exact time is not the header's.
    """
    header = record.header
    if not hmac.compare_digest(header.key_id(custodian), key.key_id):
        raise EnvelopeError("A record's envelope is sealed to another release key than this one.")
    plain = key.open(record.envelope(custodian), envelope_info(custodian, header.record_id))
    s_x, n_y, capture_time_ms = unpack_envelope(plain)
    share = commitments.share_of(s_x, header.digest())
    commitments.check_share(record, custodian, share)
    _check_time(record, capture_time_ms)
    return Envelope(share, n_y, capture_time_ms)


def open_attestation(record: SealedRecord, custodian: Custodian, key: OpeningKey) -> Attestation:
    """The camera's attestation, whether it travels in the clear or sealed to this custodian.

    Raises EnvelopeError when it does not open, SignatureError when there is none, MessageError when malformed.
    """
    if record.origin is None:
        raise SignatureError("A record bears no camera's signature.")
    if not isinstance(record.origin, SealedAttestation):
        return record.origin
    info = attestation_info(custodian, record.header.record_id)
    plain = unpad(key.open(record.origin.for_custodian(custodian), info))
    message = records_pb2.Attestation()
    try:
        message.ParseFromString(plain)
    except DecodeError:
        raise MessageError("A sealed attestation does not hold one.") from None
    return Attestation.from_proto(message)


def verify_attestation(record: SealedRecord, attestation: Attestation, camera: bytes) -> None:
    """Check that the camera with this Ed25519 public key (32 bytes) signed a batch that holds the record.

    Raises SignatureError, or ProofError when the path does not fit the batch.
    """
    if not hmac.compare_digest(attestation.camera_key_id, key_id(camera)):
        raise SignatureError("A record is attested by another camera than the one it is checked against.")
    size = attestation.batch_size
    root = merkle.root_from_path(record.leaf(), attestation.leaf_index, size, attestation.path)
    signing.verify(camera, batch_message(root, size), attestation.signature)


def open_payload(record: SealedRecord, share_a: bytes, share_b: bytes, s: bytes) -> records_pb2.Payload:
    """The payload, with both shares (32 bytes each) and the match secret (16).

    Raises ShareError naming the custodian whose share does not fit, MatchProofError, CommitmentError for a key the
    record does not commit to or a payload at odds with the header, EnvelopeError for an altered ciphertext, and
    MessageError for a payload that is none or a record that came without its ciphertext.
    """
    if not record.ciphertext:
        raise MessageError(
            "A record came without its ciphertext.", "Open the record the matcher handed over."
        )
    commitments.check_share(record, Custodian.A, share_a)
    commitments.check_share(record, Custodian.B, share_b)
    commitments.check_match(record, s)
    binding = Binding(record.header.digest(), record.env_a, record.env_b, record.c_a, record.c_b, record.c_s)
    padded = RecordKey.derive(binding, share_a, share_b, s).decrypt(binding, record.c_k, record.ciphertext)
    payload = records_pb2.Payload()
    try:
        payload.ParseFromString(unpad(padded))
    except DecodeError:
        raise MessageError("A record's payload is not a protocol message.") from None
    _check_time(record, payload.capture_time_ms)
    _check_camera(record, payload)
    return payload


def _check_time(record: SealedRecord, capture_time_ms: int) -> None:
    header = record.header
    if capture_time_ms - capture_time_ms % header.time_granularity_ms != header.capture_time_ms:
        raise CommitmentError("A sealed capture time is not the one the record's header states.")


def _check_camera(record: SealedRecord, payload: records_pb2.Payload) -> None:
    if not record.header.camera_ref:
        if payload.camera_id or payload.camera_salt:
            raise CommitmentError("A payload names a camera although its record withholds it.")
        return
    expected = commitments.camera_ref(payload.camera_salt, payload.camera_id)
    if not hmac.compare_digest(expected, record.header.camera_ref):
        raise CommitmentError("A payload names another camera than its record's header.")
