"""Weed dates and effective dates: entries go and come with the days of Europe/London, and nobody acts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from blindplate.client.owner import daemon, roster, upload, waiting
from blindplate.client.owner.coverage import Due
from blindplate.client.owner.entries import Details, ListedVehicle
from blindplate.client.owner.publish import is_waiting
from blindplate.client.owner.session import Session
from blindplate.client.owner.store import Store
from blindplate.core.domains import LONDON, Epoch
from blindplate.core.errors import NotFoundError, QuotaError
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.statements.model import EpochRulePart
from tests.unit.client.owner.samples import domain_of, encoded
from tests.unit.client.owner.scene import PLATES, Scene, f_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
TODAY, TOMORROW = date(2026, 3, 1), date(2026, 3, 2)


def midnight(day: date) -> float:
    """The first moment of a day in London."""
    return datetime.combine(day, time(), LONDON).timestamp()


def vehicle(
    text: str, begins: date | None = None, ends: date | None = None, reason: str = ""
) -> ListedVehicle:
    details = Details(reason=reason, weed_date=ends, effective_date=begins)
    return ListedVehicle(canonicalize(text, "GB"), details)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = Store(tmp_path / "state")
    with store.writing() as opened:
        yield opened
    store.close()


def standing(connection: Connection) -> set[str]:
    found = (roster.find_entry(connection, encoded(plate)) for plate in PLATES)
    return {one.plate.text for one in found if one is not None and one.removed_at is None}


def test_what_is_to_come_is_no_entry_until_its_day(connection: Connection) -> None:
    change = roster.replace_list(connection, [vehicle(PLATES[0], TOMORROW), vehicle(PLATES[1], TODAY)], NOW)
    assert (change.added, change.waiting) == (1, 1)
    assert roster.keep_dates(connection, midnight(TOMORROW) - 1).version is None
    assert standing(connection) == {PLATES[1]}
    begun = roster.keep_dates(connection, midnight(TOMORROW))
    assert (begun.version, begun.added, begun.waiting) == (2, 1, 0)
    found = roster.find_entry(connection, encoded(PLATES[0]))
    # Its age is that of what the list office knew.
    assert found is not None
    assert found.listed_at == NOW


def test_what_is_over_before_it_begins_never_becomes_an_entry(connection: Connection) -> None:
    roster.replace_list(connection, [vehicle(PLATES[0], TOMORROW, TOMORROW)], NOW)
    assert roster.keep_dates(connection, midnight(date(2026, 3, 3))).version is None
    assert (standing(connection), waiting.count(connection)) == (set(), 0)


def test_going_and_coming_on_one_day_is_one_version(connection: Connection) -> None:
    roster.replace_list(connection, [vehicle(PLATES[0], ends=TODAY), vehicle(PLATES[1], TOMORROW)], NOW)
    change = roster.keep_dates(connection, midnight(TOMORROW))
    assert (change.version, change.added, change.removed) == (2, 1, 1)


def test_an_entry_put_off_is_taken_off_and_waits(connection: Connection) -> None:
    roster.replace_list(connection, [vehicle(PLATES[0])], NOW)
    change = roster.add_vehicle(connection, vehicle(PLATES[0], TOMORROW), NOW + 1, 10)
    assert (change.removed, change.waiting) == (1, 1)
    change = roster.add_vehicle(connection, vehicle(PLATES[0]), NOW + 2, 10)
    assert (change.added, change.waiting) == (1, 0)


def test_a_submitted_list_replaces_what_waits_as_well(connection: Connection) -> None:
    roster.replace_list(connection, [vehicle(PLATES[0], TOMORROW), vehicle(PLATES[1], TOMORROW)], NOW)
    change = roster.replace_list(connection, [vehicle(PLATES[1], TOMORROW)], NOW + 1)
    assert (change.version, change.waiting) == (None, 1)
    found = waiting.find(connection, encoded(PLATES[1]))
    assert found is not None
    assert found.listed_at == NOW
    assert waiting.next_day(connection) == TOMORROW


def test_what_waits_can_be_taken_off_and_counts_against_the_grant(connection: Connection) -> None:
    roster.add_vehicle(connection, vehicle(PLATES[0], TOMORROW), NOW, 1)
    with pytest.raises(QuotaError):
        roster.add_vehicle(connection, vehicle(PLATES[1]), NOW, 1)
    roster.remove_vehicle(connection, canonicalize(PLATES[0], "GB"), NOW)
    with pytest.raises(NotFoundError):
        roster.remove_vehicle(connection, canonicalize(PLATES[0], "GB"), NOW)


SHORT, LONG = date(2026, 3, 29), date(2026, 10, 25)


@pytest.mark.parametrize(("day", "hours"), [(SHORT, 23), (LONG, 25), (TOMORROW, 24)])
def test_a_day_of_the_list_is_as_long_as_londons(connection: Connection, day: date, hours: int) -> None:
    start = midnight(day)
    end = start + hours * 3600
    assert end == midnight(date.fromordinal(day.toordinal() + 1))
    roster.replace_list(connection, [vehicle(PLATES[0], day, day)], start - 3600)
    roster.keep_dates(connection, start - 1)
    assert standing(connection) == set()
    roster.keep_dates(connection, start)
    assert standing(connection) == {PLATES[0]}
    roster.keep_dates(connection, end - 1)
    assert standing(connection) == {PLATES[0]}
    roster.keep_dates(connection, end)
    assert standing(connection) == set()


DAYS = st.dates(date(2026, 10, 23), date(2026, 10, 28))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.none() | DAYS, st.none() | DAYS), min_size=1, max_size=4),
    st.lists(st.integers(0, 6 * 24), min_size=1, max_size=8),
)
def test_at_every_hour_exactly_what_has_begun_and_is_not_over_stands(
    tmp_path_factory: pytest.TempPathFactory, spans: list[tuple[date | None, date | None]], hours: list[int]
) -> None:
    begin = midnight(date(2026, 10, 23))
    store = Store(tmp_path_factory.mktemp("days"))
    listed = [vehicle(plate, *span) for plate, span in zip(PLATES, spans, strict=False)]
    with store.writing() as connection:
        roster.replace_list(connection, listed, begin - 86_400)
        for hour in sorted(hours):
            moment = begin + 3600 * hour
            roster.keep_dates(connection, moment)
            day = datetime.fromtimestamp(moment, LONDON).date()
            assert standing(connection) == {
                one.plate.text
                for one in listed
                if not one.details.is_over(day) and not one.details.is_to_come(day)
            }
    store.close()


@pytest.fixture
def uploads(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Epoch, float, set[str]]]:
    """Of every upload its epoch, from when it matches, and whose pseudonyms it holds."""
    made: list[tuple[Epoch, float, set[str]]] = []
    listed = upload._listed

    def noted(connection: Connection, session: Session, due: Due, *made_for: Any) -> Sequence[bytes]:
        found = listed(connection, session, due, *made_for)
        names = {pseudonym(f_of(domain_of(scene), encoded(one)), due.epoch): one for one in PLATES}
        made.append((due.epoch, due.matches_from, {names[y] for y in found}))
        return found

    monkeypatch.setattr(upload, "_listed", noted)
    return made


def pass_time(scene: Scene, publishing: daemon._Publishing, until: float, step: float) -> None:
    """What happens when nobody acts: the daemon looks, custodians witness what is entered."""
    while scene.clock.moment < until:
        scene.clock.moment = min(scene.clock.moment + step, until)
        for _ in range(2):
            publishing.step()
            scene.witness()


def london_day_of(scene: Scene) -> date:
    return roster.london_day(scene.clock.moment)


def test_entries_go_and_come_over_midnight_without_anyone_acting(
    scene: Scene, uploads: list[tuple[Epoch, float, set[str]]]
) -> None:
    today = london_day_of(scene)
    tomorrow = date.fromordinal(today.toordinal() + 1)
    scene.put(PLATES[0], weed_date=today)
    scene.put(PLATES[1])
    scene.put(PLATES[2], effective_date=tomorrow)
    publishing = daemon._Publishing(scene.session)
    night = midnight(tomorrow)
    pass_time(scene, publishing, night - 20, 300)
    # The coming epoch is uploaded, without what will be over: should nothing work at midnight, it is out all the same.
    (coming,) = [plates for epoch, _, plates in uploads if epoch.start() == night]
    assert coming == {PLATES[1]}
    assert sum(count for _, count in scene.custodians.asked) == 2
    with scene.session.store.reading() as connection:
        assert roster.count(connection) == 2
    uploads.clear()
    pass_time(scene, publishing, night + 10, 1)
    held = [(begins - night, plates) for epoch, begins, plates in uploads if epoch.start() == night]
    assert held
    # What begins is matched within seconds; the new version was committed to and witnessed first.
    assert all(0 < begins <= 5 for begins, _ in held)
    assert set().union(*(plates for _, plates in held)) == {PLATES[1], PLATES[2]}
    assert not is_waiting(scene.session)
    with scene.session.store.reading() as connection:
        assert roster.count(connection) == 2


def test_the_daemon_looks_at_londons_midnight_though_no_epoch_begins_then(
    scene: Scene, uploads: list[tuple[Epoch, float, set[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_LOOK_SECONDS", 1e9)
    day = date(2024, 6, 10)
    scene.clock.moment = midnight(day) - 7200
    scene.witness()
    grant = scene.session.grant.model_copy(update={"epoch": EpochRulePart(kind="span", seconds=86_400)})
    daily = replace(scene, session=replace(scene.session, grant=grant))
    # In summer London's day begins an hour before that of UTC.
    assert daily.session.rule.at(midnight(day) - 1) == daily.session.rule.at(midnight(day))
    daily.put(PLATES[0], effective_date=day)
    publishing = daemon._Publishing(daily.session)
    pass_time(daily, publishing, midnight(day) - 1, 3600)
    assert not any(plates for _, _, plates in uploads)
    pass_time(daily, publishing, midnight(day) + 2, 1)
    assert {plate for _, _, plates in uploads for plate in plates} == {PLATES[0]}


@pytest.mark.parametrize("day", [date(2024, 3, 31), date(2024, 10, 27)], ids=["23 hours", "25 hours"])
def test_no_epoch_of_a_short_or_long_day_holds_what_is_over_or_to_come(
    scene: Scene, uploads: list[tuple[Epoch, float, set[str]]], day: date
) -> None:
    start, end = midnight(day), midnight(date.fromordinal(day.toordinal() + 1))
    assert (end - start) / 3600 in (23, 25)
    scene.clock.moment = start - 7200
    scene.witness()
    scene.put(PLATES[0], effective_date=day, weed_date=day)
    scene.put(PLATES[1])
    publishing = daemon._Publishing(scene.session)
    pass_time(scene, publishing, end + 3600, 3600)
    during = {epoch.index for epoch, _, plates in uploads if PLATES[0] in plates}
    rule = scene.session.rule
    hours = range(rule.at(start).index, rule.at(end).index)
    assert during == set(hours)
    assert len(hours) == round((end - start) / 3600)
