"""How old a checkpoint is: told by the older cosignature, and a finding when it is further off than allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.auditor.findings import Kind, Severity
from blindplate.client.auditor.freshness import age_of, stale
from blindplate.core.errors import UnwitnessedError
from blindplate.core.ledger.checkpoints import SignedCheckpoint, verify_checkpoint
from tests.unit.core.ledger.samples import KEYS, NOW, signed


def checkpoint(a: int | None, b: int | None) -> SignedCheckpoint:
    return verify_checkpoint(signed(a=a, b=b).to_bytes(), KEYS)


BOTH = checkpoint(NOW, NOW + 50)


@given(age=st.integers(-10_000, 10_000), allowed=st.integers(0, 10_000))
def test_it_is_found_exactly_when_it_is_further_off_than_allowed(age: int, allowed: int) -> None:
    found = stale(BOTH, NOW + age, allowed)
    assert bool(found) == (abs(age) > allowed)
    assert [(one.index, one.kind, one.severity) for one in found] == [
        (None, Kind.CHECKPOINT_STALE, Severity.VIOLATION)
    ] * len(found)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (0, "0 seconds ago"),
        (90, "1 minute 30 seconds ago"),
        (-90, "1 minute 30 seconds ahead of this machine's clock"),
    ],
)
def test_the_older_of_both_times_is_told(age: int, said: str) -> None:
    assert (
        age_of(BOTH, NOW + age) == f"witnessed by both custodians on 15 January 2027 at 08:00:00 UTC, {said}"
    )


def test_one_custodians_time_is_none() -> None:
    for one in (checkpoint(NOW, None), checkpoint(None, NOW)):
        with pytest.raises(UnwitnessedError):
            stale(one, NOW, 60)
