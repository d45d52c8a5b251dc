"""Counts in parts: the longest fits an entry, what is split is joined again, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import CountError, MessageError
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.erasures import DAY_COUNTED, DayCount, Erasures, Looked, Place
from blindplate.core.statements.evaluations import EvaluationCounts, GrantEvaluations, ZoneEvaluations
from blindplate.core.statements.matching import MatcherCounts, RecordCount
from blindplate.core.statements.parted import MAX_ROWS, PartedCounts

MOST, LONG = (1 << 40) - 1, "a" * 60
KEY = SigningKey.from_seed(bytes(32))


def matcher_counts(rows: int, *, count: int = MOST) -> MatcherCounts:
    names = ("received", "answered", "claimed", "erased_acknowledged", "erased_unclaimed", "erased_claimed")
    records = tuple(
        RecordCount(
            list_id=LONG + f"{number:03}",
            zone=LONG + f"{number:03}",
            open=count,
            **dict.fromkeys(names, count),
        )
        for number in range(rows)
    )
    return MatcherCounts(since=MOST, records=records, refused_claims=MOST, made_at=MOST)


def evaluation_counts(grants: int, zones: int) -> EvaluationCounts:
    return EvaluationCounts(
        custodian=Custodian.A,
        day="2026-09-24",
        grants=tuple(
            GrantEvaluations(grant_id=LONG + f"{number:03}", evaluated=MOST) for number in range(grants)
        ),
        zones=tuple(
            ZoneEvaluations(
                list_id=LONG + f"{number:03}", zone=LONG + f"{number:03}", evaluated=MOST, local_keys=MOST
            )
            for number in range(zones)
        ),
        subject_searches=MOST,
        made_at=MOST,
    )


def erasures(rows: int) -> Erasures:
    records = tuple(
        DayCount(
            list_id=LONG + f"{number:03}", zone=LONG + f"{number:03}", **dict.fromkeys(DAY_COUNTED, MOST)
        )
        for number in range(rows)
    )
    places = tuple(Looked(place=one, items=MOST, overdue=MOST, oldest_seconds=MOST) for one in Place)
    return Erasures(
        since=MOST, day="2026-09-24", records=records, places=places, checked_at=MOST, made_at=MOST
    )


@pytest.mark.parametrize(
    "counts",
    [matcher_counts(3 * MAX_ROWS), evaluation_counts(3 * MAX_ROWS, 3 * MAX_ROWS), erasures(3 * MAX_ROWS)],
)
def test_a_part_of_the_longest_rows_fits_an_entry(counts: PartedCounts) -> None:
    # More than an entry holds, as a whole.
    with pytest.raises(MessageError):
        entry_bytes(counts.statement(KEY))
    parts = counts.split()
    assert [part.part for part in parts] == [0, 1, 2]
    for part in parts:
        assert entry_bytes(part.statement(KEY))


@given(grants=st.integers(0, 450), zones=st.integers(0, 450))
def test_what_is_split_is_joined_again(grants: int, zones: int) -> None:
    counts = evaluation_counts(grants, zones)
    whole: EvaluationCounts | None = None
    for part in counts.split():
        assert whole is None or not whole.whole
        whole = part.joined_to(whole)
    assert whole is not None
    assert whole.whole
    assert (whole.grants, whole.zones) == (counts.grants, counts.zones)


def test_what_fits_is_one_part_and_says_what_it_said() -> None:
    assert matcher_counts(0).split() == (matcher_counts(0),)
    assert matcher_counts(MAX_ROWS).split() == (matcher_counts(MAX_ROWS),)


def test_parts_that_do_not_follow_one_another_are_not_joined() -> None:
    first, second, third = matcher_counts(250).split()
    other = second.model_copy(update={"refused_claims": 1})
    for before, after in ((None, second), (first, third), (first, other), (first, first), (third, second)):
        with pytest.raises(CountError):
            after.joined_to(before)
    # The next counts may begin once the last are whole, and not before.
    assert first.joined_to(third) == first


def test_a_part_beyond_the_last_is_no_statement() -> None:
    with pytest.raises(MessageError):
        MatcherCounts.parsed(b'{"since":1,"records":[],"refused_claims":0,"made_at":1,"part":1,"parts":1}')
