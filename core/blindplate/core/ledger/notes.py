"""Signed notes and verifier keys, as C2SP signed-note defines them.

Guarantees that what parses is of the one form this module writes, so that equal notes are equal bytes. Stricter than
its source where that leaves room: names are printable and at most 255 bytes of UTF-8 (one byte counts them in what
is signed), base64 is canonical, a note has at most 16 signatures. Verifies no signature: what one covers is for
``checkpoints`` to say. Protocol section 7; docs/spec/ledger.md section 1. Source: https://c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import sha256
from typing import Final

from blindplate.core.errors import MessageError

KEY_ID_BYTES: Final = 4
MAX_NAME_BYTES: Final = 255
MAX_SIGNATURES: Final = 16
# Room for that many of the longest signatures in use, nearly 5 kB each.
MAX_NOTE_BYTES: Final = 1 << 17
_DASH: Final = "\u2014"
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}")


class SignatureKind(IntEnum):
    """The signature types in use, by the byte that C2SP assigned to each."""

    ED25519 = 0x01  # over the note's text
    COSIGNATURE = 0x04  # Ed25519 with a time
    ML_DSA_44 = 0x06  # with a time


_PUBLIC_BYTES: Final = {
    SignatureKind.ED25519: 32,
    SignatureKind.COSIGNATURE: 32,
    SignatureKind.ML_DSA_44: 1312,
}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Who signs how by which key: ``public`` is 32 bytes for Ed25519, 1312 for ML-DSA-44. Raises MessageError."""

    name: str
    kind: SignatureKind
    public: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.public) != _PUBLIC_BYTES[self.kind]:
            raise MessageError("A verifier key is not of the length of its kind.")

    @property
    def key_id(self) -> bytes:
        """4 bytes that say, together with the name, which key is meant; they prove nothing."""
        return sha256(self.name.encode() + b"\n" + self._typed()).digest()[:KEY_ID_BYTES]

    def to_text(self) -> str:
        """The key as a "vkey": name, identifier and key material, joined by plus signs."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(self._typed())}"

    @classmethod
    def from_text(cls, text: str) -> VerifierKey:
        """Read a vkey. Raises MessageError, also for a kind not in use and an identifier that is not the key's."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise MessageError("A verifier key is not a name, an identifier and a key.")
        name, claimed, material = parts
        typed = from_base64(material)
        if not typed or typed[0] not in set(SignatureKind):
            raise MessageError("A verifier key is of a kind that is not in use.")
        key = cls(name, SignatureKind(typed[0]), typed[1:])
        if not _KEY_ID.fullmatch(claimed) or claimed != key.key_id.hex():
            raise MessageError("A verifier key does not have the identifier it states.")
        return key

    def _typed(self) -> bytes:
        return bytes((self.kind,)) + self.public


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature of a note: its key's name and identifier (4 bytes), and what the key's kind makes of the rest."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise MessageError("A note's signature or key identifier is of the wrong length.")

    def to_line(self) -> str:
        """The signature line, with its newline."""
        return f"{_DASH} {self.name} {to_base64(self.key_id + self.signature)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Whether it claims to be by ``key``."""
        return self.name == key.name and self.key_id == key.key_id


def parse_signature_lines(data: bytes) -> tuple[NoteSignature, ...]:
    """The signatures of 1 to 16 signature lines, each with its newline. Raises MessageError."""
    return _signatures(_to_text(data))


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and its 1 to 16 signatures in order. Raises MessageError otherwise."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        _to_text(self.text.encode(errors="surrogatepass"))
        if not self.text.endswith("\n"):
            raise MessageError("A note's text does not end with a newline.")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise MessageError(f"A note does not bear 1 to {MAX_SIGNATURES} signatures.")

    def to_bytes(self) -> bytes:
        """The signed note."""
        return "".join((self.text, "\n", *(signature.to_line() for signature in self.signatures))).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Note:
        """Read a signed note. Raises MessageError. Text and signatures part at the last empty line."""
        text, separator, lines = _to_text(data).rpartition("\n\n")
        if not separator:
            raise MessageError("A note has no empty line between its text and its signatures.")
        return cls(text + "\n", _signatures(lines))

    def with_signatures(self, more: Iterable[NoteSignature]) -> Note:
        """The same text with ``more`` added, each in place of an earlier one by the same key."""
        by_key = {(one.name, one.key_id): one for one in (*self.signatures, *more)}
        return replace(self, signatures=tuple(by_key.values()))


def to_base64(data: bytes) -> str:
    """RFC 4648 section 4, with padding."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """What ``to_base64`` makes this text of. Raises MessageError for every other spelling of the same bytes too."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MessageError("A note holds something that is not base64.") from None
    if to_base64(data) != text:
        raise MessageError("A note holds base64 that is not canonical.")
    return data


def _signatures(text: str) -> tuple[NoteSignature, ...]:
    *lines, rest = text.split("\n")
    if rest:
        raise MessageError("Signature lines do not end with a newline.")
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise MessageError(f"A note does not bear 1 to {MAX_SIGNATURES} signatures.")
    return tuple(_signature(line) for line in lines)


def _signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise MessageError("A signature line is not a dash, a name and a signature.")
    raw = from_base64(parts[2])
    return NoteSignature(parts[1], raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _to_text(data: bytes) -> str:
    if len(data) > MAX_NOTE_BYTES:
        raise MessageError(f"A note is longer than {MAX_NOTE_BYTES} bytes.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise MessageError("A note is not UTF-8.") from None
    if any(character < " " and character != "\n" for character in text):
        raise MessageError("A note holds a control character.")
    return text


def _require_name(name: str) -> None:
    # Of all spaces, Unicode's included, only the ASCII one is printable.
    if (
        not name
        or not name.isprintable()
        or " " in name
        or "+" in name
        or len(name.encode()) > MAX_NAME_BYTES
    ):
        raise MessageError(
            f"A key name is not 1 to {MAX_NAME_BYTES} bytes of printable characters without spaces and plus signs."
        )
