"""A camera's signature over the Merkle root of a shuffled batch of records, and one record's path to it.

One signature covers many records, and a record proves its origin without the others. Where a list's policy
withholds the camera, the attestation travels sealed to each custodian instead. Protocol section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindplate.core.encoding import DIGEST_BYTES, encode, uint
from blindplate.core.errors import MessageError
from blindplate.core.hpke import OVERHEAD_BYTES
from blindplate.core.parties import KEY_ID_BYTES, Custodian
from blindplate.core.records.padding import SIZES
from blindplate.core.signing import SIGNATURE_BYTES
from blindplate.v1 import records_pb2

# With at most 12 nodes in its path, every attestation pads to the same 512 bytes when it is sealed.
MAX_BATCH: Final = 4096
_MAX_PATH: Final = MAX_BATCH.bit_length() - 1
_SEALED_BYTES: Final = SIZES[0] + OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Attestation:
    """``path`` is leaf first, 32 bytes a node (RFC 9162 section 2.1.3). Raises MessageError."""

    camera_key_id: bytes
    leaf_index: int
    batch_size: int
    path: tuple[bytes, ...]
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.camera_key_id) != KEY_ID_BYTES or len(self.signature) != SIGNATURE_BYTES:
            raise MessageError("An attestation's key identifier or signature is of the wrong length.")
        if not 0 <= self.leaf_index < self.batch_size <= MAX_BATCH:
            raise MessageError(f"An attestation is not of a batch of 1 to {MAX_BATCH:,} records.")
        if len(self.path) > _MAX_PATH or any(len(node) != DIGEST_BYTES for node in self.path):
            raise MessageError("An attestation's path is too long, or has a node of the wrong length.")

    def to_proto(self) -> records_pb2.Attestation:
        """The wire form."""
        return records_pb2.Attestation(
            camera_key_id=self.camera_key_id,
            leaf_index=self.leaf_index,
            batch_size=self.batch_size,
            path=self.path,
            signature=self.signature,
        )

    @classmethod
    def from_proto(cls, message: records_pb2.Attestation) -> Attestation:
        """Read the wire form. Raises MessageError."""
        return cls(
            message.camera_key_id,
            message.leaf_index,
            message.batch_size,
            tuple(message.path),
            message.signature,
        )


@dataclass(frozen=True, slots=True)
class SealedAttestation:
    """The same attestation, padded and sealed to each custodian. Raises MessageError for a wrong length."""

    for_a: bytes
    for_b: bytes

    def __post_init__(self) -> None:
        if len(self.for_a) != _SEALED_BYTES or len(self.for_b) != _SEALED_BYTES:
            raise MessageError("A sealed attestation is of the wrong length.")

    def for_custodian(self, custodian: Custodian) -> bytes:
        """The one sealed to ``custodian``."""
        return self.for_a if custodian is Custodian.A else self.for_b

    def to_proto(self) -> records_pb2.SealedAttestation:
        """The wire form."""
        return records_pb2.SealedAttestation(for_a=self.for_a, for_b=self.for_b)

    @classmethod
    def from_proto(cls, message: records_pb2.SealedAttestation) -> SealedAttestation:
        """Read the wire form. Raises MessageError."""
        return cls(message.for_a, message.for_b)


def batch_message(root: bytes, size: int) -> bytes:
    """What a camera signs: the root and the number of leaves, which the root alone does not fix."""
    return encode("batch", root, uint(size, 8))


def attestation_info(custodian: Custodian, record_id: bytes) -> bytes:
    """HPKE info of a sealed attestation: bound to the custodian and the record it travels with."""
    return encode("attestation", custodian.encode(), record_id)
