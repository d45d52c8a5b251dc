"""Long content in authenticated chunks: STREAM (Hoang, Reyhanitabar, Rogaway and Vizár 2015) over AES-256-GCM.

Guarantees that what opens is what was sealed under the same key and context, whole and in its order: a chunk's nonce is
its number and whether it is the last, and the length of the whole is bound to every chunk. So a stream that was cut,
lengthened, reordered or exchanged in part does not open. A key is for one stream alone: no two chunks then share a
nonce. Whoever opens must not use what has come out before the last chunk has. Does not hide lengths. Specified in
docs/spec/records.md section 8.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from blindplate.core.encoding import encode, uint
from blindplate.core.errors import EnvelopeError, MessageError

KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 1 << 16
_TAG_BYTES: Final = 16
_COUNTER_BYTES: Final = 11
_LENGTH_BYTES: Final = 8


def generate_key() -> bytes:
    """A fresh key, for one stream."""
    return secrets.token_bytes(KEY_BYTES)


def sealed_length(length: int) -> int:
    """How many bytes the stream of ``length`` bytes takes when it is sealed."""
    return length + _TAG_BYTES * _chunks(length)


def seal_stream(key: bytes, context: bytes, pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    """The sealed chunks of ``pieces``, which are ``length`` bytes together, however they are cut.

    Raises MessageError when they are more or fewer.
    """
    cipher, data = AESGCM(_checked(key)), _associated_data(context, length)
    last = _chunks(length) - 1
    number = -1
    for number, chunk in enumerate(_cut(pieces, CHUNK_BYTES)):
        if number > last or len(chunk) != min(CHUNK_BYTES, length - CHUNK_BYTES * number):
            raise _not_as_long()
        yield cipher.encrypt(_nonce(number, last), chunk, data)
    if number != last:
        raise _not_as_long()


def open_stream(key: bytes, context: bytes, pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    """What was sealed: ``length`` bytes, of sealed ``pieces``, however they are cut.

    Raises EnvelopeError for anything that is not exactly what was sealed under this key, context and length. What came
    out before is then not to be used.
    """
    cipher, data = AESGCM(_checked(key)), _associated_data(context, length)
    last = _chunks(length) - 1
    number = -1
    for number, chunk in enumerate(_cut(pieces, CHUNK_BYTES + _TAG_BYTES)):
        if number > last:
            raise EnvelopeError("A sealed stream goes on beyond its end.")
        try:
            yield cipher.decrypt(_nonce(number, last), chunk, data)
        except (InvalidTag, ValueError):
            raise EnvelopeError("A sealed stream was altered, or is another's.") from None
    if number != last:
        raise EnvelopeError("A sealed stream ends before its end.")


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise MessageError(f"A stream's key is not {KEY_BYTES} bytes long.")
    return key


def _not_as_long() -> MessageError:
    return MessageError("A stream to seal is not of the length it was said to be.")


def _chunks(length: int) -> int:
    """An empty stream has one chunk, of nothing: that it is empty is authenticated, too."""
    return max(1, -(-length // CHUNK_BYTES))


def _nonce(number: int, last: int) -> bytes:
    return uint(number, _COUNTER_BYTES) + uint(number == last, 1)


def _associated_data(context: bytes, length: int) -> bytes:
    return encode("stream", context, uint(length, _LENGTH_BYTES))


def _cut(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in chunks of ``size``, the last one shorter; at least one, be it empty."""
    held = bytearray()
    given = False
    for piece in pieces:
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
            given = True
    if held or not given:
        yield bytes(held)
