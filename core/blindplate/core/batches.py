"""What the ledger is told of an answered batch: a root over its slots, and a digest of the answer.

A leaf for every slot, in their order: what a claim in it is checked against, which is the digest of a record's header
and the record's commitment to its match secret, or as many random bytes where there is none. So neither root nor
number of leaves tells how many reads there were, and whoever holds a record can be shown that it was in the batch.
Protocol sections 5 and 7; docs/spec/matcher.md section 5.
"""

from __future__ import annotations

from typing import Final

from blindplate.core import merkle
from blindplate.core.encoding import digest, encode
from blindplate.core.errors import MessageError

OPENING_BYTES: Final = 64


def slot_leaves(openings: bytes) -> list[bytes]:
    """The leaves of a batch's tree from the openings of all its slots, 64 bytes each, one after the other.

    Raises MessageError when there is none, or the last is cut short.
    """
    if not openings or len(openings) % OPENING_BYTES:
        raise MessageError(f"A batch's openings are not {OPENING_BYTES} bytes for each slot.")
    return [
        encode("batch-slot", openings[start : start + OPENING_BYTES])
        for start in range(0, len(openings), OPENING_BYTES)
    ]


def batch_root(openings: bytes) -> bytes:
    """The Merkle root (32 bytes) over ``slot_leaves``. Raises MessageError as that does."""
    return merkle.root(slot_leaves(openings))


def answer_digest(body: bytes) -> bytes:
    """The digest (32 bytes) by which a batch's entry names its answer."""
    return digest("answer", body)
