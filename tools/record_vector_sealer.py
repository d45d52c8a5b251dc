"""Seals records from docs/spec/records.md alone, well or with one defect, for the generator of their vectors.

Imports nothing of blindplate but the protocol's messages. What a vector needs to be repeatable (keys, secrets,
identifiers) is derived from a name; only HPKE's encapsulations are drawn afresh each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256, shake_256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from blindplate.v1 import records_pb2, types_pb2
from tools.labelled_fields import derive, digest, encode, encode_domain, encode_epoch, encode_plate

PLATE: Final = encode_plate("GB", 1, "AB12CDE")
TIME_MS: Final = 1_800_000_000_123
SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
NONCE: Final = bytes(12)


def named(name: str, length: int = 32) -> bytes:
    """Bytes that look random and are the same every time."""
    return shake_256(b"blindplate record vectors, " + name.encode()).digest(length)


@dataclass(frozen=True)
class Key:
    """An X-Wing key pair of a named seed."""

    seed: bytes

    def halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        expanded = shake_256(self.seed).digest(96)
        return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(
            expanded[64:]
        )

    def key_id(self) -> bytes:
        lattice, curve = self.halves()
        public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        return digest("key-id", public)[:16]

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        return SUITE.encrypt(plaintext, MLKEM768X25519PrivateKey(*self.halves()).public_key(), info)


KEYS: Final = {"a": Key(named("custodian a")), "b": Key(named("custodian b"))}
WINDOW: Final = Key(named("window"))
CAMERA: Final = Ed25519PrivateKey.from_private_bytes(named("camera"))
CAMERA_PUBLIC: Final = CAMERA.public_key().public_bytes_raw()


@dataclass(frozen=True)
class Plan:
    """What to seal. The last fields are defects: each stands in for what the specification would have there."""

    name: str
    discloses_camera: bool = True
    list_id: str = "stolen"
    epoch: tuple[int, int, int] = (1, 3600, 500_000)
    granularity_ms: int = 1000
    alternate: bool = False
    patch: bytes = b""
    others_in_batch: int = 2
    sealed_time_ms: int = TIME_MS
    payload_time_ms: int = TIME_MS
    payload_camera: str = "camera-1"
    committed_pseudonym: bytes = field(default_factory=lambda: named("pseudonym"))
    other_s_a: bool = False
    other_wire_secret: bool = False
    c_k_of_other_key: bool = False
    padding: Callable[[bytes], bytes] | None = None
    ciphertext: Callable[[bytes, bytes, bytes], bytes] | None = None
    """From the key, another key of which c_K is, and the associated data."""


@dataclass(frozen=True)
class Made:
    """A wire message and every value behind it, as hexadecimal."""

    wire: records_pb2.Wire
    values: dict[str, Any]


def make(plan: Plan) -> Made:
    """Follow the specification step by step, where the plan has no defect."""
    secrets = {name: named(f"{plan.name} {name}") for name in ("s_a", "s_b", "salt")}
    n_y, s = named(plan.name + " n_y", 16), named(plan.name + " s", 16)
    pseudonym = named("pseudonym")
    header = _header(plan, secrets["salt"], n_y)
    header_digest = digest("header", *_header_fields(header))
    shares = {x: derive(secrets["s_" + x], "share", header_digest) for x in "ab"}
    proof = derive(s, "match-proof", header_digest)
    record = records_pb2.Record(header=header)
    for x in "ab":
        secret = named("other") if plan.other_s_a and x == "a" else secrets["s_" + x]
        plain = secret + n_y + plan.sealed_time_ms.to_bytes(8, "big")
        setattr(record, "env_" + x, KEYS[x].seal(plain, encode("envelope", x.encode(), header.record_id)))
        setattr(record, "c_" + x, digest("commit-share", x.encode(), header_digest, shares[x]))
    record.c_s = digest("commit-match", header_digest, proof)
    bound = (header_digest, record.env_a, record.env_b, record.c_a, record.c_b, record.c_s)
    salt = digest("dek-salt", *bound)
    both = derive(shares["a"] + shares["b"] + s, "dek", salt=salt, length=64)
    other = derive(named("other share") + shares["b"] + s, "dek", salt=salt, length=64)
    record.c_k = other[32:] if plan.c_k_of_other_key else both[32:]
    associated = encode("record-data", *bound, record.c_k)
    payload = _payload(plan, secrets["salt"])
    if plan.ciphertext:
        record.ciphertext = plan.ciphertext(both[:32], other[:32], associated)
    else:
        padded = (plan.padding or pad)(payload)
        record.ciphertext = AESGCM(both[:32]).encrypt(NONCE, padded, associated)
    leaf = digest("record", *bound, record.c_k, digest("ciphertext", record.ciphertext))
    _attest(plan, record, leaf)
    addressed = pseudonym + (bytes(16) if plan.other_wire_secret else s)
    wire = records_pb2.Wire(
        record=record, envelope=WINDOW.seal(addressed, encode("wire", leaf)), window_key_id=WINDOW.key_id()
    )
    values = {
        "headerDigest": header_digest,
        "leaf": leaf,
        "pseudonym": pseudonym,
        "matchSecret": s,
        "matchProof": proof,
        "shareA": shares["a"],
        "shareB": shares["b"],
        "otherShareA": named("other share"),
        "openingOfPseudonym": n_y,
        "dek": both[:32],
        "payload": payload,
    }
    return Made(wire, {name: value.hex() for name, value in values.items()})


def pad(payload: bytes) -> bytes:
    """Length, payload, zeros up to the next size."""
    size = 512
    while size < len(payload) + 4:
        size *= 2
    return (len(payload).to_bytes(4, "big") + payload).ljust(size, b"\0")


def _header(plan: Plan, salt: bytes, n_y: bytes) -> records_pb2.Header:
    record_id = named(plan.name + " record", 16)
    kind, seconds, number = plan.epoch
    return records_pb2.Header(
        version=1,
        suite=1,
        record_id=record_id,
        camera_ref=digest("camera-ref", salt, b"camera-1") if plan.discloses_camera else b"",
        domain=types_pb2.Domain(list_id=plan.list_id, zone="west", generation=3),
        epoch=types_pb2.Epoch(kind=types_pb2.EpochKind.ValueType(kind), seconds=seconds, index=number),
        capture_time_ms=TIME_MS - TIME_MS % plan.granularity_ms,
        time_granularity_ms=plan.granularity_ms,
        alternate=plan.alternate,
        key_id_a=KEYS["a"].key_id(),
        key_id_b=KEYS["b"].key_id(),
        c_y=digest("commit-pseudonym", record_id, plan.committed_pseudonym, n_y),
    )


def _header_fields(header: records_pb2.Header) -> tuple[bytes, ...]:
    return (
        header.version.to_bytes(4, "big"),
        header.suite.to_bytes(4, "big"),
        header.record_id,
        header.camera_ref,
        encode_domain(header.domain.list_id, header.domain.zone, header.domain.generation),
        encode_epoch(header.epoch.kind, header.epoch.seconds, header.epoch.index),
        header.capture_time_ms.to_bytes(8, "big"),
        header.time_granularity_ms.to_bytes(4, "big"),
        bytes([header.alternate]),
        header.key_id_a,
        header.key_id_b,
        header.c_y,
    )


def _payload(plan: Plan, salt: bytes) -> bytes:
    payload = records_pb2.Payload(
        plate=PLATE, text_as_read="AB12 CDE", capture_time_ms=plan.payload_time_ms, confidence=0.5
    )
    if plan.patch:
        payload.plate_patch, payload.plate_patch_type = plan.patch, "image/png"
    if plan.discloses_camera:
        payload.camera_id, payload.camera_salt = plan.payload_camera, salt
    return payload.SerializeToString(deterministic=True)


def _attest(plan: Plan, record: records_pb2.Record, leaf: bytes) -> None:
    """The record stands last, so that in a batch of three it is carried up alone."""
    leaves = [named(f"leaf {index}") for index in range(plan.others_in_batch)] + [leaf]
    level, index, path = [sha256(b"\0" + one).digest() for one in leaves], len(leaves) - 1, list[bytes]()
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
        index //= 2
    attestation = records_pb2.Attestation(
        camera_key_id=digest("key-id", CAMERA_PUBLIC)[:16],
        leaf_index=len(leaves) - 1,
        batch_size=len(leaves),
        path=path,
        signature=CAMERA.sign(encode("batch", level[0], len(leaves).to_bytes(8, "big"))),
    )
    if plan.discloses_camera:
        record.attestation.CopyFrom(attestation)
        return
    plain = pad(attestation.SerializeToString(deterministic=True))
    for x in "ab":
        sealed = KEYS[x].seal(plain, encode("attestation", x.encode(), record.header.record_id))
        setattr(record.sealed_attestation, "for_" + x, sealed)
