"""What a record commits to, and the checks that something opens a commitment.

Guarantees, from the collision resistance of SHA-256, that a record has one pseudonym, one share of each custodian
and one match secret. Every comparison takes constant time and raises when it fails. Protocol section 4.
"""

from __future__ import annotations

import hmac

from blindplate.core.encoding import derive, digest
from blindplate.core.errors import CommitmentError, MatchProofError, ShareError
from blindplate.core.parties import Custodian
from blindplate.core.records.record import SealedRecord


def commit_pseudonym(record_id: bytes, y: bytes, n_y: bytes) -> bytes:
    """c_y, for a pseudonym of 32 bytes under 16 random bytes: hiding as well as binding."""
    return digest("commit-pseudonym", record_id, y, n_y)


def share_of(s_x: bytes, header_digest: bytes) -> bytes:
    """share_X (32 bytes): what a custodian gives out for this record and no other."""
    return derive(s_x, "share", header_digest)


def commit_share(custodian: Custodian, header_digest: bytes, share: bytes) -> bytes:
    """c_X."""
    return digest("commit-share", custodian.encode(), header_digest, share)


def match_proof(s: bytes, header_digest: bytes) -> bytes:
    """p (32 bytes): shows knowledge of the match secret without giving it away."""
    return derive(s, "match-proof", header_digest)


def commit_match(header_digest: bytes, p: bytes) -> bytes:
    """c_s."""
    return digest("commit-match", header_digest, p)


def camera_ref(salt: bytes, camera_id: str) -> bytes:
    """A camera's name under a salt (32 bytes) that only the payload holds."""
    return digest("camera-ref", salt, camera_id.encode())


def check_share(record: SealedRecord, custodian: Custodian, share: bytes) -> None:
    """Check that ``share`` is this custodian's for this record. Raises ShareError, which names the custodian."""
    expected = commit_share(custodian, record.header.digest(), share)
    if not hmac.compare_digest(expected, record.share_commitment(custodian)):
        raise ShareError(
            f"The share of custodian {custodian.name} is not the one this record commits to.",
            "Ask that custodian again; if it fails again, keep the share and tell both custodians.",
            custodian=custodian.value,
        )


def check_match(record: SealedRecord, s: bytes) -> None:
    """Check that ``s`` is the record's match secret. Raises MatchProofError."""
    check_match_proof(record, match_proof(s, record.header.digest()))


def check_match_proof(record: SealedRecord, p: bytes) -> None:
    """Check that ``p`` was made of the record's match secret. Raises MatchProofError."""
    if not hmac.compare_digest(commit_match(record.header.digest(), p), record.c_s):
        raise MatchProofError("A match secret or its proof is not the one this record commits to.")


def check_pseudonym(record: SealedRecord, y: bytes, n_y: bytes) -> None:
    """Check that the record was sealed for pseudonym ``y``. Raises CommitmentError."""
    if not hmac.compare_digest(commit_pseudonym(record.header.record_id, y, n_y), record.header.c_y):
        raise CommitmentError("A pseudonym is not the one this record commits to.")
