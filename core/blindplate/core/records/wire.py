"""What leaves a camera: a record, and its pseudonym and match secret sealed to the matcher's current window.

All that a camera's spool holds. Protocol section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from blindplate.core.encoding import encode
from blindplate.core.errors import MessageError
from blindplate.core.hpke import OVERHEAD_BYTES
from blindplate.core.parties import KEY_ID_BYTES
from blindplate.core.pseudonyms import PSEUDONYM_BYTES
from blindplate.core.records.record import SealedRecord, record_of
from blindplate.v1 import records_pb2

MATCH_SECRET_BYTES: Final = 16
_ENVELOPE_BYTES: Final = PSEUDONYM_BYTES + MATCH_SECRET_BYTES + OVERHEAD_BYTES
_UNKNOWN_FIELDS: Final = "A wire message holds fields that its version does not know."
_ANOTHER_WAY: Final = "A wire message is not serialized in the one way it must be."


@dataclass(frozen=True, slots=True)
class Wire:
    """``window_key_id`` (16 bytes) says which of the matcher's keys ``envelope`` is for. Raises MessageError."""

    record: SealedRecord
    envelope: bytes
    window_key_id: bytes

    def __post_init__(self) -> None:
        if len(self.envelope) != _ENVELOPE_BYTES or len(self.window_key_id) != KEY_ID_BYTES:
            raise MessageError("A wire envelope or its key identifier is of the wrong length.")

    def to_proto(self) -> records_pb2.Wire:
        """The wire form."""
        return records_pb2.Wire(
            record=self.record.to_proto(), envelope=self.envelope, window_key_id=self.window_key_id
        )

    @classmethod
    def from_proto(cls, message: records_pb2.Wire) -> Wire:
        """Read the wire form. Raises MessageError; also for fields this version does not know."""
        wire = _wire_of(message)
        if wire.to_bytes() != message.SerializeToString(deterministic=True):
            raise MessageError(_UNKNOWN_FIELDS)
        return wire

    def to_bytes(self) -> bytes:
        """The wire form, serialized in the one way that ``from_bytes`` takes."""
        return self.to_proto().SerializeToString(deterministic=True)

    @classmethod
    def from_bytes(cls, data: bytes) -> Wire:
        """Read ``to_bytes``'s form and no other. Raises MessageError."""
        message = records_pb2.Wire()
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise MessageError("A wire message is not a protocol message.") from None
        wire = _wire_of(message)
        own = wire.to_bytes()
        if own != data:
            unknown = own != message.SerializeToString(deterministic=True)
            raise MessageError(_UNKNOWN_FIELDS if unknown else _ANOTHER_WAY)
        return wire


def wire_info(record: SealedRecord) -> bytes:
    """HPKE info of the wire envelope: bound to the whole record, so that it fits no other."""
    return encode("wire", record.leaf())


def _wire_of(message: records_pb2.Wire) -> Wire:
    # The wire's bytes hold the record's: whoever compares those need not compare these as well.
    return Wire(record_of(message.record), message.envelope, message.window_key_id)
