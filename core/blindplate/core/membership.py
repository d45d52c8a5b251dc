"""Membership: that a record's pseudonym is an entry of a list version its owner had committed to.

Guarantees, from the collision resistance of SHA-256 and the commitment c_y, that what ``require_member`` returns is
the F_D of an entry of the committed list whose pseudonym the record was sealed for. Which version was in force at the
capture is for ``ledger.state`` to say. Protocol section 6, guarantee G4; docs/spec/release.md section 6.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.encoding import DIGEST_BYTES, digest
from blindplate.core.errors import MembershipError, MessageError, ProofError
from blindplate.core.merkle import verify_inclusion
from blindplate.core.pseudonyms import OUTPUT_BYTES, pseudonym
from blindplate.core.records.commitments import commit_pseudonym
from blindplate.core.records.header import Header
from blindplate.core.statements.priorities import Priority
from blindplate.v1 import release_pb2 as v1

SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Member:
    """The entry a record is of: F_D of its plate (64 bytes), and the priority that its leaf was shown to have.

    ``priority`` is none where the entry has none, and where its owner did not show it.
    """

    f: bytes = field(repr=False)
    priority: Priority


def details_digest(reason: str, officer: str, weed_date: str) -> bytes:
    """What stands in a leaf for why and until when (``YYYY-MM-DD`` or empty) a vehicle is listed, and who listed it.

    32 bytes; the texts can be shown later.
    """
    return digest("list-details", reason.encode(), officer.encode(), weed_date.encode())


def ranked_digest(stated: bytes, priority: Priority) -> bytes:
    """What stands in a leaf for ``details_digest`` where the entry has a priority: both, and each can be shown alone.

    32 bytes; an entry without a priority has ``stated`` itself there.
    """
    return stated if priority is Priority.NONE else digest("list-priority", stated, priority.encode())


def leaf(f: bytes, details: bytes, salt: bytes) -> bytes:
    """The leaf (32 bytes) of one entry in one domain: F_D of its plate (64 bytes), ``ranked_digest``, 16 random bytes."""
    return digest("list-entry", f, details, salt)


def candidates_digest(candidates: bytes) -> bytes:
    """The digest (32 bytes) by which a release request names the serialized ``v1.Candidates`` that come with it."""
    return digest("candidates", candidates)


def require_member(
    header: Header, n_y: bytes, candidates: v1.VersionCandidates, root: bytes, leaves: int
) -> Member:
    """The candidate that the record was sealed for and that stands in the committed tree.

    ``n_y`` opens the record's c_y; ``root`` and ``leaves`` are the list version's. Raises MessageError for a candidate
    with a field of the wrong length or no known priority, MembershipError when none fits, or when one is said to have
    another priority than was committed to.
    """
    for candidate in candidates.candidates:
        _require_lengths(candidate)
        if not _is_of(header, n_y, candidate.f):
            continue
        committed = leaf(candidate.f, candidate.details, candidate.salt)
        try:
            verify_inclusion(committed, candidate.leaf_index, leaves, candidate.path, root)
        except ProofError:
            # The same plate may be listed twice: another candidate can still show it.
            continue
        return Member(candidate.f, _shown_priority(candidate))
    raise MembershipError(
        "The record's pseudonym is not an entry of the list version that was in force at its capture.",
        "Do not retry: the matcher, or whoever forges its answers, claims a hit that is none. Tell both custodians.",
    )


def _is_of(header: Header, n_y: bytes, f: bytes) -> bool:
    commitment = commit_pseudonym(header.record_id, pseudonym(f, header.epoch), n_y)
    return hmac.compare_digest(commitment, header.c_y)


def _shown_priority(candidate: v1.Candidate) -> Priority:
    if not candidate.priority:
        return Priority.NONE
    try:
        priority = Priority(candidate.priority)
    except ValueError:
        raise MessageError("A candidate list entry has no priority that is known.") from None
    if not hmac.compare_digest(ranked_digest(candidate.stated, priority), candidate.details):
        raise MembershipError(
            "A list entry was not committed to with the priority that is claimed for it.",
            "Do not retry: its owner claims what it had not committed to before the capture.",
        )
    return priority


def _require_lengths(candidate: v1.Candidate) -> None:
    if (
        len(candidate.f) != OUTPUT_BYTES
        or len(candidate.details) != DIGEST_BYTES
        or len(candidate.salt) != SALT_BYTES
        or len(candidate.stated) != (DIGEST_BYTES if candidate.priority else 0)
    ):
        raise MessageError("A candidate list entry has a field of the wrong length.")
