"""A sealed record: header, two envelopes, four commitments, a ciphertext, and who vouches for it.

Guarantees that a record in memory is well formed: every part of its one right length. Opens nothing; see
``opening``. Protocol section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from google.protobuf.message import DecodeError

from blindplate.core.encoding import DIGEST_BYTES, digest
from blindplate.core.errors import MessageError
from blindplate.core.hpke import OVERHEAD_BYTES
from blindplate.core.parties import Custodian
from blindplate.core.records.attestation import Attestation, SealedAttestation
from blindplate.core.records.header import Header
from blindplate.core.records.padding import SIZES
from blindplate.v1 import records_pb2

# What an envelope holds: s_X (32), n_y (16), exact capture time in milliseconds (8).
ENVELOPE_BYTES: Final = 56 + OVERHEAD_BYTES
_TAG_BYTES: Final = 16
_UNKNOWN_FIELDS: Final = "A record holds fields that its version does not know."
_ANOTHER_WAY: Final = "A record is not serialized in the one way it must be."
_CIPHERTEXT_BYTES: Final = frozenset(size + _TAG_BYTES for size in SIZES)


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """``ciphertext`` is empty where only its digest is carried, as in a release request. Raises MessageError."""

    header: Header
    env_a: bytes
    env_b: bytes
    c_a: bytes
    c_b: bytes
    c_s: bytes
    c_k: bytes
    ciphertext: bytes
    ciphertext_digest: bytes
    origin: Attestation | SealedAttestation | None = None

    def __post_init__(self) -> None:
        if len(self.env_a) != ENVELOPE_BYTES or len(self.env_b) != ENVELOPE_BYTES:
            raise MessageError("A custodian's envelope is of the wrong length.")
        if any(len(one) != DIGEST_BYTES for one in (self.c_a, self.c_b, self.c_s, self.c_k)):
            raise MessageError("A record's commitment is of the wrong length.")
        if not self.ciphertext:
            if len(self.ciphertext_digest) != DIGEST_BYTES:
                raise MessageError("A record has neither a ciphertext nor the digest of one.")
        elif len(self.ciphertext) not in _CIPHERTEXT_BYTES:
            raise MessageError("A record's ciphertext is not of one of the padded lengths.")
        elif digest_of(self.ciphertext) != self.ciphertext_digest:
            raise MessageError("A record's ciphertext is not the one its digest names.")

    def envelope(self, custodian: Custodian) -> bytes:
        """env_X."""
        return self.env_a if custodian is Custodian.A else self.env_b

    def share_commitment(self, custodian: Custodian) -> bytes:
        """c_X."""
        return self.c_a if custodian is Custodian.A else self.c_b

    def leaf(self) -> bytes:
        """32 bytes that stand for the whole record, its origin apart: the leaf of its camera's batch."""
        return digest(
            "record",
            self.header.digest(),
            self.env_a,
            self.env_b,
            self.c_a,
            self.c_b,
            self.c_s,
            self.c_k,
            self.ciphertext_digest,
        )

    def without_ciphertext(self) -> SealedRecord:
        """The same record with only the ciphertext's digest: enough to judge a release, not to open it."""
        return replace(self, ciphertext=b"")

    def to_proto(self) -> records_pb2.Record:
        """The wire form; it does not carry the ciphertext's digest."""
        message = records_pb2.Record(
            header=self.header.to_proto(),
            env_a=self.env_a,
            env_b=self.env_b,
            c_a=self.c_a,
            c_b=self.c_b,
            c_s=self.c_s,
            c_k=self.c_k,
            ciphertext=self.ciphertext,
        )
        if isinstance(self.origin, Attestation):
            message.attestation.CopyFrom(self.origin.to_proto())
        elif self.origin is not None:
            message.sealed_attestation.CopyFrom(self.origin.to_proto())
        return message

    @classmethod
    def from_proto(cls, message: records_pb2.Record, ciphertext_digest: bytes | None = None) -> SealedRecord:
        """Read the wire form. ``ciphertext_digest`` must come from elsewhere where the ciphertext is left out.

        Raises MessageError; also for fields this version does not know.
        """
        record = record_of(message, ciphertext_digest)
        # Unknown fields survive a parse. What nobody signed must not ride along with what somebody did.
        if record.to_bytes() != message.SerializeToString(deterministic=True):
            raise MessageError(_UNKNOWN_FIELDS)
        return record

    def to_bytes(self) -> bytes:
        """The wire form, serialized in the one way that ``from_bytes`` takes."""
        return self.to_proto().SerializeToString(deterministic=True)

    @classmethod
    def from_bytes(cls, data: bytes, ciphertext_digest: bytes | None = None) -> SealedRecord:
        """Read ``to_bytes``'s form and no other. Raises MessageError."""
        message = records_pb2.Record()
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise MessageError("A record is not a protocol message.") from None
        record = record_of(message, ciphertext_digest)
        own = record.to_bytes()
        if own != data:
            unknown = own != message.SerializeToString(deterministic=True)
            raise MessageError(_UNKNOWN_FIELDS if unknown else _ANOTHER_WAY)
        return record


def record_of(message: records_pb2.Record, ciphertext_digest: bytes | None = None) -> SealedRecord:
    """The record a message holds, whatever else it holds: for who compares the whole. Raises MessageError."""
    origin: Attestation | SealedAttestation | None = None
    if message.HasField("attestation"):
        origin = Attestation.from_proto(message.attestation)
    elif message.HasField("sealed_attestation"):
        origin = SealedAttestation.from_proto(message.sealed_attestation)
    if ciphertext_digest is None:
        ciphertext_digest = digest_of(message.ciphertext) if message.ciphertext else b""
    return SealedRecord(
        header=Header.from_proto(message.header),
        env_a=message.env_a,
        env_b=message.env_b,
        c_a=message.c_a,
        c_b=message.c_b,
        c_s=message.c_s,
        c_k=message.c_k,
        ciphertext=message.ciphertext,
        ciphertext_digest=ciphertext_digest,
        origin=origin,
    )


def digest_of(ciphertext: bytes) -> bytes:
    """The digest (32 bytes) that stands for a ciphertext where it is left out."""
    return digest("ciphertext", ciphertext)
