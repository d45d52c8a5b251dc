"""The matcher's statement of a day: every day once, in order, adding up to the totals, whatever stops or is killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from blindplate.core.errors import StorageError
from blindplate.core.statements.erasures import Place, day_begins
from blindplate.server.matcher import counts_store
from blindplate.server.matcher.counts_store import Event
from tests.unit.server.matcher.retention.site import BEGINS, DAY, Clock, Site

HOUR = 3600
FIRST = "2033-05-18"
MIDNIGHT = day_begins("2033-05-19")


def test_a_day_is_stated_in_the_first_round_after_it_with_all_that_was_counted(full: Site) -> None:
    full.clock.time = MIDNIGHT - 1
    full.keeper.keep()
    assert full.stated() == []
    full.clock.time = MIDNIGHT + 1
    with capture_logs() as logs:
        full.keeper.keep()
    [one] = full.stated()
    assert (one.day, one.since, one.checked_at, one.made_at) == (FIRST, BEGINS, MIDNIGHT + 1, MIDNIGHT + 1)
    assert {looked.place for looked in one.places} == set(Place)
    assert one.overdue == 0
    [row] = one.records
    assert (row.received, row.claimed, row.erased_claimed, row.erased_unclaimed) == (3, 1, 1, 2)
    assert [(line["day"], line["log_level"]) for line in logs if line["event"] == "day-stated"] == [
        (FIRST, "info")
    ]
    # Once: not in later rounds, nor after a start.
    full.keeper.keep()
    assert full.stated() == []


def test_days_that_were_missed_are_stated_in_order_at_the_next_start(tmp_path: Path) -> None:
    clock = Clock()
    first = Site(tmp_path, clock)
    first.read(5 * HOUR)
    first.close()
    clock.time += 3 * DAY
    again = Site(tmp_path, clock)
    stated = again.stated()
    assert [one.day for one in stated] == [FIRST, "2033-05-19", "2033-05-20"]
    assert [sum(row.received for row in one.records) for one in stated] == [1, 0, 0]
    # Erased today, when it was started again: not stated yet.
    assert sum(row.erased for one in stated for row in one.records) == 0
    assert [one.overdue for one in stated] == [0, 0, 0]
    clock.time += DAY
    again.keeper.keep()
    [last] = again.stated()
    assert [row.erased_unclaimed for row in last.records] == [1]
    again.close()


def test_what_is_counted_for_a_day_that_was_stated_counts_for_the_next(full: Site) -> None:
    full.clock.time = MIDNIGHT + 1
    full.keeper.keep()
    full.stated()
    # A clock that is set back.
    full.clock.time -= 10
    full.read()
    # And one that stands where nothing had begun.
    full.write(
        lambda connection: counts_store.add(connection, Event.RECEIVED, [("police", "inner")], now_ms=0)
    )
    full.clock.time += DAY + 10
    full.keeper.keep()
    [one] = full.stated()
    assert (one.day, one.records[0].received) == ("2033-05-19", 2)


def test_what_is_overdue_is_said_and_entered_for_everyone(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keeps(_keeper: object, _now: float) -> None:
        """Nothing is erased."""

    monkeypatch.setattr(type(full.keeper), "_erase", keeps)
    full.clock.time = MIDNIGHT - HOUR
    full.keeper.keep()
    full.clock.time = MIDNIGHT + 1
    with capture_logs() as logs:
        full.keeper.keep()
        # It looks a second time first.
        assert full.stated() == []
        full.clock.time += 1
        full.keeper.keep()
    [one] = full.stated()
    found = {looked.place: looked for looked in one.places if looked.overdue}
    assert Place.RECORDS in found
    assert Place.WRITE_AHEAD_LOG in found
    said = [line for line in logs if line["event"] == "retention-overdue"]
    assert {line["log_level"] for line in said} == {"error"}
    assert {(line["place"], line["found"], line["oldest_seconds"]) for line in said} == {
        (place, looked.overdue, looked.oldest_seconds) for place, looked in found.items()
    }


def test_what_goes_until_the_second_look_is_not_overdue(full: Site) -> None:
    full.clock.time = MIDNIGHT + 1
    # As if it were done between the erasure and the look.
    full.keeper.nightly.step(full.clock.time)
    assert full.stated() == []
    full.keeper.keep()
    [one] = full.stated()
    assert one.overdue == 0


def test_a_look_that_fails_states_nothing_and_keeps_nothing_else_from_being_done(
    full: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object) -> None:
        raise StorageError("It does not hold together.")

    with monkeypatch.context() as patch:
        patch.setattr("blindplate.server.matcher.retention.nightly.look", fails)
        full.clock.time = MIDNIGHT + 1
        full.keeper.keep()
    assert full.stated() == []
    full.keeper.keep()
    assert [one.day for one in full.stated()] == [FIRST]


def test_counts_of_more_places_than_an_entry_holds_are_stated_in_parts(site: Site) -> None:
    places = [("police", f"zone-{number:03}") for number in range(250)]
    site.write(
        lambda connection: counts_store.add(connection, Event.RECEIVED, places, int(1000 * site.clock.time))
    )
    site.clock.time = MIDNIGHT + 1
    site.keeper.keep()
    parts = site.stated()
    whole = None
    for part in parts:
        whole = part.joined_to(whole)
    assert whole is not None
    assert (len(parts), len(whole.records), len(whole.places)) == (3, 250, len(Place))


@pytest.mark.parametrize("day", ["2033-05-17", "2033-05-19"])
def test_no_day_is_stated_before_its_turn_or_again(site: Site, day: str) -> None:
    with pytest.raises(StorageError, match="not the next"):
        site.write(lambda connection: counts_store.state(connection, day))
