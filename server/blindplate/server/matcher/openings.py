"""What claims are checked against: for every slot of an answer alike, whether a read is in it, an erased one or none.

Guarantees that a claim's check reads the same bytes and does the same work in every slot, so that neither a refusal
nor how long it takes tells an occupied slot from an empty one: an owner who claims the slots of one vehicle's bin
would otherwise learn of reads that its list does not match. A slot without a read holds random bytes, which no secret
opens. What is here opens nothing. For match secrets it is what every record has in the clear; for retention tokens it
is made of the token. Protocol sections 5 and 8, guarantee G3.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from typing import Final

from blindplate.core.batches import OPENING_BYTES
from blindplate.core.charging import check_retention, commit_retention
from blindplate.core.errors import MatchProofError, MessageError
from blindplate.core.records.commitments import commit_match, match_proof
from blindplate.core.records.record import SealedRecord

_DIGEST_BYTES: Final = OPENING_BYTES // 2


def opening_of(record: SealedRecord) -> bytes:
    """The digest of a record's header and its commitment to its match secret (64 bytes)."""
    return record.header.digest() + record.c_s


def retention_opening(header_digest: bytes, token: bytes) -> bytes:
    """The digest of a record's header and the commitment to its retention token (64 bytes)."""
    return header_digest + commit_retention(header_digest, token)


def header_digest_of(opening: bytes) -> bytes:
    """The digest of a header (32 bytes) that an opening begins with."""
    return opening[:_DIGEST_BYTES]


def table(slots: int, held: Mapping[int, bytes]) -> bytes:
    """The openings of an answer of ``slots`` slots, one after the other: those ``held`` by slot, random elsewhere."""
    openings = bytearray(os.urandom(OPENING_BYTES * slots))
    for slot, opening in held.items():
        openings[OPENING_BYTES * slot : OPENING_BYTES * (slot + 1)] = opening
    return bytes(openings)


def check(openings: bytes, slot: int, match_secret: bytes) -> None:
    """Check that ``match_secret`` opens a ``slot`` of a ``table``.

    Raises MessageError for a slot that no answer of this size has, MatchProofError for a secret that opens nothing.
    """
    header_digest, commitment = _opening_in(openings, slot)
    if not hmac.compare_digest(
        commit_match(header_digest, match_proof(match_secret, header_digest)), commitment
    ):
        raise MatchProofError("A match secret is not the one of a record in that slot.")


def check_token(openings: bytes, slot: int, token: bytes) -> None:
    """Check that the retention ``token`` opens a ``slot`` of a ``table``. Raises as ``check`` does."""
    header_digest, commitment = _opening_in(openings, slot)
    check_retention(header_digest, token, commitment)


def _opening_in(openings: bytes, slot: int) -> tuple[bytes, bytes]:
    if OPENING_BYTES * slot >= len(openings):
        raise MessageError("An answer has no slot of that number.")
    start = OPENING_BYTES * slot
    opening = openings[start : start + OPENING_BYTES]
    return opening[:_DIGEST_BYTES], opening[_DIGEST_BYTES:]
