"""Checkpoints of the ledger, signed by the ledger and cosigned by both custodians.

Guarantees that a checkpoint returned by ``verify_checkpoint`` bears both of the ledger's own signatures, Ed25519 and
ML-DSA-44, and that a custodian counts as its witness only by two cosignatures of one moment. Whether the checkpoint
is consistent with others, or fresh, is for the caller to say. Protocol section 7; docs/spec/ledger.md section 2.
Sources: https://c2sp.org/tlog-checkpoint and tlog-cosignature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from blindplate.core.encoding import derive, uint
from blindplate.core.errors import MessageError, SignatureError, UnwitnessedError
from blindplate.core.ledger.notes import (
    MAX_NAME_BYTES,
    Note,
    NoteSignature,
    SignatureKind,
    VerifierKey,
    from_base64,
    to_base64,
)
from blindplate.core.merkle import HASH_BYTES
from blindplate.core.parties import Custodian

SEED_BYTES: Final = 32
# What others count in 64 bits with a sign.
MAX_SIZE: Final = (1 << 63) - 1
MAX_MOMENT: Final = (1 << 63) - 1
_MOMENT_BYTES: Final = 8
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_EMPTY_ROOT: Final = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger ``origin`` has ``size`` entries, and their tree has this root (32 bytes). Raises MessageError."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin.isprintable() or not 1 <= len(self.origin.encode()) <= MAX_NAME_BYTES:
            raise MessageError(f"A checkpoint's origin is not 1 to {MAX_NAME_BYTES} bytes of printable text.")
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise MessageError("A checkpoint's size or root is out of range.")
        if self.size == 0 and self.root != _EMPTY_ROOT:
            raise MessageError("A checkpoint of an empty ledger has another root than the empty tree.")

    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def from_body(cls, text: str) -> Checkpoint:
        """Read it. Raises MessageError; also for extension lines, which ML-DSA-44 signatures would not cover."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise MessageError("A checkpoint is not three lines: origin, size, root.")
        return cls(lines[0], parse_size(lines[1]), from_base64(lines[2]))


def parse_size(text: str) -> int:
    """A tree size in decimal without leading zeroes, below 2**63. Raises MessageError."""
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise MessageError("A ledger's size is not a decimal number below 2**63.")
    return int(text)


@dataclass(frozen=True, slots=True)
class LogSigner:
    """The ledger's own two keys, both derived from one 32-byte seed."""

    keys: tuple[VerifierKey, VerifierKey]
    _ed25519: Ed25519PrivateKey = field(repr=False, compare=False)
    _mldsa: MLDSA44PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, origin: str, seed: bytes) -> LogSigner:
        """The keys of this origin. Raises MessageError for a seed of another length or an origin that is no name."""
        ed25519, mldsa = _private_keys(seed, "ledger-key", origin, SignatureKind.ED25519)
        return cls(_public_keys(origin, SignatureKind.ED25519, ed25519, mldsa), ed25519, mldsa)

    def sign(self, checkpoint: Checkpoint, moment: int) -> Note:
        """The signed note, as of ``moment`` (whole seconds since 1970 UTC). Raises MessageError for a foreign origin."""
        plain, timed = self.keys
        if checkpoint.origin != plain.name:
            raise MessageError("A checkpoint of another ledger is to be signed.")
        signature = self._ed25519.sign(_message(plain, checkpoint, moment))
        return Note(
            checkpoint.body(),
            (
                NoteSignature(plain.name, plain.key_id, signature),
                _timed(timed, moment, self._mldsa.sign(_message(timed, checkpoint, moment))),
            ),
        )


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A custodian's two keys as a witness, both derived from one 32-byte seed."""

    keys: tuple[VerifierKey, VerifierKey]
    _ed25519: Ed25519PrivateKey = field(repr=False, compare=False)
    _mldsa: MLDSA44PrivateKey = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Cosigner:
        """The keys of the witness of this name. Raises MessageError for a seed of another length or no name."""
        ed25519, mldsa = _private_keys(seed, "witness-key", name, SignatureKind.COSIGNATURE)
        return cls(_public_keys(name, SignatureKind.COSIGNATURE, ed25519, mldsa), ed25519, mldsa)

    def cosign(self, checkpoint: Checkpoint, moment: int) -> tuple[NoteSignature, NoteSignature]:
        """Both cosignatures, as of ``moment`` (whole seconds since 1970 UTC, at least 1).

        They state that this is the largest ledger of this origin that the witness has seen, consistent with all before.
        """
        if moment < 1:
            raise MessageError("A cosignature is of no moment.")
        first, second = self.keys
        return (
            _timed(first, moment, self._ed25519.sign(_message(first, checkpoint, moment))),
            _timed(second, moment, self._mldsa.sign(_message(second, checkpoint, moment))),
        )


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """Everyone's pinned keys for one ledger: its own two, and two for each custodian as its witness.

    Raises MessageError unless each pair is an Ed25519 and an ML-DSA-44 key under one name, the ledger's under its
    origin and the witnesses' of the cosigning kind, and no two names or keys are the same.
    """

    origin: str
    log: tuple[VerifierKey, VerifierKey]
    witnesses: Mapping[Custodian, tuple[VerifierKey, VerifierKey]]

    def __post_init__(self) -> None:
        if set(self.witnesses) != set(Custodian):
            raise MessageError("A ledger's witnesses are not both custodians.")
        pairs = (self.log, *self.witnesses.values())
        firsts = (SignatureKind.ED25519, SignatureKind.COSIGNATURE, SignatureKind.COSIGNATURE)
        for (first, second), kind in zip(pairs, firsts, strict=True):
            if (first.kind, second.kind) != (kind, SignatureKind.ML_DSA_44) or first.name != second.name:
                raise MessageError("A ledger's or witness's keys are not the two kinds it must have.")
        if self.log[0].name != self.origin:
            raise MessageError("A ledger's keys are not under its origin.")
        keys = [key for pair in pairs for key in pair]
        if len({key.name for key in keys}) != len(pairs) or len({key.public for key in keys}) != len(keys):
            raise MessageError("A ledger and its witnesses share a name or a key.")


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A verified checkpoint, the note it came in, and when who signed it (seconds since 1970).

    ``signed_at`` is the ledger's own moment, as of which it states that the checkpoint was its largest; ``witnessed``
    that of each custodian that cosigned.
    """

    checkpoint: Checkpoint
    note: Note
    witnessed: Mapping[Custodian, int]
    signed_at: int

    def require_both(self) -> int:
        """The later of both custodians' moments. Raises UnwitnessedError unless both cosigned."""
        return max(self._moments())

    def oldest(self) -> int:
        """The earlier of both custodians' moments. Raises UnwitnessedError unless both cosigned."""
        return min(self._moments())

    def _moments(self) -> tuple[int, ...]:
        if set(self.witnessed) != set(Custodian):
            raise UnwitnessedError("A checkpoint of the ledger is not cosigned by both custodians.")
        return tuple(self.witnessed.values())


def verify_checkpoint(data: bytes, keys: LedgerKeys) -> SignedCheckpoint:
    """The checkpoint of a signed note, once both of the ledger's signatures verify.

    A custodian is among ``witnessed`` when both its kinds of cosignature verify and are of one moment. Raises
    MessageError for a note or checkpoint out of form, SignatureError for another ledger's, and for a signature that is
    missing, doubled or wrong; one wrong signature by a known key rejects the note. Lines of unknown keys are ignored.
    """
    note = Note.from_bytes(data)
    checkpoint = Checkpoint.from_body(note.text)
    if checkpoint.origin != keys.origin:
        raise SignatureError("A checkpoint is of another ledger than the one expected.")
    signed = [_moment_signed(note, checkpoint, key) for key in keys.log]
    if signed[0] is None or signed[1] is None:
        raise SignatureError("A checkpoint lacks a signature by the ledger.")
    witnessed: dict[Custodian, int] = {}
    for custodian, (first, second) in keys.witnesses.items():
        moments = (_moment_signed(note, checkpoint, first), _moment_signed(note, checkpoint, second))
        # A time of 0 states nothing about when, or that the witness knows of no larger ledger.
        if moments[0] and moments[0] == moments[1]:
            witnessed[custodian] = moments[0]
    return SignedCheckpoint(checkpoint, note, witnessed, signed[1])


def _moment_signed(note: Note, checkpoint: Checkpoint, key: VerifierKey) -> int | None:
    """When ``key`` signed, 0 for a signature without a time, None when it did not."""
    found = [one.signature for one in note.signatures if one.is_by(key)]
    if not found:
        return None
    if len(found) > 1:
        raise SignatureError("A checkpoint bears two signatures by one key.")
    moment, signature = 0, found[0]
    if key.kind is not SignatureKind.ED25519:
        moment, signature = int.from_bytes(signature[:_MOMENT_BYTES], "big"), signature[_MOMENT_BYTES:]
    if moment > MAX_MOMENT:
        raise SignatureError("A checkpoint's signature is of a moment out of range.")
    public = MLDSA44PublicKey if key.kind is SignatureKind.ML_DSA_44 else Ed25519PublicKey
    try:
        public.from_public_bytes(key.public).verify(signature, _message(key, checkpoint, moment))
    except (InvalidSignature, ValueError):
        raise SignatureError("A checkpoint's signature by a known key does not verify.") from None
    return moment


def _message(key: VerifierKey, checkpoint: Checkpoint, moment: int) -> bytes:
    """What a signature of the key's kind covers (tlog-cosignature; signed-note for Ed25519 without a time)."""
    if not 0 <= moment <= MAX_MOMENT:
        raise MessageError("A checkpoint is to be signed as of a moment out of range.")
    body = checkpoint.body().encode()
    if key.kind is SignatureKind.ED25519:
        return body
    if key.kind is SignatureKind.COSIGNATURE:
        return b"cosignature/v1\ntime %d\n%b" % (moment, body)
    name, origin = key.name.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\0",
            uint(len(name), 1),
            name,
            uint(moment, _MOMENT_BYTES),
            uint(len(origin), 1),
            origin,
            uint(0, 8),
            uint(checkpoint.size, 8),
            checkpoint.root,
        )
    )


def _timed(key: VerifierKey, moment: int, signature: bytes) -> NoteSignature:
    return NoteSignature(key.name, key.key_id, uint(moment, _MOMENT_BYTES) + signature)


def _private_keys(
    seed: bytes, label: str, name: str, first: SignatureKind
) -> tuple[Ed25519PrivateKey, MLDSA44PrivateKey]:
    if len(seed) != SEED_BYTES:
        raise MessageError(f"A ledger's or witness's seed is not {SEED_BYTES} bytes long.")
    # The name is in it because Ed25519 cosignatures do not cover the cosigner's name: no key may serve two.
    ed25519, mldsa = (
        derive(seed, label, name.encode(), uint(kind, 1)) for kind in (first, SignatureKind.ML_DSA_44)
    )
    return Ed25519PrivateKey.from_private_bytes(ed25519), MLDSA44PrivateKey.from_seed_bytes(mldsa)


def _public_keys(
    name: str, first: SignatureKind, ed25519: Ed25519PrivateKey, mldsa: MLDSA44PrivateKey
) -> tuple[VerifierKey, VerifierKey]:
    return (
        VerifierKey(name, first, ed25519.public_key().public_bytes_raw()),
        VerifierKey(name, SignatureKind.ML_DSA_44, mldsa.public_key().public_bytes_raw()),
    )
