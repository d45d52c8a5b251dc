"""Media: a still, a clip or a sound, sealed once under a key of its own, which payloads carry that may disclose it.

Guarantees that sealed media open only under that key, as the type they were sealed as, and that their length tells a
padded size alone. The matcher asks a camera for the media of a record by a reference that is derived from the record's
match secret: whoever does not hold that secret cannot tell which record it is of, nor that two are of one read; and the
token that gives the reference shows that who hands media in sealed the record. What a camera hands in is sealed once
more, for this record alone (a bundle): else the same bytes would join the records of one read. Says nothing of what the
media show. Protocol section 4; docs/spec/records.md section 8.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.encoding import DIGEST_BYTES, derive, digest, encode, uint
from blindplate.core.errors import CommitmentError, EnvelopeError, MessageError
from blindplate.core.records.streams import (
    CHUNK_BYTES,
    KEY_BYTES,
    open_stream,
    seal_stream,
    sealed_length,
)
from blindplate.v1 import records_pb2

# Padded, with its length in front, 64 MiB.
MAX_MEDIA_BYTES: Final = (64 << 20) - 8
# The media of one record: a payload has room for them beside a plate patch.
MAX_MEDIA: Final = 8
REFERENCE_BYTES: Final = 16
TOKEN_BYTES: Final = 32
_LENGTH_BYTES: Final = 8
_TYPE_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class SealedMedia:
    """What a payload says of one medium: its type, how to open it, and which sealed bytes it is.

    ``sealed_bytes`` is the length of what was sealed, ``digest`` (32 bytes) its ``MediaDigest``. Raises MessageError.
    """

    media_type: str
    digest: bytes
    sealed_bytes: int
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES or len(self.digest) != DIGEST_BYTES:
            raise MessageError("A medium's key or digest is of the wrong length.")
        if not 1 <= len(self.media_type) <= _TYPE_CHARACTERS:
            raise MessageError("A medium has no type, or a long one.")
        if self.sealed_bytes not in _SEALED_SIZES:
            raise MessageError("A medium's sealed length is not one of the padded lengths.")

    def to_proto(self) -> records_pb2.SealedMedia:
        """As it stands in a payload."""
        return records_pb2.SealedMedia(
            media_type=self.media_type, digest=self.digest, sealed_bytes=self.sealed_bytes, key=self.key
        )

    @classmethod
    def from_proto(cls, message: records_pb2.SealedMedia) -> SealedMedia:
        """Read from a payload. Raises MessageError."""
        return cls(message.media_type, message.digest, message.sealed_bytes, message.key)


class MediaDigest:
    """The digest of sealed bytes that come in pieces, however they are cut."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._chunks: list[bytes] = []

    def update(self, piece: bytes) -> None:
        """Add ``piece``."""
        self._held += piece
        while len(self._held) >= CHUNK_BYTES:
            self._chunks.append(digest("media-chunk", bytes(self._held[:CHUNK_BYTES])))
            del self._held[:CHUNK_BYTES]

    def digest(self) -> bytes:
        """Of everything so far: 32 bytes."""
        return digest("media", *self._chunks, digest("media-chunk", bytes(self._held)))


def padded_size(length: int) -> int:
    """What ``length`` bytes of content are padded to: whole chunks, their number one of few.

    At most an eighth more: Padmé (Nikitin et al. 2019, section 4) on the number of chunks. Raises MessageError above
    64 MiB.
    """
    if not 0 <= length <= MAX_MEDIA_BYTES:
        raise MessageError("A medium is longer than 64 MiB.", "Send a shorter clip.")
    chunks = -(-(_LENGTH_BYTES + length) // CHUNK_BYTES)
    exponent = chunks.bit_length() - 1
    step = 1 << max(0, exponent - exponent.bit_length())
    return CHUNK_BYTES * (-(-chunks // step) * step)


def seal_media(key: bytes, media_type: str, content: bytes) -> Iterator[bytes]:
    """The sealed chunks of ``content`` under a ``key`` (32 bytes) that is for nothing else. Raises MessageError."""
    size = padded_size(len(content))
    framed = (uint(len(content), _LENGTH_BYTES), content, bytes(size - _LENGTH_BYTES - len(content)))
    return seal_stream(key, encode("media", media_type.encode()), framed, size)


def open_media(media: SealedMedia, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content of sealed ``pieces``, however they are cut. Nothing that comes out is to be used before the end.

    Raises CommitmentError when they are not the bytes the payload names, EnvelopeError when they do not open.
    """
    hashed = MediaDigest()

    def counted() -> Iterator[bytes]:
        for piece in pieces:
            hashed.update(piece)
            yield piece

    context = encode("media", media.media_type.encode())
    opened = open_stream(media.key, context, counted(), _SEALED_SIZES[media.sealed_bytes])
    try:
        yield from _unpadded(opened)
    except EnvelopeError:
        if not hmac.compare_digest(hashed.digest(), media.digest):
            raise _not_named() from None
        raise
    if not hmac.compare_digest(hashed.digest(), media.digest):
        raise _not_named()


def media_token(match_secret: bytes, header_digest: bytes) -> bytes:
    """What shows that who hands media in sealed the record, or that who asks for them has claimed it: 32 bytes."""
    return derive(match_secret, "media-token", header_digest)


def media_reference(token: bytes) -> bytes:
    """By what the media of a record are asked for, from its token: 16 bytes."""
    return digest("media-reference", token)[:REFERENCE_BYTES]


def bundle_length(media: Iterable[SealedMedia]) -> int:
    """How many bytes the bundle of a record's media takes."""
    return sealed_length(sum(one.sealed_bytes for one in media))


def seal_bundle(key: bytes, sealed: Iterable[bytes], length: int) -> Iterator[bytes]:
    """A record's sealed media, one after the other in ``length`` bytes, sealed for this record under its own ``key``."""
    return seal_stream(key, encode("media-bundle"), sealed, length)


def open_bundle(key: bytes, pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    """The sealed media in a bundle, one after the other. Raises EnvelopeError, as ``open_stream`` does."""
    return open_stream(key, encode("media-bundle"), pieces, length)


def _unpadded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whatever follows the content was authenticated: it needs to be nothing but of the right length."""
    head, left = bytearray(), -1
    for piece in pieces:
        rest = piece
        if left < 0:
            # The first chunk is whole: it holds the length.
            head += piece[:_LENGTH_BYTES]
            left, rest = int.from_bytes(head, "big"), piece[_LENGTH_BYTES:]
        yield rest[:left]
        left -= min(left, len(rest))
    if left:
        raise EnvelopeError("A medium is longer than what was sealed of it.")


def _not_named() -> CommitmentError:
    return CommitmentError(
        "Media are not the ones their record commits to.",
        "Keep what came, and tell the operator: the camera or the matcher exchanged it.",
    )


# By sealed length, the padded size it has.
_SEALED_SIZES: Final = {
    sealed_length(size): size
    for size in {padded_size(length) for length in range(0, MAX_MEDIA_BYTES + 1, CHUNK_BYTES)}
}
