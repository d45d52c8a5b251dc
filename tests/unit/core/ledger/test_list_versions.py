"""Which list version was in force at a capture: none that was witnessed in the capture's own second or later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import MembershipError
from blindplate.core.ledger.versions import CommittedVersion, version_in_force
from tests.unit.core.ledger.entering import VERSION, changed


def committed(*witnessed: int) -> list[CommittedVersion]:
    return [
        CommittedVersion(index, moment, changed(VERSION, list_version=index + 1))
        for index, moment in enumerate(witnessed)
    ]


@pytest.mark.parametrize("captured_ms", [99_000, 100_000, 100_999])
def test_what_is_witnessed_in_the_captures_own_second_or_later_does_not_count(captured_ms: int) -> None:
    with pytest.raises(MembershipError):
        version_in_force(committed(100), captured_ms)


def test_a_version_is_in_force_until_the_next_one_is() -> None:
    versions = committed(100, 200)
    found = [version_in_force(versions, at).index for at in (101_000, 200_999, 201_000)]
    assert found == [0, 0, 1]


def test_without_versions_none_is_in_force() -> None:
    with pytest.raises(MembershipError):
        version_in_force([], 1 << 40)


@given(st.lists(st.integers(0, 100), max_size=6), st.integers(0, 102_000))
def test_a_version_once_superseded_never_counts_again(witnessed: list[int], captured_ms: int) -> None:
    # Even where a clock went back between two of them.
    before = [index for index, moment in enumerate(witnessed) if (moment + 1) * 1000 <= captured_ms]
    if before:
        assert version_in_force(committed(*witnessed), captured_ms).index == max(before)
    else:
        with pytest.raises(MembershipError):
            version_in_force(committed(*witnessed), captured_ms)
