"""Weeks of charging under a clock that is moved: what is owed, noticed and opened, against what was driven and paid."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from blindplate.client.owner.charging.charges import ChargeOutcome, charges_of
from blindplate.client.owner.charging.notices import write_notices
from blindplate.client.owner.charging.settlements import Settled, Settlement, enter_settlements
from blindplate.client.owner.charging.status import day_status
from blindplate.core.charging import is_free
from blindplate.core.domains import LONDON
from blindplate.core.plates import canonicalize
from tests.unit.client.owner.charging.charging_scene import PAYMENT_DAYS, ChargingScene, make_charging_scene

LIABLE = ("AB12CDE", "KL63XYZ", "MN20PRS")
VINTAGE, FOREIGN, STRANGER = "GH19JKL", "AA11BB", "PQ70RST"
_DELAY = 10_800


def london(day: date, hours: float = 0.0) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).timestamp() + 3600 * hours


@dataclass
class Truth:
    """What was driven and settled: reads by vehicle and day, and when which day was settled."""

    driven: set[tuple[str, date]] = field(default_factory=set[tuple[str, date]])
    settled: dict[tuple[str, date], float] = field(default_factory=dict[tuple[str, date], float])

    def opens(self, day: date) -> float:
        """When the daemon makes the list to be opened."""
        return london(day + timedelta(days=PAYMENT_DAYS + 1)) + _DELAY

    def owing(self, day: date) -> set[str]:
        """Who owes and had not settled when the list to be opened was made."""
        return {
            plate
            for plate, driven_on in self.driven
            if driven_on == day
            and plate in (*LIABLE, FOREIGN)
            and not is_free(day)
            and self.settled.get((plate, day), float("inf")) > self.opens(day)
        }


@pytest.fixture(params=["clocks back", "clocks forward", "Christmas"])
def week(request: pytest.FixtureRequest) -> date:
    starts = {
        "clocks back": date(2026, 10, 23),
        "clocks forward": date(2027, 3, 26),
        "Christmas": date(2026, 12, 23),
    }
    return starts[request.param]


def test_a_week_of_driving_and_paying(week: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, truth = random.Random(week.toordinal()), Truth()
    days = [week + timedelta(days=number) for number in range(4)]
    with (
        make_charging_scene(tmp_path / "deployment", monkeypatch, london(week, -12)) as scene,
        ExitStack() as kept,
    ):
        for plate in LIABLE:
            scene.put(plate)
        scene.put(VINTAGE, built="1960")
        scene.put(FOREIGN, country="DE")
        scene.step()
        for moment, act in sorted(events(scene, truth, chance, days), key=lambda event: event[0]):
            scene.clock.moment = moment
            act()
            if chance.random() < 0.15:
                # Killed and started again.
                kept.enter_context(scene.started_again())
            if chance.random() < 0.4:
                scene.step()
        for day in days:
            scene.clock.moment = max(scene.clock.moment, truth.opens(day) + 60)
            scene.step()
        scene.step()
        for day in days:
            owing = truth.owing(day)
            with scene.session.store.reading() as connection:
                found = charges_of(connection, day)
            assert {one.plate.text for one in found} == owing, day
            assert len(found) == len(owing)
            assert {one.plate.text for one in found if one.outcome is ChargeOutcome.FOREIGN} == owing & {
                FOREIGN
            }
            late = {plate for plate in owing if (plate, day) in truth.settled}
            assert {one.plate.text for one in found if one.settled} == late
            wanted = owing - late - {FOREIGN}
            assert noticed(scene, day, tmp_path / day.isoformat()) == wanted
            assert noticed(scene, day, tmp_path / day.isoformat()) == wanted
            status = day_status(scene.session, day)
            assert (status.notices, status.owed) == (len(wanted), len(wanted))
        assert any(truth.owing(day) for day in days)
        assert scene.matcher.given
        # Nobody was opened who had paid, or owes nothing: not even a match secret was given.
        for record_id in scene.matcher.given:
            payload = scene.payloads[record_id]
            day = datetime.fromtimestamp(payload.capture_time_ms / 1000, LONDON).date()
            encoded = {
                canonicalize(one, "DE" if one == FOREIGN else "GB").encode() for one in truth.owing(day)
            }
            assert payload.plate in encoded
        # What is left at the matcher was claimed.
        assert all(read.claimed for read in scene.matcher.reads)


def events(
    scene: ChargingScene, truth: Truth, chance: random.Random, days: list[date]
) -> Iterator[tuple[float, Callable[[], None]]]:
    """Reads as they come in, late ones days later, and settlements as they are entered, late ones too."""
    for day in days:
        length = (london(day + timedelta(days=1)) - london(day)) / 3600
        assert length in (23.0, 24.0, 25.0)
        yield london(day, 0.05), scene.step
        for plate in (*LIABLE, VINTAGE, FOREIGN, STRANGER):
            for _ in range(chance.choice((0, 1, 1, 3))):
                captured = london(day) + chance.uniform(120, length * 3600 - 1)
                spooled = chance.choice((0.0, 0.0, 40.0, 86_400.0, 3.9 * 86_400))
                country = "DE" if plate == FOREIGN else "GB"
                read = scene.seal(plate, captured, country)
                truth.driven.add((plate, day))
                yield captured + spooled, partial(scene.matcher.submit, read)
            if plate in LIABLE and not is_free(day) and chance.random() < 0.5:
                # From the day before to the day after the opening.
                entered = london(day, -24) + chance.uniform(0, (PAYMENT_DAYS + 2.5) * 86_400)
                entered = max(entered, scene.clock.moment)
                truth.settled[plate, day] = entered
                kind = chance.choice(list(Settled))
                yield entered, partial(settle, scene, plate, day, kind)


def settle(scene: ChargingScene, plate: str, day: date, kind: Settled = Settled.PAID) -> None:
    if scene.clock.moment > london(day + timedelta(days=PAYMENT_DAYS + 1)) + _DELAY:
        # The list to be opened is made as soon as it may be, whoever settles then.
        scene.step()
    with scene.session.store.writing() as connection:
        enter_settlements(connection, [Settlement(canonicalize(plate, "GB"), day, kind)], scene.clock.moment)


def noticed(scene: ChargingScene, day: date, folder: Path) -> set[str]:
    write_notices(scene.session, day, folder)
    with (folder / "notices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all((folder / row["image"]).read_bytes() == b"\xff\xd8patch" for row in rows)
    assert len({row["number"] for row in rows}) == len(rows)
    return {row["vrm"] for row in rows}
