"""What a record's envelope tells one custodian: its secret, the opening of c_y, and the exact capture time.

Protocol section 4. The envelope is bound to the custodian and the record, so that it opens nowhere else.
"""

from __future__ import annotations

from typing import Final

from blindplate.core.encoding import encode, uint
from blindplate.core.parties import Custodian

SECRET_BYTES: Final = 32
OPENING_BYTES: Final = 16
_TIME_BYTES: Final = 8


def pack_envelope(s_x: bytes, n_y: bytes, capture_time_ms: int) -> bytes:
    """s_X || n_y || milliseconds since 1970: 56 bytes, every field of fixed length."""
    return s_x + n_y + uint(capture_time_ms, _TIME_BYTES)


def unpack_envelope(plain: bytes) -> tuple[bytes, bytes, int]:
    """The three fields of a plaintext of 56 bytes, which the sealed envelope's own length guarantees."""
    cut = SECRET_BYTES + OPENING_BYTES
    return plain[:SECRET_BYTES], plain[SECRET_BYTES:cut], int.from_bytes(plain[cut:], "big")


def envelope_info(custodian: Custodian, record_id: bytes) -> bytes:
    """HPKE info of env_X."""
    return encode("envelope", custodian.encode(), record_id)
