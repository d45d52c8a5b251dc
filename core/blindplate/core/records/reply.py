"""A custodian's answer to an approved release request, sealed to the requester.

Guarantees that an answer opens only with the requester's key, and only as this custodian's answer to this request,
and that all answers are of one length, whichever camera they name. It does not prove who sealed it: the share is
checked against the record's commitment, the pseudonym's opening against c_y, and camera and time against the other
custodian's answer and the payload, by whoever opens it. Protocol section 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.encoding import DIGEST_BYTES, encode, uint
from blindplate.core.errors import MessageError
from blindplate.core.hpke import OVERHEAD_BYTES, OpeningKey, SealingKey
from blindplate.core.parties import Custodian
from blindplate.core.records.envelope import OPENING_BYTES

_SHARE_BYTES: Final = 32
_TIME_BYTES: Final = 8
# The longest name of a camera; a shorter one is followed by zero bytes, which no name holds.
_CAMERA_BYTES: Final = 63
_CAMERA_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PLAIN_BYTES: Final = _SHARE_BYTES + OPENING_BYTES + _TIME_BYTES + _CAMERA_BYTES
REPLY_BYTES: Final = _PLAIN_BYTES + OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Reply:
    """share_X (32 bytes), n_y (16 bytes), the capture time in milliseconds since 1970 (UTC), and the camera.

    The time is exact where the list's policy discloses it, else rounded as in the header. ``camera_id`` is the
    register's name of the camera whose signature the custodian verified, empty where the policy withholds it.
    Raises MessageError for another length, a time that does not fit 8 bytes or a camera's name of another form.
    """

    share: bytes = field(repr=False)
    n_y: bytes = field(repr=False)
    capture_time_ms: int
    camera_id: str

    def __post_init__(self) -> None:
        if len(self.share) != _SHARE_BYTES or len(self.n_y) != OPENING_BYTES:
            raise MessageError("A share or the opening of a pseudonym is of the wrong length.")
        if not 0 <= self.capture_time_ms < 1 << (8 * _TIME_BYTES):
            raise MessageError("A capture time is out of range.")
        if self.camera_id and not _CAMERA_ID.fullmatch(self.camera_id):
            raise MessageError("A camera's name is not 1 to 63 of a-z, 0-9 and hyphen.")


def seal_reply(reply: Reply, reply_key: SealingKey, custodian: Custodian, request_id: bytes) -> bytes:
    """``reply`` sealed to the requester's key, bound to the custodian and the request (32 bytes).

    Raises EnvelopeError for a key that nothing may be sealed to, MessageError for a request id of another length.
    """
    camera = reply.camera_id.encode().ljust(_CAMERA_BYTES, b"\0")
    plain = reply.share + reply.n_y + uint(reply.capture_time_ms, _TIME_BYTES) + camera
    return reply_key.seal(plain, _info(custodian, request_id))


def open_reply(sealed: bytes, key: OpeningKey, custodian: Custodian, request_id: bytes) -> Reply:
    """What ``custodian`` answered to the request ``request_id`` (32 bytes).

    Raises EnvelopeError when it was not sealed to this key as that custodian's answer to that request,
    MessageError for a wrong length or a camera's name of another form. What it says is still to be checked.
    """
    if len(sealed) != REPLY_BYTES:
        raise MessageError(f"A sealed answer is not {REPLY_BYTES:,} bytes long.")
    plain = key.open(sealed, _info(custodian, request_id))
    opening, time = _SHARE_BYTES, _SHARE_BYTES + OPENING_BYTES
    camera = time + _TIME_BYTES
    return Reply(
        share=plain[:opening],
        n_y=plain[opening:time],
        capture_time_ms=int.from_bytes(plain[time:camera], "big"),
        # Anything but a name and zeros after it is no name either; every byte has a character in Latin 1.
        camera_id=plain[camera:].rstrip(b"\0").decode("latin-1"),
    )


def _info(custodian: Custodian, request_id: bytes) -> bytes:
    if len(request_id) != DIGEST_BYTES:
        raise MessageError(f"A request id is not {DIGEST_BYTES} bytes long.")
    return encode("release-reply", custodian.encode(), request_id)
