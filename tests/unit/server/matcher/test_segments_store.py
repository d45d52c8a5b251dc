"""Segments in the database: which reads wait for which, in what order segments come, how much they may hold."""

from __future__ import annotations

import pytest

from blindplate.core.errors import GrantError, ReplayError, UploadError
from blindplate.server.matcher import segments_store
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher.conftest import START, admitted, segment
from tests.unit.server.matcher.stores import add, take, waiting


def test_reads_wait_for_every_segment_of_their_epoch_oldest_first(database: Database) -> None:
    base, delta = segment(), segment(1, matches_from=START + 100)
    early, late = take(database, admitted(START + 50), admitted(START + 150))
    add(database, base)
    add(database, delta)
    [later] = take(database, admitted(START + 160))
    assert waiting(database, base) == [early, late, later]
    assert waiting(database, delta) == [late, later]


def test_a_read_whose_time_is_too_coarse_to_decide_is_matched(database: Database) -> None:
    base, delta = segment(), segment(1, matches_from=START + 100)
    add(database, base)
    add(database, delta)
    [coarse] = take(database, admitted(START + 60, spread=60))
    assert waiting(database, delta) == [coarse]


def test_a_new_base_supersedes_from_its_beginning_on(database: Database) -> None:
    old, new = segment(), segment(version=2, matches_from=START + 100)
    add(database, old)
    early, late = take(database, admitted(START + 50), admitted(START + 150))
    assert add(database, new) == (True, [])
    assert waiting(database, old) == [early]
    assert waiting(database, new) == [late]
    spooled, fresh = take(database, admitted(START + 10), admitted(START + 200))
    assert waiting(database, old) == [early, spooled]
    assert waiting(database, new) == [late, fresh]


def test_a_base_superseded_from_its_own_beginning_is_dropped_with_its_deltas(database: Database) -> None:
    old, delta = segment(), segment(1)
    add(database, old)
    add(database, delta)
    numbers = take(database, admitted(START + 50))
    stored, retired = add(database, segment(version=2))
    assert stored
    assert set(retired) == {old.segment_id, delta.segment_id}
    with database.read() as connection:
        [only] = segments_store.of_list(connection, "police", superseded=True)
    assert waiting(database, only) == numbers


def test_the_same_segment_again_changes_nothing(database: Database) -> None:
    assert add(database, segment()) == (True, [])
    assert add(database, segment()) == (False, [])


def test_a_delta_without_a_base_or_out_of_turn_is_refused(database: Database) -> None:
    with pytest.raises(ReplayError):
        add(database, segment(1))
    add(database, segment())
    for number in (2, 7):
        with pytest.raises(ReplayError):
            add(database, segment(number))
    add(database, segment(1))
    with pytest.raises(ReplayError):
        add(database, segment(1, made_at=1))


def test_a_delta_that_begins_before_its_base_is_refused(database: Database) -> None:
    add(database, segment(matches_from=START + 10))
    with pytest.raises(UploadError):
        add(database, segment(1, matches_from=START + 9))


def test_an_older_list_version_is_refused(database: Database) -> None:
    add(database, segment(version=5))
    with pytest.raises(UploadError):
        add(database, segment(version=4))
    with pytest.raises(UploadError):
        add(database, segment(1, version=4))


def test_capacity_is_summed_over_live_segments(database: Database) -> None:
    add(database, segment(size=600))
    with pytest.raises(GrantError):
        add(database, segment(1, size=401))
    add(database, segment(1, size=400))
    # A new base takes the place of both.
    add(database, segment(version=2, size=1000, matches_from=START + 1))
    with pytest.raises(GrantError):
        add(database, segment(1, version=2, size=1, matches_from=START + 1))
