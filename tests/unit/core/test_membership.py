"""Membership: only an entry of the committed list whose pseudonym the record was sealed for passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core import merkle
from blindplate.core.domains import HOURLY, Domain
from blindplate.core.errors import MembershipError, MessageError
from blindplate.core.membership import (
    Member,
    candidates_digest,
    details_digest,
    leaf,
    ranked_digest,
    require_member,
)
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.commitments import commit_pseudonym
from blindplate.core.records.header import Header
from blindplate.core.statements.priorities import Priority
from blindplate.v1 import release_pb2 as v1

CAPTURED = 1_800_000_000
EPOCH = HOURLY.at(CAPTURED)
RECORD_ID = b"i" * 16
N_Y = b"n" * 16
LISTED = [bytes([number]) * 64 for number in range(9)]
DETAILS = details_digest("Stolen vehicle.", "officer-7", "2027-06-30")
LEAVES = sorted(leaf(f, DETAILS, f[:16]) for f in LISTED)
ROOT = merkle.root(LEAVES)


def header_of(f: bytes) -> Header:
    """The header of a record that was sealed for the plate of this output."""
    return Header(
        record_id=RECORD_ID,
        camera_ref=b"",
        domain=Domain("police", "inner", 1),
        epoch=EPOCH,
        capture_time_ms=CAPTURED * 1000,
        time_granularity_ms=1000,
        alternate=False,
        key_id_a=b"a" * 16,
        key_id_b=b"b" * 16,
        c_y=commit_pseudonym(RECORD_ID, pseudonym(f, EPOCH), N_Y),
    )


def candidate(f: bytes, **fields: Any) -> v1.Candidate:
    """The opened leaf of a listed plate."""
    index = LEAVES.index(leaf(f, DETAILS, f[:16]))
    opened = {
        "f": f,
        "details": DETAILS,
        "salt": f[:16],
        "leaf_index": index,
        "path": merkle.inclusion_path(LEAVES, index),
    }
    return v1.Candidate(**{**opened, **fields})


def of(candidates: Sequence[v1.Candidate]) -> v1.VersionCandidates:
    return v1.VersionCandidates(list_version=1, candidates=candidates)


@given(st.sampled_from(LISTED), st.permutations(LISTED))
def test_the_entry_is_found_among_all_those_of_its_bin(listed: bytes, bin_of_it: list[bytes]) -> None:
    candidates = of([candidate(f) for f in bin_of_it])
    assert require_member(header_of(listed), N_Y, candidates, ROOT, len(LEAVES)) == Member(
        listed, Priority.NONE
    )


def refused(candidates: v1.VersionCandidates, *, f: bytes = LISTED[3], **fields: Any) -> None:
    wanted: dict[str, Any] = {"n_y": N_Y, "root": ROOT, "leaves": len(LEAVES)} | fields
    with pytest.raises(MembershipError):
        require_member(header_of(f), wanted["n_y"], candidates, wanted["root"], wanted["leaves"])


def test_a_read_of_nobody_listed_is_refused_whatever_is_shown() -> None:
    refused(of([candidate(f) for f in LISTED]), f=b"x" * 64)
    refused(of([]))


def test_an_entry_that_is_not_in_the_committed_list_is_refused() -> None:
    # Its own pseudonym opens the record, and it borrows the proof of one that is listed.
    outside = b"x" * 64
    borrowed = candidate(LISTED[0])
    borrowed.f = outside
    refused(of([borrowed]), f=outside)


def test_a_listed_entry_that_the_record_was_not_sealed_for_is_refused() -> None:
    refused(of([candidate(LISTED[4])]), f=LISTED[3])


@pytest.mark.parametrize(
    "fields",
    [
        {"details": bytes(32)},
        {"salt": bytes(16)},
        {"leaf_index": 1 << 63},
        {"leaf_index": 0},
        {"path": []},
        {"path": [bytes(32)] * 4},
        {"path": [b""] * 4},
        {"path": [bytes(32)] * 100},
    ],
    ids=[
        "details",
        "salt",
        "no-such-leaf",
        "another-leaf",
        "no-path",
        "false-path",
        "empty-nodes",
        "long-path",
    ],
)
def test_an_entry_with_an_altered_opening_or_proof_is_refused(fields: dict[str, Any]) -> None:
    listed = LISTED[3]
    assert candidate(listed).leaf_index != 0
    refused(of([candidate(listed, **fields)]), f=listed)


@pytest.mark.parametrize("fields", [{"n_y": bytes(16)}, {"root": bytes(32)}, {"leaves": 5}, {"leaves": 0}])
def test_another_opening_root_or_size_is_refused(fields: dict[str, Any]) -> None:
    refused(of([candidate(LISTED[3])]), **fields)


def test_the_same_plate_listed_twice_passes_by_either_entry() -> None:
    listed = LISTED[3]
    first = candidate(listed, salt=bytes(16))
    found = require_member(header_of(listed), N_Y, of([first, candidate(listed)]), ROOT, len(LEAVES))
    assert found.f == listed


def test_an_entry_of_another_epoch_is_not_one_of_this() -> None:
    listed = LISTED[3]
    other = replace(header_of(listed), epoch=EPOCH.next(), capture_time_ms=(CAPTURED + 3600) * 1000)
    with pytest.raises(MembershipError):
        require_member(other, N_Y, of([candidate(listed)]), ROOT, len(LEAVES))


@pytest.mark.parametrize(
    "fields",
    [
        {"f": b"f" * 63},
        {"details": b""},
        {"salt": b"s" * 17},
        {"stated": b"s" * 31, "priority": "high"},
        {"stated": b"s" * 32},
        {"stated": b"s" * 32, "priority": "urgent"},
    ],
    ids=["f", "details", "salt", "stated", "stated-alone", "priority-unknown"],
)
def test_a_candidate_with_a_field_of_another_length_is_no_candidate(fields: dict[str, Any]) -> None:
    odd = candidate(LISTED[3])
    for name, value in fields.items():
        setattr(odd, name, value)
    with pytest.raises(MessageError):
        require_member(header_of(LISTED[3]), N_Y, of([odd]), ROOT, len(LEAVES))


RANKED = ranked_digest(DETAILS, Priority.MEDIUM)
RANKED_LEAF = leaf(LISTED[3], RANKED, b"s" * 16)


def ranked(**fields: Any) -> v1.VersionCandidates:
    """A list of one entry, of medium priority, opened."""
    opened = {"f": LISTED[3], "details": RANKED, "salt": b"s" * 16, "stated": DETAILS, "priority": "medium"}
    return of([v1.Candidate(**{**opened, **fields})])


def member_of(candidates: v1.VersionCandidates) -> Member:
    return require_member(header_of(LISTED[3]), N_Y, candidates, merkle.root([RANKED_LEAF]), 1)


def test_a_priority_is_that_of_the_committed_leaf() -> None:
    assert member_of(ranked()) == Member(LISTED[3], Priority.MEDIUM)


def test_a_priority_that_is_not_shown_counts_as_none() -> None:
    assert member_of(ranked(stated=b"", priority="")).priority is Priority.NONE


@pytest.mark.parametrize("claimed", [Priority.HIGH, Priority.LOW, Priority.NONE])
def test_a_priority_raised_after_the_commitment_is_refused(claimed: Priority) -> None:
    with pytest.raises(MembershipError, match="priority"):
        member_of(ranked(priority=claimed.value))


def test_a_priority_shown_with_other_details_is_refused() -> None:
    with pytest.raises(MembershipError, match="priority"):
        member_of(ranked(stated=details_digest("a", "b", "c")))


def test_an_entry_without_a_priority_is_not_made_to_have_one() -> None:
    candidates = of([candidate(LISTED[3], stated=DETAILS, priority="high")])
    refused(candidates)
    assert ranked_digest(DETAILS, Priority.NONE) == DETAILS
    assert len({ranked_digest(DETAILS, one) for one in Priority}) == len(Priority)


def test_details_and_leaves_tell_every_field_apart() -> None:
    told = {
        details_digest("a", "b", "c"),
        details_digest("ab", "", "c"),
        details_digest("", "ab", "c"),
        details_digest("a", "b", ""),
    }
    assert len(told) == 4
    assert leaf(bytes(64), bytes(32), bytes(16)) != leaf(bytes(64), bytes(32), b"1" * 16)


def test_candidates_are_named_by_their_bytes() -> None:
    assert candidates_digest(b"") != candidates_digest(of([candidate(LISTED[0])]).SerializeToString())
