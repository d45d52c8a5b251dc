"""The public part of a record: what anyone who holds it may read, and what everything else in it is bound to.

Guarantees that a header in memory is well formed and of a version this code knows. Does not say whether what it
states is true: the camera's signature and the custodians' envelopes do. Protocol section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from blindplate.core.domains import Domain, Epoch, EpochKind, EpochRule
from blindplate.core.encoding import DIGEST_BYTES, digest, uint
from blindplate.core.errors import MessageError
from blindplate.core.parties import KEY_ID_BYTES, Custodian
from blindplate.v1 import records_pb2, types_pb2

VERSION: Final = 1
# X-Wing, HKDF-SHA256 and AES-256-GCM throughout; ristretto255-SHA512 for pseudonyms.
SUITE: Final = 1
RECORD_ID_BYTES: Final = 16
# The coarsest a policy may make a capture time: a day.
MAX_GRANULARITY_MS: Final = 86_400_000
_MAX_TIME_MS: Final = 1 << 42  # in the year 2109


@dataclass(frozen=True, slots=True)
class Header:
    """``capture_time_ms`` counts from 1970 (UTC), rounded down to ``time_granularity_ms``, and meets the epoch.

    ``record_id`` is 16 bytes, ``c_y`` 32, a key identifier 16, ``camera_ref`` 32 or none. Raises MessageError.
    """

    record_id: bytes
    camera_ref: bytes
    domain: Domain
    epoch: Epoch
    capture_time_ms: int
    time_granularity_ms: int
    alternate: bool
    key_id_a: bytes
    key_id_b: bytes
    c_y: bytes
    version: int = VERSION
    suite: int = SUITE
    _digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.version != VERSION or self.suite != SUITE:
            raise MessageError(
                "A record is of a version or suite that is not known here.",
                "Bring the camera and this party to the same release.",
            )
        if (
            len(self.record_id) != RECORD_ID_BYTES
            or len(self.camera_ref) not in (0, DIGEST_BYTES)
            or len(self.key_id_a) != KEY_ID_BYTES
            or len(self.key_id_b) != KEY_ID_BYTES
            or len(self.c_y) != DIGEST_BYTES
        ):
            raise MessageError("A field of a record's header is of the wrong length.")
        self._check_time()
        # Every party binds several things to it: it is worth computing once.
        object.__setattr__(self, "_digest", self._compute_digest())

    def key_id(self, custodian: Custodian) -> bytes:
        """Which release key the custodian's envelope is sealed to."""
        return self.key_id_a if custodian is Custodian.A else self.key_id_b

    def digest(self) -> bytes:
        """H(hdr): 32 bytes that every other part of the record is bound to."""
        return self._digest

    def to_proto(self) -> records_pb2.Header:
        """The wire form."""
        return records_pb2.Header(
            version=self.version,
            suite=self.suite,
            record_id=self.record_id,
            camera_ref=self.camera_ref,
            domain=types_pb2.Domain(
                list_id=self.domain.list_id, zone=self.domain.zone, generation=self.domain.generation
            ),
            epoch=types_pb2.Epoch(
                kind=types_pb2.EpochKind.ValueType(self.epoch.rule.kind),
                seconds=self.epoch.rule.seconds,
                index=self.epoch.index,
            ),
            capture_time_ms=self.capture_time_ms,
            time_granularity_ms=self.time_granularity_ms,
            alternate=self.alternate,
            key_id_a=self.key_id_a,
            key_id_b=self.key_id_b,
            c_y=self.c_y,
        )

    @classmethod
    def from_proto(cls, message: records_pb2.Header) -> Header:
        """Read the wire form. Raises MessageError."""
        try:
            kind = EpochKind(message.epoch.kind)
        except ValueError:
            raise MessageError("A record's epoch is of a kind that is not known here.") from None
        return cls(
            version=message.version,
            suite=message.suite,
            record_id=message.record_id,
            camera_ref=message.camera_ref,
            domain=Domain(message.domain.list_id, message.domain.zone, message.domain.generation),
            epoch=Epoch(EpochRule(kind, message.epoch.seconds), message.epoch.index),
            capture_time_ms=message.capture_time_ms,
            time_granularity_ms=message.time_granularity_ms,
            alternate=message.alternate,
            key_id_a=message.key_id_a,
            key_id_b=message.key_id_b,
            c_y=message.c_y,
        )

    def _check_time(self) -> None:
        if not 1 <= self.time_granularity_ms <= MAX_GRANULARITY_MS:
            raise MessageError("A record's time is coarser than a day, or of no granularity.")
        if not 0 <= self.capture_time_ms < _MAX_TIME_MS or self.capture_time_ms % self.time_granularity_ms:
            raise MessageError("A record's capture time is out of range or not rounded to its granularity.")
        # The true time lies somewhere in this span; some moment of it must lie in the epoch.
        rule, last = self.epoch.rule, self.capture_time_ms + self.time_granularity_ms - 1
        if not rule.at(self.capture_time_ms / 1000) <= self.epoch <= rule.at(last / 1000):
            raise MessageError("A record's capture time does not lie in its epoch.")

    def _compute_digest(self) -> bytes:
        return digest(
            "header",
            uint(self.version, 4),
            uint(self.suite, 4),
            self.record_id,
            self.camera_ref,
            self.domain.encode(),
            self.epoch.encode(),
            uint(self.capture_time_ms, 8),
            uint(self.time_granularity_ms, 4),
            uint(self.alternate, 1),
            self.key_id_a,
            self.key_id_b,
            self.c_y,
        )
