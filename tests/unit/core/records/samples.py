"""Keys, reads and records for the tests of records."""

from __future__ import annotations

from dataclasses import dataclass

from blindplate.core.domains import HOURLY, Domain
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.records.opening import (
    open_attestation,
    open_envelope,
    open_payload,
    open_wire_envelope,
    verify_attestation,
)
from blindplate.core.records.sealing import Read, Sealed, SealingContext, attest, seal, to_wire
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.v1 import records_pb2

NOW_MS = 1_800_000_000_123
DOMAIN = Domain("stolen", "west", 3)
EPOCH = HOURLY.at(NOW_MS / 1000)
KEYS = {Custodian.A: OpeningKey.from_seed(b"a" * 32), Custodian.B: OpeningKey.from_seed(b"b" * 32)}
WINDOW = OpeningKey.from_seed(b"w" * 32)
CAMERA = SigningKey.from_seed(b"c" * 32)
PSEUDONYM = b"y" * 32
OPEN_CAMERA = SealingContext(
    domain=DOMAIN,
    epoch=EPOCH,
    custodian_a=KEYS[Custodian.A].sealing_key(),
    custodian_b=KEYS[Custodian.B].sealing_key(),
    time_granularity_ms=1000,
    discloses_camera=True,
)
HIDDEN_CAMERA = SealingContext(
    domain=DOMAIN,
    epoch=EPOCH,
    custodian_a=KEYS[Custodian.A].sealing_key(),
    custodian_b=KEYS[Custodian.B].sealing_key(),
    time_granularity_ms=1000,
    discloses_camera=False,
)


def payload() -> records_pb2.Payload:
    """What a policy might let a read disclose."""
    return records_pb2.Payload(
        plate=b"plate", text_as_read="PL4 TE", capture_time_ms=NOW_MS, confidence=0.5, latitude=51.5
    )


def read(pseudonym: bytes = PSEUDONYM) -> Read:
    """A read of one plate at ``NOW_MS``."""
    return Read(payload(), pseudonym, NOW_MS, "camera-1")


@dataclass(frozen=True)
class Whole:
    """A record as it leaves the camera, with its secrets."""

    sealed: Sealed
    wire: Wire


def whole(context: SealingContext = OPEN_CAMERA, others: int = 2) -> Whole:
    """A record sealed, attested in a batch with ``others``, and addressed to the matcher."""
    sealed = seal(context, read())
    batch = [sealed.record, *(seal(context, read()).record for _ in range(others))]
    record = attest(context, batch, CAMERA)[0]
    return Whole(
        Sealed(record, sealed.pseudonym, sealed.match_secret),
        to_wire(record, sealed.pseudonym, sealed.match_secret, WINDOW.sealing_key()),
    )


def open_all(wire: Wire) -> records_pb2.Payload:
    """Every party's part on one wire message, in the order in which they would play it."""
    _, match_secret = open_wire_envelope(wire, WINDOW)
    for custodian in Custodian:
        attestation = open_attestation(wire.record, custodian, KEYS[custodian])
        verify_attestation(wire.record, attestation, CAMERA.public)
    share_a = open_envelope(wire.record, Custodian.A, KEYS[Custodian.A]).share
    share_b = open_envelope(wire.record, Custodian.B, KEYS[Custodian.B]).share
    return open_payload(wire.record, share_a, share_b, match_secret)
