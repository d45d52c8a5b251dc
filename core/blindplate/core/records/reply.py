"""A custodian's answer to an approved release request, sealed to the requester.

Guarantees that an answer opens only with the requester's key, and only as this custodian's answer to this request.
It does not prove who sealed it: the share is checked against the record's commitment, the pseudonym's opening
against c_y, and the exact time against the header, by whoever opens it. Protocol section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from blindplate.core.encoding import DIGEST_BYTES, encode, uint
from blindplate.core.errors import MessageError
from blindplate.core.hpke import OVERHEAD_BYTES, OpeningKey, SealingKey
from blindplate.core.parties import Custodian
from blindplate.core.records.envelope import OPENING_BYTES

_SHARE_BYTES: Final = 32
_TIME_BYTES: Final = 8
_PLAIN_BYTES: Final = _SHARE_BYTES + OPENING_BYTES + _TIME_BYTES
REPLY_BYTES: Final = _PLAIN_BYTES + OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Reply:
    """share_X (32 bytes), n_y (16 bytes), and the exact capture time in milliseconds since 1970 (UTC).

    Raises MessageError for another length or a time that does not fit 8 bytes.
    """

    share: bytes = field(repr=False)
    n_y: bytes = field(repr=False)
    capture_time_ms: int

    def __post_init__(self) -> None:
        if len(self.share) != _SHARE_BYTES or len(self.n_y) != OPENING_BYTES:
            raise MessageError("A share or the opening of a pseudonym is of the wrong length.")
        if not 0 <= self.capture_time_ms < 1 << (8 * _TIME_BYTES):
            raise MessageError("A capture time is out of range.")


def seal_reply(reply: Reply, reply_key: SealingKey, custodian: Custodian, request_id: bytes) -> bytes:
    """``reply`` sealed to the requester's key, bound to the custodian and the request (32 bytes).

    Raises EnvelopeError for a key that nothing may be sealed to, MessageError for a request id of another length.
    """
    plain = reply.share + reply.n_y + uint(reply.capture_time_ms, _TIME_BYTES)
    return reply_key.seal(plain, _info(custodian, request_id))


def open_reply(sealed: bytes, key: OpeningKey, custodian: Custodian, request_id: bytes) -> Reply:
    """What ``custodian`` answered to the request ``request_id`` (32 bytes).

    Raises EnvelopeError when it was not sealed to this key as that custodian's answer to that request,
    MessageError for a wrong length. The share and n_y are still to be checked against the record.
    """
    if len(sealed) != REPLY_BYTES:
        raise MessageError(f"A sealed answer is not {REPLY_BYTES:,} bytes long.")
    plain = key.open(sealed, _info(custodian, request_id))
    cut = _SHARE_BYTES + OPENING_BYTES
    return Reply(plain[:_SHARE_BYTES], plain[_SHARE_BYTES:cut], int.from_bytes(plain[cut:], "big"))


def _info(custodian: Custodian, request_id: bytes) -> bytes:
    if len(request_id) != DIGEST_BYTES:
        raise MessageError(f"A request id is not {DIGEST_BYTES} bytes long.")
    return encode("release-reply", custodian.encode(), request_id)
