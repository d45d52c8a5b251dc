"""The list: one standing entry a plate, one version a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from blindplate.client.owner import roster
from blindplate.client.owner.entries import Details, ListedVehicle
from blindplate.client.owner.store import Store
from blindplate.client.owner.tables import former_details
from blindplate.core.errors import NotFoundError, QuotaError
from blindplate.core.plates import CanonicalPlate, canonicalize

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


def plate(text: str) -> CanonicalPlate:
    return canonicalize(text, "GB")


def vehicle(text: str, reason: str = "", weed_date: date | None = None) -> ListedVehicle:
    return ListedVehicle(plate(text), Details(reason=reason, weed_date=weed_date))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = Store(tmp_path / "state")
    with store.writing() as opened:
        yield opened
    store.close()


def find(connection: Connection, text: str) -> roster.Entry:
    found = roster.find_entry(connection, plate(text).encode())
    assert found is not None
    return found


def test_a_submitted_list_replaces_the_one_before(connection: Connection) -> None:
    first = roster.replace_list(connection, [vehicle("AB12CDE"), vehicle("KL63XYZ")], NOW)
    assert first == roster.Change(1, 2, 0, 0)
    kept = find(connection, "AB12CDE")
    second = roster.replace_list(connection, [vehicle("AB12CDE", "stolen"), vehicle("MN20PRS")], NOW + 5)
    assert second == roster.Change(2, 1, 1, 1, reworded=1)
    # What stays keeps its entry and its time; what is said of it is as submitted last.
    again = find(connection, "AB12CDE")
    assert (again.entry_id, again.listed_at, again.details.reason) == (kept.entry_id, NOW, "stolen")
    assert find(connection, "KL63XYZ").removed_at == NOW + 5


def test_the_same_list_again_is_no_new_version(connection: Connection) -> None:
    roster.replace_list(connection, [vehicle("AB12CDE")], NOW)
    assert roster.replace_list(connection, [vehicle("AB12CDE")], NOW + 1).version is None


def test_a_vehicle_listed_again_is_a_new_entry(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle("AB12CDE", "first"), NOW, 10)
    roster.remove_vehicle(connection, plate("AB12CDE"), NOW + 1)
    roster.add_vehicle(connection, vehicle("AB12CDE", "second"), NOW + 2, 10)
    found = find(connection, "AB12CDE")
    assert (found.details.reason, found.listed_at, found.removed_at) == ("second", NOW + 2, None)
    assert roster.count(connection) == 1


def test_a_vehicle_added_twice_keeps_one_entry_with_the_newer_details(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle("AB12CDE", "first"), NOW, 1)
    again = roster.add_vehicle(connection, vehicle("AB12CDE", "second"), NOW + 1, 1)
    assert again == roster.Change(2, 0, 0, 1, reworded=1)
    found = find(connection, "AB12CDE")
    assert (found.details.reason, found.listed_at) == ("second", NOW)


def test_a_change_of_what_no_leaf_says_is_no_new_version(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle("AB12CDE"), NOW, 1)
    repainted = ListedVehicle(plate("AB12CDE"), Details(colour="red", note="seen leaving"))
    assert roster.add_vehicle(connection, repainted, NOW + 1, 1).version is None
    assert find(connection, "AB12CDE").details.colour == "red"
    assert connection.execute(select(former_details)).all() == []


def test_what_a_leaf_said_is_kept_when_it_says_something_else(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle("AB12CDE", "first", date(2026, 4, 1)), NOW, 1)
    roster.add_vehicle(connection, vehicle("AB12CDE", "second"), NOW + 1, 1)
    roster.replace_list(connection, [vehicle("AB12CDE", "third"), vehicle("KL63XYZ")], NOW + 2)
    rows = connection.execute(select(former_details).order_by(former_details.c.last_version)).all()
    assert [(row.last_version, row.reason, row.weed_date) for row in rows] == [
        (1, "first", date(2026, 4, 1)),
        (2, "second", None),
    ]


def test_a_list_is_given_a_number_above_all_before_it(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle("AB12CDE"), NOW, 10)
    roster.renumber(connection, 8, NOW + 1)
    assert roster.latest_version(connection) == 8
    assert roster.add_vehicle(connection, vehicle("KL63XYZ"), NOW + 2, 10).version == 9


def test_one_vehicle_more_than_granted_is_refused(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle("AB12CDE"), NOW, 1)
    with pytest.raises(QuotaError):
        roster.add_vehicle(connection, vehicle("KL63XYZ"), NOW, 1)


def test_removing_what_is_not_listed_is_refused(connection: Connection) -> None:
    with pytest.raises(NotFoundError):
        roster.remove_vehicle(connection, plate("AB12CDE"), NOW)


def test_an_entry_goes_when_its_weed_date_is_past_in_london(connection: Connection) -> None:
    roster.replace_list(
        connection,
        [vehicle("AB12CDE", weed_date=date(2026, 3, 1)), vehicle("KL63XYZ", weed_date=date(2026, 3, 2))],
        NOW,
    )
    assert roster.keep_dates(connection, NOW).removed == 0
    after_midnight = datetime(2026, 3, 2, 0, 0, 1, tzinfo=UTC).timestamp()
    assert roster.keep_dates(connection, after_midnight).removed == 1
    assert find(connection, "AB12CDE").removed_at == after_midnight


def test_a_plate_that_was_never_listed_has_no_entry(connection: Connection) -> None:
    assert roster.find_entry(connection, plate("AB12CDE").encode()) is None
