"""Ed25519 signatures (RFC 8032), and signed statements in the form of DSSE v1.

A statement is a typed payload with signatures over the pre-authentication encoding of exactly its bytes, so that
nothing is parsed before it is verified and no statement of one type passes for another. Guarantees that a payload
returned by ``verify_statement`` was signed by every key asked for. Does not know whose a key is or whether it is
still in force. Source: https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from blindplate.core.encoding import digest
from blindplate.core.errors import MessageError, SignatureError
from blindplate.core.parties import KEY_ID_BYTES, key_id
from blindplate.v1 import types_pb2 as v1

SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
MAX_SIGNATURES: Final = 16
# The longest is a register of ten thousand cameras; each kind of statement bounds its own (``statements.model``).
MAX_PAYLOAD_BYTES: Final = 4 << 20
_MAX_TYPE_BYTES: Final = 255
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key, kept as its 32-byte seed."""

    seed: bytes = field(repr=False)
    public: bytes
    key_id: bytes
    _key: Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> SigningKey:
        """A fresh key from the operating system's generator."""
        return cls.from_seed(secrets.token_bytes(SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed. Raises MessageError for another length."""
        if len(seed) != SEED_BYTES:
            raise MessageError(f"An Ed25519 seed is not {SEED_BYTES} bytes long.")
        key = Ed25519PrivateKey.from_private_bytes(seed)
        public = key.public_key().public_bytes_raw()
        return cls(seed, public, key_id(public), key)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check one signature by the 32-byte key ``public``. Raises SignatureError."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureError("A signature does not verify under the key it must be by.") from None


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a statement and the identifier (16 bytes) of the key it claims to be by."""

    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if len(self.key_id) != KEY_ID_BYTES or len(self.signature) != SIGNATURE_BYTES:
            raise MessageError("A signature or its key identifier is of the wrong length.")


@dataclass(frozen=True, slots=True)
class Statement:
    """A typed payload of at most 4 MiB and its signatures, at most 16 and one a key. Raises MessageError otherwise."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.payload_type.encode(errors="replace")) <= _MAX_TYPE_BYTES:
            raise MessageError("A statement has no payload type, or one that is too long.")
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise MessageError(f"A statement's payload is longer than {MAX_PAYLOAD_BYTES} bytes.")
        if len(self.signatures) > MAX_SIGNATURES:
            raise MessageError(f"A statement bears more than {MAX_SIGNATURES} signatures.")
        if len({signature.key_id for signature in self.signatures}) != len(self.signatures):
            raise MessageError("A statement bears two signatures by one key.")

    @property
    def statement_id(self) -> bytes:
        """32 bytes that name the type and payload, whoever signed them."""
        return digest("statement", self.payload_type.encode(), self.payload)

    def signed_by(self, key: SigningKey) -> Statement:
        """The same statement with the signature of ``key`` added, or put in place of an earlier one by it."""
        mine = Signature(key.key_id, key.sign(pre_authentication_encoding(self.payload_type, self.payload)))
        others = tuple(signature for signature in self.signatures if signature.key_id != key.key_id)
        return replace(self, signatures=(*others, mine))

    def to_json(self) -> str:
        """The DSSE envelope as JSON."""
        envelope = {
            "payloadType": self.payload_type,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [
                {"keyid": one.key_id.hex(), "sig": base64.b64encode(one.signature).decode()}
                for one in self.signatures
            ],
        }
        return json.dumps(envelope, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Statement:
        """Read a DSSE envelope; unrecognized fields are ignored as its specification demands. Raises MessageError."""
        try:
            envelope = json.loads(text)
        except (ValueError, RecursionError):
            raise MessageError("A statement is not JSON.") from None
        listed = cast("list[object]", _field(envelope, "signatures", list))
        return cls(
            payload_type=_field(envelope, "payloadType", str),
            payload=_from_base64(_field(envelope, "payload", str)),
            signatures=tuple(
                Signature(_from_hex(_field(one, "keyid", str)), _from_base64(_field(one, "sig", str)))
                for one in listed
            ),
        )

    def to_proto(self) -> v1.SignedStatement:
        """The wire form."""
        return v1.SignedStatement(
            payload_type=self.payload_type,
            payload=self.payload,
            signatures=[v1.Signature(key_id=one.key_id, signature=one.signature) for one in self.signatures],
        )

    @classmethod
    def from_proto(cls, message: v1.SignedStatement) -> Statement:
        """Read the wire form. Raises MessageError."""
        return cls(
            message.payload_type,
            message.payload,
            tuple(Signature(one.key_id, one.signature) for one in message.signatures),
        )


def verify_statement(statement: Statement, payload_type: str, required: Sequence[bytes]) -> bytes:
    """The payload, once the type is the expected one and every key of ``required`` (32 bytes each) has signed it.

    Raises SignatureError otherwise; also when ``required`` is empty or names a key twice, since then fewer parties
    than meant would suffice. Signatures by other keys are neither asked for nor looked at.
    """
    if not required or len(set(required)) != len(required):
        raise SignatureError(
            "The keys that must have signed a statement are not distinct, or none are named.",
            "Name each party's own key in the settings.",
        )
    if statement.payload_type != payload_type:
        raise SignatureError("A statement is of another type than the one expected here.")
    message = pre_authentication_encoding(statement.payload_type, statement.payload)
    by_key = {signature.key_id: signature.signature for signature in statement.signatures}
    for public in required:
        signature = by_key.get(key_id(public))
        if signature is None:
            raise SignatureError("A statement lacks the signature of a key that must have signed it.")
        verify(public, message, signature)
    return statement.payload


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """PAE of DSSE v1: the bytes a signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _field(envelope: object, name: str, kind: type[T]) -> T:
    value: object = cast("dict[str, object]", envelope).get(name) if isinstance(envelope, dict) else None
    if not isinstance(value, kind):
        raise MessageError(f"A statement's field {name} is missing or of the wrong kind.")
    return value


def _from_base64(text: str) -> bytes:
    # DSSE lets a producer use the standard or the URL-safe alphabet.
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise MessageError("A statement holds a field that is not base64.") from None


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MessageError("A statement's key identifier is not hexadecimal.") from None
