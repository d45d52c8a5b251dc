"""Sealing: from a read to a record that opens only with three secrets, signed in batches, addressed to the matcher.

Guarantees that each record has randomness of its own, so that nothing in it joins it to another of the same
vehicle. Does not decide what a payload may hold: the list's disclosure policy does, at the caller. Protocol section 4.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import SystemRandom
from typing import Final

from blindplate.core import merkle
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import MessageError
from blindplate.core.hpke import SealingKey
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import PSEUDONYM_BYTES
from blindplate.core.records import commitments
from blindplate.core.records.attestation import (
    MAX_BATCH,
    Attestation,
    SealedAttestation,
    attestation_info,
    batch_message,
)
from blindplate.core.records.cipher import Binding, RecordKey
from blindplate.core.records.envelope import OPENING_BYTES, SECRET_BYTES, envelope_info, pack_envelope
from blindplate.core.records.header import RECORD_ID_BYTES, Header
from blindplate.core.records.padding import pad
from blindplate.core.records.record import SealedRecord, digest_of
from blindplate.core.records.wire import MATCH_SECRET_BYTES, Wire, wire_info
from blindplate.core.signing import SigningKey
from blindplate.v1 import records_pb2

_SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SealingContext:
    """What all records of one domain and epoch share at one camera.

    ``time_granularity_ms`` is how coarse the header's time is; ``discloses_camera`` whether the camera's name goes
    into the payload and its signature travels in the clear.
    """

    domain: Domain
    epoch: Epoch
    custodian_a: SealingKey
    custodian_b: SealingKey
    time_granularity_ms: int
    discloses_camera: bool

    def custodian(self, custodian: Custodian) -> SealingKey:
        """The release key that records are sealed to for this custodian."""
        return self.custodian_a if custodian is Custodian.A else self.custodian_b


@dataclass(frozen=True, slots=True)
class SealingRandomness:
    """All randomness of one record but that of its HPKE encapsulations."""

    record_id: bytes
    n_y: bytes = field(repr=False)
    camera_salt: bytes = field(repr=False)
    s_a: bytes = field(repr=False)
    s_b: bytes = field(repr=False)
    match_secret: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> SealingRandomness:
        """Drawn from the operating system."""
        return cls(
            record_id=secrets.token_bytes(RECORD_ID_BYTES),
            n_y=secrets.token_bytes(OPENING_BYTES),
            camera_salt=secrets.token_bytes(_SALT_BYTES),
            s_a=secrets.token_bytes(SECRET_BYTES),
            s_b=secrets.token_bytes(SECRET_BYTES),
            match_secret=secrets.token_bytes(MATCH_SECRET_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Read:
    """One read as it is sealed: ``payload`` as far as the policy lets it, without the camera, which sealing adds.

    ``pseudonym`` is y of the domain and epoch (32 bytes); ``capture_time_ms`` is exact, since 1970 (UTC).
    """

    payload: records_pb2.Payload = field(repr=False)
    pseudonym: bytes = field(repr=False)
    capture_time_ms: int
    camera_id: str
    alternate: bool = False


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record and the two secrets that go to the matcher with it, and nowhere else."""

    record: SealedRecord
    pseudonym: bytes = field(repr=False)
    match_secret: bytes = field(repr=False)


def seal(context: SealingContext, read: Read) -> Sealed:
    """Seal one read with fresh randomness. Raises MessageError when it does not fit the context or is too large."""
    return assemble(context, read, SealingRandomness.fresh())


def assemble(context: SealingContext, read: Read, randomness: SealingRandomness) -> Sealed:
    """Seal one read with the randomness given. For test vectors; everything else calls ``seal``."""
    _check(context, read)
    granularity = context.time_granularity_ms
    header = Header(
        record_id=randomness.record_id,
        camera_ref=commitments.camera_ref(randomness.camera_salt, read.camera_id)
        if context.discloses_camera
        else b"",
        domain=context.domain,
        epoch=context.epoch,
        capture_time_ms=read.capture_time_ms - read.capture_time_ms % granularity,
        time_granularity_ms=granularity,
        alternate=read.alternate,
        key_id_a=context.custodian_a.key_id,
        key_id_b=context.custodian_b.key_id,
        c_y=commitments.commit_pseudonym(randomness.record_id, read.pseudonym, randomness.n_y),
    )
    header_digest = header.digest()
    share_a = commitments.share_of(randomness.s_a, header_digest)
    share_b = commitments.share_of(randomness.s_b, header_digest)
    proof = commitments.match_proof(randomness.match_secret, header_digest)

    def envelope(custodian: Custodian, secret: bytes) -> bytes:
        plain = pack_envelope(secret, randomness.n_y, read.capture_time_ms)
        return context.custodian(custodian).seal(plain, envelope_info(custodian, header.record_id))

    binding = Binding(
        header_digest=header_digest,
        env_a=envelope(Custodian.A, randomness.s_a),
        env_b=envelope(Custodian.B, randomness.s_b),
        c_a=commitments.commit_share(Custodian.A, header_digest, share_a),
        c_b=commitments.commit_share(Custodian.B, header_digest, share_b),
        c_s=commitments.commit_match(header_digest, proof),
    )
    key = RecordKey.derive(binding, share_a, share_b, randomness.match_secret)
    ciphertext = key.encrypt(binding, pad(_payload_bytes(context, read, randomness)))
    record = SealedRecord(
        header=header,
        env_a=binding.env_a,
        env_b=binding.env_b,
        c_a=binding.c_a,
        c_b=binding.c_b,
        c_s=binding.c_s,
        c_k=key.c_k,
        ciphertext=ciphertext,
        ciphertext_digest=digest_of(ciphertext),
    )
    return Sealed(record, read.pseudonym, randomness.match_secret)


def attest(context: SealingContext, records: Sequence[SealedRecord], key: SigningKey) -> list[SealedRecord]:
    """The same 1 to 4096 records, in the same order, each with the camera's attestation over all of them.

    The tree's order is shuffled, so that an index says nothing about time. All records must be of ``context``: a
    batch across domains would join, through its paths, what its records keep apart. Raises MessageError.
    """
    if not 1 <= len(records) <= MAX_BATCH:
        raise MessageError(f"A batch to sign is not of 1 to {MAX_BATCH:,} records.")
    for record in records:
        header = record.header
        if (header.domain, header.epoch, header.key_id_a, header.key_id_b) != (
            context.domain,
            context.epoch,
            context.custodian_a.key_id,
            context.custodian_b.key_id,
        ):
            raise MessageError("A record in a batch was not sealed in the batch's context.")
    order = list(range(len(records)))
    SystemRandom().shuffle(order)
    leaves = [records[position].leaf() for position in order]
    signature = key.sign(batch_message(merkle.root(leaves), len(leaves)))
    attested = list(records)
    for index, (position, path) in enumerate(zip(order, merkle.paths(leaves), strict=True)):
        attestation = Attestation(key.key_id, index, len(leaves), path, signature)
        record = records[position]
        attested[position] = replace(record, origin=_origin(context, record, attestation))
    return attested


def to_wire(record: SealedRecord, pseudonym: bytes, match_secret: bytes, window: SealingKey) -> Wire:
    """Address a record, with its pseudonym and match secret, to the matcher's current window."""
    return Wire(record, window.seal(pseudonym + match_secret, wire_info(record)), window.key_id)


def _check(context: SealingContext, read: Read) -> None:
    if len(read.pseudonym) != PSEUDONYM_BYTES:
        raise MessageError(f"A pseudonym is not {PSEUDONYM_BYTES} bytes long.")
    if context.epoch.rule.at(read.capture_time_ms / 1000) != context.epoch:
        raise MessageError("A read was not captured in the epoch it is to be sealed for.")
    granularity = context.time_granularity_ms
    if read.payload.capture_time_ms // granularity != read.capture_time_ms // granularity:
        raise MessageError("A payload states another capture time than its read.")
    if read.payload.camera_id or read.payload.camera_salt:
        raise MessageError(
            "A payload names its camera already; sealing adds it where the policy discloses it."
        )


def _payload_bytes(context: SealingContext, read: Read, randomness: SealingRandomness) -> bytes:
    payload = records_pb2.Payload()
    payload.CopyFrom(read.payload)
    if context.discloses_camera:
        payload.camera_id = read.camera_id
        payload.camera_salt = randomness.camera_salt
    return payload.SerializeToString(deterministic=True)


def _origin(
    context: SealingContext, record: SealedRecord, attestation: Attestation
) -> Attestation | SealedAttestation:
    if context.discloses_camera:
        return attestation
    plain = pad(attestation.to_proto().SerializeToString(deterministic=True))
    for_a, for_b = (
        context.custodian(custodian).seal(plain, attestation_info(custodian, record.header.record_id))
        for custodian in (Custodian.A, Custodian.B)
    )
    return SealedAttestation(for_a, for_b)
