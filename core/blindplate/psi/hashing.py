"""Labelled SHA-256 over many rows at once.

Guarantees the very bytes of ``core.encoding.digest(label, *context, row)`` for each row: the encoding's head is the
same for all rows of one width, so it is hashed once. Protocol section 5; docs/spec/encoding.md.
"""

from __future__ import annotations

from hashlib import sha256
from struct import Struct

import numpy as np
import numpy.typing as npt

from blindplate.core.encoding import DIGEST_BYTES, encode


def digests(label: str, context: tuple[bytes, ...], rows: bytes, width: int) -> npt.NDArray[np.uint8]:
    """Digest each ``width`` bytes of ``rows`` as the last field after ``context``: shape (number of rows, 32)."""
    begun = sha256(encode(label, *context, bytes(width))[:-width]).copy
    hashed: list[bytes] = []
    for (row,) in Struct(f"{width}s").iter_unpack(rows):
        one = begun()
        one.update(row)
        hashed.append(one.digest())
    return np.frombuffer(b"".join(hashed), np.uint8).reshape(-1, DIGEST_BYTES)
