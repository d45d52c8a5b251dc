"""Settled late, killed in between, opened twice, free, or empty: what becomes of a day."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from blindplate.client.owner import answers, publish, roster
from blindplate.client.owner.charging import charges as charging_charges
from blindplate.client.owner.charging import notices as writing
from blindplate.client.owner.charging import run as running
from blindplate.client.owner.charging.charges import ChargeOutcome, charges_of, record_charges
from blindplate.client.owner.charging.days import ChargingDay, charging_day
from blindplate.client.owner.charging.keeping import kept_in_all, kept_of
from blindplate.client.owner.charging.notices import Issued, write_notices
from blindplate.client.owner.charging.reconciling import reconcile
from blindplate.client.owner.charging.settlements import Settled, Settlement, enter_settlements
from blindplate.client.owner.charging.status import day_status
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.tables import reveals
from blindplate.core.errors import PendingError, TooEarlyError
from blindplate.core.plates import canonicalize
from blindplate.core.statements.uploads import Stage
from blindplate.edge.keyfiles import write_secret
from tests.unit.client.owner.charging.charging_scene import ChargingScene, PaperRead, make_charging_scene

DAY = date(2026, 11, 24)
OWES, PAYS = "AB12CDE", "KL63XYZ"
NOON = 1_795_521_600.0
_DELAY = 10_800


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChargingScene]:
    with make_charging_scene(tmp_path / "deployment", monkeypatch, NOON - 7200) as made:
        made.put(OWES)
        made.put(PAYS)
        made.step()
        made.clock.moment = NOON
        yield made


def the_day(scene: ChargingScene, day: date = DAY) -> ChargingDay:
    return charging_day(scene.session.grant, day)


def driven(scene: ChargingScene, *plates: str) -> ChargingDay:
    for plate in plates:
        scene.matcher.submit(scene.seal(plate, scene.clock.moment))
        scene.clock.moment += 1
    scene.step()
    return the_day(scene)


def closed(scene: ChargingScene, day: ChargingDay, after: float = _DELAY + 60) -> None:
    scene.clock.moment = day.closes_at + after
    scene.ledger.witness(scene.clock.moment, scene.clock.moment)


def settle(scene: ChargingScene, plate: str, kind: Settled = Settled.PAID, day: date = DAY) -> int:
    one = Settlement(canonicalize(plate, "GB"), day, kind)
    with scene.session.store.writing() as connection:
        return enter_settlements(connection, [one], scene.clock.moment).late


def write(scene: ChargingScene, folder: Path) -> Issued:
    return write_notices(scene.session, DAY, folder)


def noticed(folder: Path) -> dict[str, str]:
    with (folder / "notices.csv").open(newline="") as file:
        return {row["vrm"]: row["number"] for row in csv.DictReader(file)}


def disclosed(scene: ChargingScene) -> int:
    with scene.session.store.reading() as connection:
        return connection.execute(select(func.count()).select_from(reveals)).scalar_one()


def test_paid_between_the_opening_and_the_reveal_is_in_no_notice(
    scene: ChargingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = driven(scene, OWES, PAYS)
    closed(scene, day)
    with monkeypatch.context() as patched:
        patched.setattr(running, "reveal_hit", lambda *_any: None)
        patched.setattr("tests.unit.client.owner.charging.charging_scene.reveal_approved", lambda *_any: 0)
        scene.step()
    assert settle(scene, PAYS) == 0
    scene.step()
    issued = write(scene, tmp_path / "out")
    assert (issued.written, set(noticed(tmp_path / "out"))) == (1, {OWES})
    assert disclosed(scene) == 1
    with scene.session.store.reading() as connection:
        assert {one.plate.text: one.settled for one in charges_of(connection, DAY)} == {
            OWES: "",
            PAYS: "paid",
        }


def test_paid_after_the_reveal_and_after_the_notice(scene: ChargingScene, tmp_path: Path) -> None:
    day, out = driven(scene, OWES, PAYS), tmp_path / "out"
    closed(scene, day)
    scene.step()
    assert write(scene, out).written == 2
    before = noticed(out)
    assert len(list((out / "images").iterdir())) == 2
    assert settle(scene, PAYS, Settled.REFUNDED) == 1
    assert settle(scene, PAYS, Settled.REFUNDED) == 0
    again = write(scene, out)
    assert (again.written, again.new, again.settled) == (1, 0, 1)
    assert noticed(out) == {OWES: before[OWES]}
    # The image of who paid is deleted, and what the record disclosed.
    assert [path.stem for path in (out / "images").iterdir()] == [before[OWES]]
    assert disclosed(scene) == 1
    status = day_status(scene.session, DAY)
    assert (status.owed, status.settled_late, status.notices, status.notices_settled) == (1, 1, 2, 1)


def test_notices_wait_for_the_close_and_the_opening(scene: ChargingScene, tmp_path: Path) -> None:
    day = driven(scene, OWES)
    closed(scene, day, -1)
    with pytest.raises(TooEarlyError):
        write(scene, tmp_path / "out")
    closed(scene, day, 1)
    with pytest.raises(PendingError):
        write(scene, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    # The daemon leaves time for the last payments to be entered; a person need not.
    scene.step()
    assert all(one.stage is Stage.KEEP for one in scene.matcher.manifests.values())
    with pytest.raises(TooEarlyError):
        # Custodians' clocks may be slower.
        running.run_day(scene.session, DAY, patience=0.0)
    closed(scene, day, 61)
    running.run_day(scene.session, DAY, patience=0.0)
    assert any(one.stage is Stage.OPEN for one in scene.matcher.manifests.values())


class KilledError(Exception):
    """The process ends here."""


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [
        (publish, "upload", False),
        (publish, "upload", True),
        (answers, "_claim", True),
        (answers, "keep_hits", True),
        (answers, "_acknowledge", False),
        (answers, "_acknowledge", True),
        (running, "request_releases", True),
        (running, "follow", True),
        (running, "reveal_hit", False),
        (running, "reveal_hit", True),
        (charging_charges, "_record", True),
    ],
)
def test_killed_anywhere_and_started_again_gives_the_same_notices(
    scene: ChargingScene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    after: bool,
) -> None:
    day = driven(scene, OWES, PAYS, OWES)
    settle(scene, PAYS)
    closed(scene, day)
    original = getattr(module, name)

    def killed(*given: Any, **named: Any) -> None:
        if after:
            original(*given, **named)
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(module, name, killed)
        with pytest.raises(KilledError):
            scene.step()
    with scene.started_again():
        scene.step()
        scene.step()
        assert write(scene, tmp_path / "out").written == 1
        assert noticed(tmp_path / "out") == {OWES: "emissions-20261124-000001"}
        status = day_status(scene.session, DAY)
        assert (dict(status.hits), status.owed) == ({HitState.REVEALED: 1}, 1)
        assert all(read.claimed for read in scene.matcher.reads)
        assert reconcile(scene.session, DAY).holds


def test_killed_while_notices_are_written(
    scene: ChargingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = driven(scene, OWES, PAYS)
    closed(scene, day)
    scene.step()
    written = write_secret

    def killed(path: Path, content: bytes) -> None:
        if path.name == "notices.json":
            raise KilledError
        written(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(writing, "write_secret", killed)
        with pytest.raises(KilledError):
            write(scene, tmp_path / "out")
    before = noticed(tmp_path / "out")
    scene.clock.moment += 86_400
    issued = write(scene, tmp_path / "out")
    assert (issued.written, issued.new) == (2, 0)
    assert noticed(tmp_path / "out") == before


def test_a_vehicle_opened_twice_owes_once(scene: ChargingScene, monkeypatch: pytest.MonkeyPatch) -> None:
    # As when it is read in two zones, each of which keeps a read of its own.
    def kept(read: PaperRead) -> None:
        read.kept = True
        read.answered.clear()
        read.offered.clear()

    monkeypatch.setattr(scene.matcher, "_keep", kept)
    day = driven(scene, OWES, OWES)
    closed(scene, day)
    scene.step()
    status = day_status(scene.session, DAY)
    assert status.hits == {HitState.REVEALED: 1, HitState.REMOVED: 1}
    assert status.owed == 1
    assert record_charges(scene.session) == 0


def test_alternates_are_never_opened(scene: ChargingScene) -> None:
    scene.matcher.submit(scene.seal(OWES, scene.clock.moment, alternate=True))
    day = driven(scene)
    closed(scene, day)
    scene.step()
    assert running.run_day(scene.session, DAY, patience=0.0).waiting == 0
    assert day_status(scene.session, DAY).hits == {HitState.SEALED: 1}


def test_nothing_is_kept_on_a_free_day(scene: ChargingScene) -> None:
    christmas = date(2026, 12, 25)
    free = the_day(scene, christmas)
    scene.clock.moment = free.epoch.start() + 3600
    scene.ledger.witness(scene.clock.moment, scene.clock.moment)
    driven(scene, OWES, PAYS)
    assert scene.matcher.reads == []
    uploaded = [one for one in scene.matcher.manifests.values() if one.epoch.index == free.epoch.index]
    assert [scene.matcher.contents[one.salt] for one in uploaded] == [frozenset()]
    scene.put("MN20PRS")
    scene.step()
    closed(scene, free)
    scene.step()
    status = day_status(scene.session, christmas)
    assert (status.kept, status.opened_at, dict(status.hits)) == (0, None, {})
    assert running.run_day(scene.session, christmas, patience=0.0).published == 0


def test_what_is_off_the_list_since_is_erased_unopened(scene: ChargingScene) -> None:
    day = driven(scene, OWES, PAYS)
    with scene.session.store.writing() as connection:
        for plate in (OWES, PAYS):
            roster.remove_vehicle(connection, canonicalize(plate, "GB"), scene.clock.moment)
    closed(scene, day)
    scene.step()
    assert scene.matcher.given == set()
    assert scene.matcher.reads == []
    assert day_status(scene.session, DAY).opened_at is not None


def test_exempted_by_the_list_after_the_opening_owes_nothing(
    scene: ChargingScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = driven(scene, OWES)
    closed(scene, day)
    with monkeypatch.context() as patched:
        patched.setattr("tests.unit.client.owner.charging.charging_scene.reveal_approved", lambda *_any: 0)
        scene.step()
    scene.put(OWES, built="1960")
    scene.step()
    status = day_status(scene.session, DAY)
    assert status.outcomes[ChargeOutcome.EXEMPT] == 1
    assert (status.owed, disclosed(scene)) == (0, 0)


def test_a_record_handed_over_for_a_token_is_an_alarm_and_not_taken(
    scene: ChargingScene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    claimed = scene.matcher._claimed

    def cheating(segment_id: bytes, read: Any, claim: Any) -> Any:
        result = claimed(segment_id, read, claim)
        result.record.CopyFrom(read.record.to_proto())
        return result

    monkeypatch.setattr(scene.matcher, "_claimed", cheating)
    driven(scene, OWES)
    status = day_status(scene.session, DAY)
    assert (status.kept, dict(status.hits)) == (0, {})


def test_kept_reads_are_counted_once_whatever_is_forgotten_of_answers(scene: ChargingScene) -> None:
    day = driven(scene, OWES, PAYS, OWES)
    with scene.session.store.writing() as connection:
        assert kept_of(connection, day.epoch.index) == 3
        answers.ask_from_the_first(connection)
        assert kept_of(connection, day.epoch.index) == 3
        assert kept_in_all(connection, 0) == 3
    driven(scene, PAYS)
    with scene.session.store.writing() as connection:
        assert kept_of(connection, day.epoch.index) == 4
        answers.forget_answers(connection, scene.clock.moment + 1)
        assert kept_of(connection, day.epoch.index) == 4


def test_who_settled_is_forgotten_with_the_days_window(scene: ChargingScene) -> None:
    day = driven(scene, OWES, PAYS)
    settle(scene, PAYS)
    later = DAY + timedelta(days=5)
    settle(scene, PAYS, day=later)
    closed(scene, day)
    scene.step()
    assert day_status(scene.session, DAY).settlements[Settled.PAID] == 1
    scene.clock.moment = day.epoch.end() + scene.session.hold_seconds + 3600
    scene.step()
    assert day_status(scene.session, DAY).settlements[Settled.PAID] == 0
    assert day_status(scene.session, later).settlements[Settled.PAID] == 1
    with scene.session.store.reading() as connection:
        assert len(charges_of(connection, DAY)) == 1
