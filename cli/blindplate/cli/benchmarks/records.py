"""Records on one core: sealed and signed at the camera, taken by the matcher, opened by custodian and requester.

Every record is opened by all three secrets and its payload compared with what was sealed. Protocol section 4.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.cli.benchmarks.timing import Say, Seconds, Spread, per_second, silent, timed
from blindplate.cli.traffic.patches import MEDIA_TYPE, patch
from blindplate.core.domains import HOURLY, Domain
from blindplate.core.errors import CommitmentError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import PSEUDONYM_BYTES
from blindplate.core.records.opening import (
    open_attestation,
    open_envelope,
    open_payload,
    open_wire_envelope,
    verify_attestation,
)
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.v1 import records_pb2

# What a camera signs at once unless its settings say otherwise.
DEFAULT_RECORDS: Final = 250
DEFAULT_ROUNDS: Final = 7
_DOMAIN: Final = Domain("bench", "bench", 1)


@dataclass(frozen=True, slots=True)
class RecordFigures:
    """Of batches of ``records`` under one camera's signature each, that disclose their camera but where withheld.

    ``to_wire`` and ``open_wire`` include turning the record into bytes and back; ``open_envelope`` is one custodian's
    part; ``open_payload`` the requester's. A wire's bytes grow with its payload (padded) and with the batch's size.
    """

    records: int
    rounds: int
    seal_per_second: Spread
    attest_per_second: Spread
    attest_withheld_per_second: Spread
    to_wire_per_second: Spread
    open_wire_per_second: Spread
    open_envelope_per_second: Spread
    open_payload_per_second: Spread
    wire_bytes: int
    wire_bytes_withheld: int


@dataclass(frozen=True, slots=True)
class _Keys:
    custodians: dict[Custodian, OpeningKey]
    window: OpeningKey
    camera: SigningKey

    def context(self, now_ms: int, *, discloses_camera: bool) -> SealingContext:
        return SealingContext(
            domain=_DOMAIN,
            epoch=HOURLY.at(now_ms / 1000),
            custodian_a=self.custodians[Custodian.A].sealing_key(),
            custodian_b=self.custodians[Custodian.B].sealing_key(),
            time_granularity_ms=60_000,
            discloses_camera=discloses_camera,
        )


@dataclass(frozen=True, slots=True)
class _Round:
    sealing: Seconds
    attesting: Seconds
    wiring: Seconds
    taking: Seconds
    releasing: Seconds
    revealing: Seconds
    wire_bytes: int


def measure_records(
    records: int = DEFAULT_RECORDS, rounds: int = DEFAULT_ROUNDS, say: Say = silent
) -> RecordFigures:
    """Seal and open ``records`` (1 to 4,096) at once, ``rounds`` times.

    Raises MessageError for another number, CommitmentError when a record opens to what was not sealed.
    """
    keys = _Keys(
        {custodian: _opening_key() for custodian in Custodian}, _opening_key(), SigningKey.generate()
    )
    say(f"Sealing and opening {rounds} batches of {records:,} records, with the camera and without.")
    named = [_round(keys, records, discloses_camera=True) for _ in range(1 + rounds)][1:]
    withheld = [_round(keys, records, discloses_camera=False) for _ in range(1 + rounds)][1:]

    def rate(taken: Sequence[Seconds]) -> Spread:
        return per_second(records, taken)

    return RecordFigures(
        records=records,
        rounds=rounds,
        seal_per_second=rate([one.sealing for one in named]),
        attest_per_second=rate([one.attesting for one in named]),
        attest_withheld_per_second=rate([one.attesting for one in withheld]),
        to_wire_per_second=rate([one.wiring for one in named]),
        open_wire_per_second=rate([one.taking for one in named]),
        open_envelope_per_second=rate([one.releasing for one in named]),
        open_payload_per_second=rate([one.revealing for one in named]),
        wire_bytes=named[-1].wire_bytes,
        wire_bytes_withheld=withheld[-1].wire_bytes,
    )


def sample_payload(number: int, now_ms: int) -> records_pb2.Payload:
    """What a police list's policy discloses of a read, with the smallest patch there is."""
    return records_pb2.Payload(
        plate=b"GB current AB12 CDE",
        text_as_read="AB12CDE",
        capture_time_ms=now_ms,
        confidence=0.97,
        latitude=51.5033,
        longitude=-0.1196,
        plate_patch=patch(number),
        plate_patch_type=MEDIA_TYPE,
    )


def _round(keys: _Keys, records: int, *, discloses_camera: bool) -> _Round:
    now_ms = int(time.time() * 1000)
    context = keys.context(now_ms, discloses_camera=discloses_camera)
    payloads = [sample_payload(number, now_ms) for number in range(records)]
    reads = [Read(payload, os.urandom(PSEUDONYM_BYTES), now_ms, "camera-1") for payload in payloads]
    window = keys.window.sealing_key()
    sealed, sealing = timed(lambda: [seal(context, read) for read in reads])
    attested, attesting = timed(attest, context, [one.record for one in sealed], keys.camera)
    sent, wiring = timed(
        lambda: [
            to_wire(record, one.pseudonym, one.match_secret, window).to_bytes()
            for record, one in zip(attested, sealed, strict=True)
        ]
    )
    received, taking = timed(lambda: [_take(wire, keys.window) for wire in sent])
    shares: dict[Custodian, list[bytes]] = {}
    releasing = Seconds(0, 0)
    for custodian, key in keys.custodians.items():
        shares[custodian], releasing = timed(_shares, received, custodian, key)
    revealed, revealing = timed(
        lambda: [
            open_payload(wire.record, share_a, share_b, secret)
            for (wire, _, secret), share_a, share_b in zip(received, *shares.values(), strict=True)
        ]
    )
    _check(keys, reads, received, revealed)
    return _Round(sealing, attesting, wiring, taking, releasing, revealing, len(sent[0]))


def _take(sent: bytes, window: OpeningKey) -> tuple[Wire, bytes, bytes]:
    wire = Wire.from_bytes(sent)
    return wire, *open_wire_envelope(wire, window)


def _shares(
    received: Sequence[tuple[Wire, bytes, bytes]], custodian: Custodian, key: OpeningKey
) -> list[bytes]:
    return [open_envelope(wire.record, custodian, key).share for wire, _, _ in received]


def _check(
    keys: _Keys,
    reads: Sequence[Read],
    received: Sequence[tuple[Wire, bytes, bytes]],
    revealed: Sequence[records_pb2.Payload],
) -> None:
    for read, (wire, pseudonym, _), payload in zip(reads, received, revealed, strict=True):
        kept = records_pb2.Payload()
        kept.CopyFrom(payload)
        # Sealing adds these where the camera is disclosed.
        kept.ClearField("camera_id")
        kept.ClearField("camera_salt")
        if pseudonym != read.pseudonym or kept != read.payload:
            raise CommitmentError("A record opened to another read than was sealed.")
        for custodian, key in keys.custodians.items():
            attestation = open_attestation(wire.record, custodian, key)
            verify_attestation(wire.record, attestation, keys.camera.public)


def _opening_key() -> OpeningKey:
    return OpeningKey.from_seed(generate_seed())
