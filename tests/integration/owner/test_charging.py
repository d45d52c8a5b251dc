"""A charging day over real services: kept on the day, opened once payment has closed, and only where nobody paid."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from blindplate.client.owner import answers, roster
from blindplate.client.owner.charging import run as running
from blindplate.client.owner.charging.charges import ChargeOutcome, charges_of
from blindplate.client.owner.charging.days import ChargingDay, charging_day
from blindplate.client.owner.charging.notices import write_notices
from blindplate.client.owner.charging.reconciling import reconcile
from blindplate.client.owner.charging.run import Ran, run_day
from blindplate.client.owner.charging.settlements import Settled, Settlement, enter_settlements
from blindplate.client.owner.charging.status import day_status
from blindplate.client.owner.coverage import Due
from blindplate.client.owner.entries import Details
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.listfile import listed_vehicle
from blindplate.client.owner.progress import silent
from blindplate.client.owner.session import Session
from blindplate.client.owner.upload import upload
from blindplate.core.domains import CHARGING_DAY
from blindplate.core.errors import TooEarlyError
from blindplate.core.plates import canonicalize
from blindplate.core.statements.grants import ChargingTerms
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher.tables import answers as answers_made
from blindplate.server.matcher.tables import records, waiting
from tests.integration.ledger_site import party_key, until
from tests.integration.owner.conftest import MakeWorld
from tests.integration.owner.world import World, publish_now, within

OWES, PAYS, PAYS_LATE, FOREIGN, STRANGER = "AB12CDE", "KL63XYZ", "GH19JKL", "XX111XX", "MN20PRS"
_DAY = 86_400
_TERMS = ChargingTerms(payment_days=3)


@contextmanager
def charging(make_world: MakeWorld, *, into: float = 10 * 3600.0) -> Iterator[tuple[World, Session]]:
    """A world of the emissions list, ``into`` (seconds) the first whole day under charging terms."""
    world = make_world("owner-emissions", CHARGING_DAY)
    grant = world.grant()
    amended = grant.model_copy(
        update={"amendment": grant.amendment + 1, "charging": _TERMS, "window_seconds": 6 * _DAY}
    )
    signers = [party_key(world.deployment, one) for one in ("operator", "custodian-a", "custodian-b")]
    world.enter(amended.statement(*signers))
    move_to(world, CHARGING_DAY.at(world.clock.now()).end() + into)
    with world.session(automatic_release=True) as session:
        yield world, session


def move_to(world: World, moment: float) -> None:
    world.clock.move_to(moment)
    until(world.fresh)


def today(session: Session) -> ChargingDay:
    return charging_day(session.grant, roster.london_day(session.now()))


def put(session: Session, *plates: str, country: str = "GB", **details: str) -> None:
    with session.store.writing() as connection:
        for plate in plates:
            vehicle = listed_vehicle(plate, country, replace(Details(), **cast("dict[str, Any]", details)))
            roster.add_vehicle(connection, vehicle, session.now(), 1_000)


def settle(session: Session, day: date, plate: str, kind: Settled = Settled.PAID) -> None:
    settled = Settlement(canonicalize(plate, "GB"), day, kind)
    with session.store.writing() as connection:
        enter_settlements(connection, [settled], session.now())


def take_all(world: World, session: Session) -> int:
    """Take answers until the matcher has nothing left to answer; gives how many reads were kept."""

    def unanswered() -> int:
        assert world.matcher is not None
        unentered = (
            select(func.count()).select_from(answers_made).where(answers_made.c.ledger_index.is_(None))
        )
        with world.matcher.database.read() as connection:
            unread = connection.execute(select(func.count()).select_from(waiting)).scalar_one()
            return unread + connection.execute(unentered).scalar_one()

    assert within(unanswered, lambda found: found == 0) == 0
    kept = 0
    while (taken := answers.take_next(session, 0)) is not None:
        kept += taken.kept
    return kept


def run(session: Session, day: ChargingDay) -> Ran:
    done = run_day(session, day.day, patience=45.0)
    assert done.waiting == 0
    return done


def owed(session: Session, day: ChargingDay) -> dict[str, ChargeOutcome]:
    with session.store.reading() as connection:
        found = charges_of(connection, day.day)
    assert len({one.plate for one in found}) == len(found)
    return {one.plate.text: one.outcome for one in found if not one.settled}


def held(world: World) -> int:
    assert world.matcher is not None
    with world.matcher.database.read() as connection:
        return connection.execute(select(func.count()).select_from(records)).scalar_one()


def noticed(folder: Path) -> list[tuple[str, str]]:
    with (folder / "notices.csv").open(newline="") as file:
        return [(row["number"], row["vrm"]) for row in csv.DictReader(file)]


def test_who_owes_is_opened_after_payment_has_closed_and_nobody_else(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    with charging(make_world) as (world, session):
        day = today(session)
        put(session, OWES, PAYS, PAYS_LATE)
        publish_now(session)
        world.read([OWES, PAYS, STRANGER, PAYS_LATE])
        world.read([OWES, PAYS])
        assert take_all(world, session) == 5
        # The stranger's read was erased with the acknowledgement, and one read a vehicle is kept.
        assert held(world) == 3
        status = day_status(session, day.day)
        assert (status.kept, dict(status.hits)) == (5, {})
        settle(session, day.day, PAYS)
        move_to(world, day.closes_at - 60)
        with pytest.raises(TooEarlyError):
            run_day(session, day.day, patience=0.0)
        move_to(world, day.closes_at + 70)
        done = run(session, day)
        assert (done.hits, done.charged) == (2, 2)
        assert owed(session, day) == {OWES: ChargeOutcome.LIABLE, PAYS_LATE: ChargeOutcome.LIABLE}
        settle(session, day.day, PAYS_LATE)
        out = tmp_path / "notices"
        issued = write_notices(session, day.day, out)
        assert (issued.written, issued.new, issued.settled) == (1, 1, 0)
        assert [plate for _, plate in noticed(out)] == [OWES]
        first = (out / "notices.json").read_bytes()
        run(session, day)
        assert write_notices(session, day.day, out).new == 0
        assert (out / "notices.json").read_bytes() == first
        # The payer's record was erased unopened.
        assert held(world) == 2
        found = reconcile(session, day.day)
        assert found.holds, found.balances


def test_the_matcher_refuses_a_list_to_be_opened_before_payment_has_closed(make_world: MakeWorld) -> None:
    with charging(make_world) as (_, session):
        day = today(session)
        put(session, OWES)
        publish_now(session)
        due = Due(day.epoch, True, 1, 1, math.ceil(session.now()))
        with pytest.raises(TooEarlyError):
            upload(session, due, Stage.OPEN, silent)


def test_a_trip_across_midnight_owes_two_days(make_world: MakeWorld) -> None:
    with charging(make_world) as (world, session):
        first = today(session)
        put(session, OWES)
        publish_now(session)
        move_to(world, first.epoch.end() - 30)
        publish_now(session)
        world.read([OWES])
        move_to(world, first.epoch.end() + 30)
        publish_now(session)
        world.read([OWES])
        second = today(session)
        assert second.epoch.index == first.epoch.index + 1
        # A read of before midnight that was spooled goes to its own day, whose vehicle owes already.
        world.read([OWES], at=first.epoch.end() - 10)
        assert take_all(world, session) == 3
        move_to(world, first.closes_at + 70)
        run(session, first)
        assert owed(session, first) == {OWES: ChargeOutcome.LIABLE}
        assert owed(session, second) == {}
        with pytest.raises(TooEarlyError):
            run_day(session, second.day, patience=0.0)
        move_to(world, second.closes_at + 70)
        run(session, second)
        assert owed(session, second) == {OWES: ChargeOutcome.LIABLE}
        for day in (first, second):
            assert write_notices(session, day.day, session.store.folder / day.day.isoformat()).written == 1


def test_listed_and_weeded_during_the_day_and_exempt_by_the_list(make_world: MakeWorld) -> None:
    with charging(make_world) as (world, session):
        day = today(session)
        with session.store.writing() as connection:
            weeded = listed_vehicle(OWES, "GB", Details(weed_date=day.day))
            roster.add_vehicle(connection, weeded, session.now(), 1_000)
        put(session, STRANGER, built="1965")
        publish_now(session)
        world.read([PAYS])
        assert take_all(world, session) == 0
        # Two hours on, since headers tell no more than the hour of a read.
        move_to(world, world.clock.now() + 7200)
        # Listed in the middle of the day: reads of before are nobody's.
        put(session, PAYS)
        publish_now(session)
        world.read([OWES, STRANGER, PAYS])
        assert take_all(world, session) == 2
        move_to(world, day.closes_at + 70)
        run(session, day)
        # Weeded since, and owed for the last day it counted.
        assert owed(session, day) == {OWES: ChargeOutcome.LIABLE, PAYS: ChargeOutcome.LIABLE}
        assert held(world) == 2


def test_a_read_that_comes_after_the_opening_is_opened_all_the_same(make_world: MakeWorld) -> None:
    with charging(make_world) as (world, session):
        day = today(session)
        put(session, OWES, PAYS)
        publish_now(session)
        captured = world.clock.now()
        settle(session, day.day, PAYS)
        move_to(world, day.closes_at + 70)
        run(session, day)
        assert owed(session, day) == {}
        # A camera that was cut off for days.
        world.read([OWES, PAYS], at=captured)
        assert take_all(world, session) == 2
        run(session, day)
        assert owed(session, day) == {OWES: ChargeOutcome.LIABLE}
        assert held(world) == 1


class KilledError(Exception):
    """The process ends here."""


def run_for(session: Session, day: ChargingDay, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run_day(session, day.day, patience=1.0)


def test_what_is_interrupted_is_run_again_to_the_same_end(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with charging(make_world) as (world, session):
        day = today(session)
        put(session, OWES, PAYS_LATE)
        publish_now(session)
        world.read([OWES, PAYS_LATE])
        assert take_all(world, session) == 2
        move_to(world, day.closes_at + 70)

        def killed(*_any: object, **_more: object) -> None:
            raise KilledError

        for name in ("take_answers", "ask_for_day", "reveal_hit", "record_charges"):
            with monkeypatch.context() as patched:
                patched.setattr(running, name, killed)
                with pytest.raises(KilledError):
                    run_for(session, day, 30)
        run(session, day)
        assert set(owed(session, day)) == {OWES, PAYS_LATE}
        assert write_notices(session, day.day, tmp_path / "out").written == 2
        assert dict(day_status(session, day.day).hits) == {HitState.REVEALED: 2}
