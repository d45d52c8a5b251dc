"""From a pseudonym to its bin and its element of the field.

Guarantees that owner and matcher place a pseudonym alike, that bin and element come from disjoint bits of one labelled
hash under the upload's salt, and that both are uniform but for a bias below 2**-50 (bin: 64 bits modulo at most 2**14
bins) and 2**-77 (element: 128 bits modulo t - 1, t at most 2**50). An element is never 0: a dummy or a read is never
a root of the constant zero. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from blindplate.core.encoding import digest
from blindplate.core.errors import MessageError
from blindplate.psi.arithmetic import Integers, multiply
from blindplate.psi.hashing import digests

PSEUDONYM_BYTES: Final = 32
SALT_BYTES: Final = 16


class Places(NamedTuple):
    """Where pseudonyms fall: for each, its bin and its element of 1 to t - 1."""

    bins: Integers
    elements: Integers


def salt_of(seed: bytes) -> bytes:
    """The salt of an upload, 16 bytes: taken from the seed of its encryption of zero, so that it is fresh and public."""
    return digest("match-salt", seed)[:SALT_BYTES]


def place(pseudonyms: Sequence[bytes], salt: bytes, bins: int, plain_modulus: int) -> Places:
    """Place pseudonyms of 32 bytes under ``salt``. Raises MessageError when one is of another length."""
    if not set(map(len, pseudonyms)) <= {PSEUDONYM_BYTES}:
        raise MessageError("A pseudonym is not 32 bytes long.")
    hashed = digests("match-place", (salt,), b"".join(pseudonyms), PSEUDONYM_BYTES)
    words = hashed.view(">u8").astype(np.uint64)
    nonzero = plain_modulus - 1
    high, low = ((words[:, column] % np.uint64(nonzero)).astype(np.int64) for column in (1, 2))
    shifted = multiply(high, np.full_like(high, (1 << 64) % nonzero), nonzero)
    return Places((words[:, 0] % np.uint64(bins)).astype(np.int64), (shifted + low) % nonzero + 1)
