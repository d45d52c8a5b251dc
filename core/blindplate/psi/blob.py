"""One uploaded ciphertext as bytes: the packed first half, then the 64-byte seed of the second.

The form has no header and therefore nothing to lie about: size 2, first level, coefficient form and the generator of
the second half are fixed by the parameter set, compression does not exist, and a foreign ciphertext (of size 3, of
another level, with a second half of its owner's choosing) is a blob of the wrong length. Guarantees that what passes
``parse`` is of exactly that form. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

from typing import NamedTuple

from blindplate.core.errors import MessageError, UploadError
from blindplate.psi.arithmetic import Integers
from blindplate.psi.packing import pack, unpack
from blindplate.psi.parameters import SEED_BYTES, ParameterSet


class Blob(NamedTuple):
    """A first half in coefficient form, residues (primes, N), and the seed that the second half is expanded from."""

    first_half: Integers
    seed: bytes


def serialise(blob: Blob, parameters: ParameterSet) -> bytes:
    """The blob's bytes, ``parameters.blob_bytes`` of them."""
    return pack(blob.first_half, parameters.data_primes) + blob.seed


def parse(body: bytes, parameters: ParameterSet) -> Blob:
    """Read a blob. Raises UploadError unless its length is exact and every residue is reduced."""
    if len(body) != parameters.blob_bytes:
        raise UploadError("An uploaded ciphertext is not of the exact size of its parameter set.")
    try:
        return Blob(unpack(body[:-SEED_BYTES], parameters.data_primes), body[-SEED_BYTES:])
    except MessageError as error:
        raise UploadError("An uploaded ciphertext holds residues that are not reduced.") from error
