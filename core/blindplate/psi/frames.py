"""SEAL's own byte format, as far as it is spoken here: what SEAL saves is read, and what SEAL shall load is written.

Guarantees that only uncompressed frames are ever handed to SEAL, with every field set here: nothing a peer sends is
interpreted by SEAL's loader, only residues and seeds that were checked before. What SEAL saves itself is compressed
(Zstandard) and is opened here; that input is this process's own. Layout after SEAL 4: ``serialization.h``,
``ciphertext.cpp``, ``plaintext.h``, ``randomgen.h``; the self-test compares it with the SEAL that is installed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import zstandard

from blindplate.core.errors import ParameterError
from blindplate.psi.arithmetic import Integers
from blindplate.psi.parameters import SEED_BYTES

Level: TypeAlias = list[int]  # SEAL's parms_id, four 64-bit words
Format: TypeAlias = tuple[int, int]

_MAGIC: Final = 0xA15E
_FRAME: Final = struct.Struct(
    "<HBBBBHQ"
)  # magic, own size, version major and minor, compression, reserved, total size
_CIPHERTEXT: Final = struct.Struct(
    "<4Q?QQQdQ"
)  # level, NTT form, size, degree, primes, scale, correction factor
_PLAINTEXT: Final = struct.Struct("<4QQd")  # level (zero: not in NTT form), coefficients, scale
_COUNT: Final = struct.Struct("<Q")
_PLAIN, _ZSTANDARD = 0, 2
_BLAKE2XB: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class SavedCiphertext:
    """A ciphertext as SEAL saved it: residues (polynomials, primes, N); a seed stands for a second half not saved."""

    level: Level
    ntt: bool
    residues: Integers
    seed: bytes | None


def ciphertext_frame(level: Level, residues: Integers, version: Format, seed: bytes = b"") -> bytes:
    """A frame that SEAL loads as a ciphertext of two halves, in coefficient form.

    ``residues``: (polynomials, primes, N). With ``seed``, the first half alone is given and SEAL expands the second.
    """
    _, primes, degree = residues.shape
    head = _CIPHERTEXT.pack(*level, False, 2, degree, primes, 1.0, 1)
    tail = _frame(_BLAKE2XB + seed, version) if seed else b""
    return _frame(head + _words(residues, version) + tail, version)


def plaintext_frame(coefficients: Integers, version: Format) -> bytes:
    """A frame that SEAL loads as a plaintext of these coefficients (N,), each below the plain modulus."""
    head = _PLAINTEXT.pack(0, 0, 0, 0, len(coefficients), 1.0)
    return _frame(head + _words(coefficients, version), version)


def parse_ciphertext(frame: bytes, version: Format) -> SavedCiphertext:
    """Read what SEAL saved. Raises ParameterError where SEAL's format is not the one known here."""
    body = _opened(frame, version)
    try:
        *level, ntt, size, degree, primes, scale, factor = _CIPHERTEXT.unpack_from(body)
        inner = _CIPHERTEXT.size
        words = (_frame_length(body, inner, version) - _FRAME.size - _COUNT.size) // 8
        start = inner + _FRAME.size + _COUNT.size
        data = np.frombuffer(body, "<i8", words, start).reshape(-1, primes, degree)
        rest = body[start + 8 * words :]
        seed = _seed(rest, version) if rest else None
    except (struct.error, ValueError) as error:
        raise ParameterError("SEAL saved a ciphertext in a form not known here.") from error
    if (size, scale, factor) != (2, 1.0, 1) or len(data) != (1 if seed else 2):
        raise ParameterError("SEAL saved a ciphertext of another kind than was asked for.")
    return SavedCiphertext(level, bool(ntt), data, seed)


def _frame(body: bytes, version: Format) -> bytes:
    return _FRAME.pack(_MAGIC, _FRAME.size, *version, _PLAIN, 0, _FRAME.size + len(body)) + body


def _words(values: Integers, version: Format) -> bytes:
    return _frame(_COUNT.pack(values.size) + values.astype("<i8").tobytes(), version)


def _opened(frame: bytes, version: Format) -> bytes:
    magic, size, major, minor, compression, _, total = _FRAME.unpack_from(frame)
    if (magic, size, total) != (_MAGIC, _FRAME.size, len(frame)) or (major, minor) != version:
        raise ParameterError("SEAL saves in a format of another version than the parameter set names.")
    if compression == _ZSTANDARD:
        # One decompressor a call: two threads in one at a time take the process down.
        return zstandard.decompress(frame[_FRAME.size :])
    if compression == _PLAIN:
        return frame[_FRAME.size :]
    raise ParameterError("SEAL saves in a compressed form not known here.")


def _frame_length(body: bytes, start: int, version: Format) -> int:
    magic, size, major, minor, compression, _, total = _FRAME.unpack_from(body, start)
    if (magic, size, compression) != (_MAGIC, _FRAME.size, _PLAIN) or (major, minor) != version:
        raise ParameterError("SEAL saves the inside of a ciphertext in a form not known here.")
    return int(total)


def _seed(rest: bytes, version: Format) -> bytes:
    if _frame_length(rest, 0, version) != len(rest) or len(rest) != _FRAME.size + 1 + SEED_BYTES:
        raise ParameterError("SEAL saves seeds in a form not known here.")
    if rest[_FRAME.size : _FRAME.size + 1] != _BLAKE2XB:
        raise ParameterError("SEAL expands seeds by another generator than BLAKE2Xb.")
    return rest[-SEED_BYTES:]
