"""Evidence past its days: gone from rows, files, free pages and log, whatever breaks in between; the rest untouched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from blindplate.client.owner import answers
from blindplate.client.owner.charging.tables import charges, notices
from blindplate.client.owner.hits import Claimed
from blindplate.client.owner.retention import erasing
from blindplate.client.owner.retention.erasing import erase_due, utc_day
from blindplate.client.owner.retention.job import ROUND_SECONDS, Retaining
from blindplate.client.owner.retention.tables import erased_evidence, holds
from blindplate.client.owner.roster import london_day
from blindplate.client.owner.tables import entries, hits, outcomes, replies, requests, reveals
from tests.unit.client.owner.retention.samples import DAY, files_of, hit_numbers, marks, revealed_hit
from tests.unit.client.owner.samples import encoded, hit_on
from tests.unit.client.owner.scene import NOW, PLATES, Scene, make_scene

# What a grant allows that names no other number of days.
DAYS = 31


@pytest.fixture
def listed(scene: Scene) -> Scene:
    scene.put(*PLATES)
    return scene


def counted(scene: Scene) -> dict[str, int]:
    """How many rows each table has that tells of hits."""
    with scene.session.store.reading() as connection:
        tables = (hits, requests, replies, reveals, outcomes, charges, notices, holds)
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        }


def erased_counts(scene: Scene) -> dict[str, int]:
    with scene.session.store.reading() as connection:
        return {row.day: row.erased for row in connection.execute(select(erased_evidence))}


def charge(scene: Scene, hit_id: int) -> None:
    day, plate = london_day(NOW), encoded(PLATES[0])
    with scene.session.store.writing() as connection:
        row = {"day": day, "plate": plate, "hit_id": hit_id, "outcome": "liable", "reason": "", "settled": ""}
        connection.execute(insert(charges).values(row | {"decided_at": NOW}))
        connection.execute(insert(notices).values(number="n-1", day=day, plate=plate, issued_at=NOW))


def test_a_hit_goes_with_everything_that_came_of_it(listed: Scene) -> None:
    sealed, _ = revealed_hit(listed, PLATES[0])
    charge(listed, sealed.hit.hit_id)
    assert marks(listed.session)
    listed.clock.moment += DAYS * DAY
    erased = erase_due(listed.session)
    assert (erased.hits, erased.files, erased.emptied) == (1, 5, True)
    assert set(counted(listed).values()) == {0}
    # Neither in a file, nor in the pages the rows lay in, nor in the log.
    assert marks(listed.session) == []
    assert not any(path.exists() for path in files_of(listed.session, sealed.hit.hit_id))
    assert erased_counts(listed) == {utc_day(listed.clock.moment): 1}
    with listed.session.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(entries)).scalar_one() == len(PLATES)


def test_without_overwriting_what_is_deleted_it_would_be_found_on_the_disk(listed: Scene) -> None:
    """That the test above can fail: SQLite leaves what is deleted where it lies unless told otherwise."""
    revealed_hit(listed, PLATES[0])
    listed.clock.moment += DAYS * DAY
    with ExitStack() as stack:
        connection = stack.enter_context(listed.session.store.writing())
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        erasing._erase(connection, [1], "2023-12-15")
    assert "owner.sqlite" in marks(listed.session) or "owner.sqlite-wal" in marks(listed.session)
    listed.session.store.empty_log()
    assert "owner.sqlite" in marks(listed.session)


def test_nothing_goes_a_second_too_early(listed: Scene) -> None:
    sealed, _ = revealed_hit(listed, PLATES[0])
    listed.clock.moment = sealed.hit.captured_at + DAYS * DAY - 1
    assert erase_due(listed.session).hits == 0
    assert all(path.exists() for path in files_of(listed.session, sealed.hit.hit_id))
    listed.clock.moment += 1
    assert erase_due(listed.session).hits == 1


def test_hits_that_were_never_opened_go_too_and_are_no_released_evidence(listed: Scene) -> None:
    hit_on(listed, PLATES[0])
    listed.clock.moment += DAYS * DAY
    assert erase_due(listed.session).hits == 1
    assert erased_counts(listed) == {}


def test_a_longer_amendment_lengthens_nothing_that_was_captured_before(listed: Scene) -> None:
    revealed_hit(listed, PLATES[0])
    listed.clock.moment += 60
    listed.amend(evidence_days=300)
    listed.witness()
    listed.session.ledger.refresh()
    listed.clock.moment += 60
    revealed_hit(listed, PLATES[1])
    listed.clock.moment += DAYS * DAY
    assert erase_due(listed.session).hits == 1
    assert hit_numbers(listed.session) == [2]
    listed.clock.moment += 269 * DAY
    assert erase_due(listed.session).hits == 1


def test_a_shorter_amendment_counts_for_what_is_kept_already(listed: Scene) -> None:
    revealed_hit(listed, PLATES[0])
    listed.amend(evidence_days=2)
    listed.witness()
    listed.session.ledger.refresh()
    listed.clock.moment += 2 * DAY
    assert erase_due(listed.session).hits == 1


class Killed(BaseException):
    """Stands for a process that ends between two steps."""


def die(*_arguments: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["_erase", "destroy_files"])
def test_a_round_that_was_broken_off_is_finished_by_the_next_and_counted_once(
    listed: Scene, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    revealed_hit(listed, PLATES[0])
    listed.clock.moment += DAYS * DAY

    with monkeypatch.context() as patched:
        patched.setattr(erasing, step, die)
        with pytest.raises(Killed):
            erase_due(listed.session)
    assert marks(listed.session)
    with listed.another_session() as session:
        erase_due(session)
    assert marks(listed.session) == []
    assert list(erased_counts(listed).values()) == [1]


def test_files_of_hits_that_stand_or_are_not_known_yet_and_other_files_are_left(listed: Scene) -> None:
    sealed, _ = revealed_hit(listed, PLATES[0])
    folder = listed.session.store.folder / "media"
    others = [folder / name for name in ("hit-99.sealed", "notes.txt", "hit-x.jpg")]
    for path in others:
        path.write_bytes(b"x")
    assert erase_due(listed.session).files == 0
    assert all(path.exists() for path in (*others, *files_of(listed.session, sealed.hit.hit_id)))


def test_a_log_that_somebody_reads_is_emptied_when_it_can_be(
    listed: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blindplate.client.owner.store._BUSY_SECONDS", 0.05)
    with listed.another_session() as session:
        revealed_hit(listed, PLATES[0])
        listed.clock.moment += DAYS * DAY
        job = Retaining(session)
        with listed.session.store.reading() as connection:
            connection.execute(select(hits)).all()
            job.step()
            assert marks(listed.session) != []
        job.step()
        assert marks(listed.session) == []


def test_the_daemon_looks_once_an_hour(listed: Scene) -> None:
    job = Retaining(listed.session)
    job.step()
    revealed_hit(listed, PLATES[0], at=listed.clock.moment - DAYS * DAY)
    listed.clock.moment += ROUND_SECONDS - 1
    job.step()
    assert hit_numbers(listed.session) == [1]
    listed.clock.moment += 1
    job.step()
    assert hit_numbers(listed.session) == []


def test_what_was_erased_does_not_come_back_by_another_answer(listed: Scene) -> None:
    sealed = hit_on(listed, PLATES[0])
    again = Claimed(0, sealed.record, sealed.match_secret)
    assert not answers._is_over(listed.session, again)
    listed.clock.moment += DAYS * DAY
    assert answers._is_over(listed.session, again)


def test_erasing_and_holding_wait_for_each_other(listed: Scene) -> None:
    entered = threading.Event()

    def erase() -> None:
        erase_due(listed.session)
        entered.set()

    thread = threading.Thread(target=erase)
    with listed.another_session() as session, session.store.erasing():
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(30)
    thread.join()


@pytest.fixture(scope="module")
def long_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with (
        pytest.MonkeyPatch.context() as patched,
        make_scene(tmp_path_factory.mktemp("o") / "d", patched) as made,
    ):
        made.put(*PLATES)
        yield made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 40 * DAY), st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_over_weeks_no_round_leaves_anything_past_its_days(
    long_scene: Scene, steps: list[tuple[int, bool, bool]]
) -> None:
    """Time passes, hits come, rounds run or are killed after their rows: after a whole round nothing is too old."""
    scene = long_scene
    for seconds, hit, killed in steps:
        scene.clock.moment += seconds
        if hit:
            revealed_hit(scene, PLATES[seconds % len(PLATES)])
        with pytest.MonkeyPatch.context() as patched, ExitStack() as stack:
            if killed:
                patched.setattr(erasing, "destroy_files", die)
                stack.enter_context(pytest.raises(Killed))
            erase_due(scene.session)
    erase_due(scene.session)
    with scene.session.store.reading() as connection:
        oldest = connection.execute(select(func.min(hits.c.captured_at))).scalar()
        numbers = set(connection.execute(select(hits.c.hit_id)).scalars())
    assert oldest is None or oldest > scene.clock.moment - DAYS * DAY
    for name in ("images", "media"):
        folder = scene.session.store.folder / name
        of = {int(path.name.lstrip(".").split("-")[1].split(".")[0]) for path in folder.glob("*hit-*")}
        assert of <= numbers
    assert bool(marks(scene.session)) == bool(numbers)
