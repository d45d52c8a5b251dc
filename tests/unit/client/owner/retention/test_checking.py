"""The owner's check finds what a broken erasure leaves, and the ledger is told of each day once."""

from __future__ import annotations

import os
import sqlite3

import pytest
from sqlalchemy import update

from blindplate.client.owner.retention import job
from blindplate.client.owner.retention.check import TOLERANCE_SECONDS, Place, check
from blindplate.client.owner.retention.erasing import Erased, erase_due, utc_day
from blindplate.client.owner.retention.holding import hold
from blindplate.client.owner.retention.job import Retaining
from blindplate.client.owner.tables import hits, requests
from blindplate.core.errors import UnavailableError
from blindplate.core.signing import Statement
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.holds import HoldReason
from tests.unit.client.owner.retention.samples import DAY, MARK, revealed_hit
from tests.unit.client.owner.scene import PLATES, Scene

DAYS = 31


@pytest.fixture
def listed(scene: Scene) -> Scene:
    scene.put(*PLATES)
    return scene


def overdue(scene: Scene, *, emptied: bool = True) -> dict[Place, int]:
    return {one.place: one.overdue for one in check(scene.session, emptied=emptied) if one.overdue}


def told(scene: Scene) -> list[EvidenceErasures]:
    found = [Statement.from_json(entry.decode()) for entry in scene.ledger.entries]
    kind = EvidenceErasures.media_type()
    return [EvidenceErasures.parsed(one.payload) for one in found if one.payload_type == kind]


def test_nothing_is_overdue_before_its_time_nor_after_a_round(listed: Scene) -> None:
    revealed_hit(listed, PLATES[0])
    assert overdue(listed) == {}
    listed.clock.moment += (DAYS + 1) * DAY
    erase_due(listed.session)
    assert overdue(listed) == {}


def test_a_hit_that_is_not_erased_is_found_by_its_record_whatever_its_row_says(listed: Scene) -> None:
    """A round that went by a wrong time of capture would never come to it."""
    sealed, _ = revealed_hit(listed, PLATES[0])
    with listed.session.store.writing() as connection:
        connection.execute(update(hits).values(captured_at=listed.clock.moment + 1000 * DAY))
    listed.clock.moment = sealed.hit.captured_at + DAYS * DAY + TOLERANCE_SECONDS
    erase_due(listed.session)
    assert overdue(listed) == {}
    listed.clock.moment += 1
    assert overdue(listed) == {Place.HITS: 1}
    (found, *_) = check(listed.session, emptied=True)
    assert found.oldest_seconds == TOLERANCE_SECONDS + 1


def test_a_file_without_its_hit_is_found_and_one_of_another_name_too(listed: Scene) -> None:
    revealed_hit(listed, PLATES[0])
    folder = listed.session.store.folder / "images"
    for name in ("hit-77.jpg", "copy of hit-1.jpg"):
        (folder / name).write_bytes(MARK)
        os.utime(folder / name, (listed.clock.moment, listed.clock.moment))
    assert overdue(listed) == {}
    listed.clock.moment += TOLERANCE_SECONDS + 1
    assert overdue(listed) == {Place.FILES: 2}


def test_a_freed_page_that_was_not_overwritten_is_found(listed: Scene) -> None:
    revealed_hit(listed, PLATES[0])
    listed.session.store.empty_log()
    raw = sqlite3.connect(listed.session.store.path)
    raw.execute("PRAGMA secure_delete=OFF")
    raw.execute("CREATE TABLE left_behind (x)")
    raw.execute("INSERT INTO left_behind VALUES (?)", (MARK * 1000,))
    raw.commit()
    raw.execute("DROP TABLE left_behind")
    raw.commit()
    raw.close()
    assert overdue(listed)[Place.FREE_PAGES] > 0


def test_rows_whose_hit_is_gone_are_found(listed: Scene) -> None:
    revealed_hit(listed, PLATES[0])
    raw = sqlite3.connect(listed.session.store.path)
    raw.execute("DELETE FROM hits")
    raw.commit()
    raw.close()
    assert overdue(listed)[Place.ROWS] == 2


def test_a_log_that_was_not_emptied_is_told(listed: Scene) -> None:
    assert overdue(listed, emptied=False) == {Place.LOG: 1}


def test_a_held_hit_is_not_overdue_until_the_hold_is_over(listed: Scene) -> None:
    sealed, _ = revealed_hit(listed, PLATES[0])
    with listed.session.store.writing() as connection:
        connection.execute(update(requests).values(ledger_index=1))
    hold(listed.session, 1, HoldReason.COMPLAINT, "Data Protection Act 2018", 60)
    listed.clock.moment = sealed.hit.captured_at + 50 * DAY
    assert overdue(listed) == {}
    listed.clock.moment += 20 * DAY
    assert overdue(listed) == {Place.HITS: 1}


def test_the_ledger_is_told_of_each_day_once_whatever_was_erased_kept_and_held(listed: Scene) -> None:
    retaining = Retaining(listed.session)
    retaining.step()
    (first,) = told(listed)
    assert (first.day, first.evidence, first.overdue) == (utc_day(listed.clock.moment - DAY), (), 0)
    begins = listed.clock.moment
    revealed_hit(listed, PLATES[0])
    revealed_hit(listed, PLATES[1])
    with listed.session.store.writing() as connection:
        connection.execute(update(requests).values(ledger_index=1))
    hold(listed.session, 2, HoldReason.COMPLAINT, "Data Protection Act 2018", 60)
    for _ in range(3):
        retaining.step()
    assert len(told(listed)) == 1
    listed.clock.moment = begins + DAYS * DAY
    retaining.step()
    days = [one.day for one in told(listed)]
    assert days == [utc_day(begins + n * DAY) for n in range(-1, DAYS)]
    (row,) = told(listed)[-1].evidence
    assert (row.erased, row.kept, row.held) == (0, 1, 1)
    listed.clock.moment += DAY
    retaining.step()
    (row,) = told(listed)[-1].evidence
    assert (row.list_id, row.zone) == ("police", listed.session.grant.zones[0].zone)
    assert (row.erased, row.kept, row.held) == (1, 1, 1)


def test_a_statement_that_could_not_be_entered_is_entered_later_with_the_same_bytes(
    listed: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_statements: list[Statement]) -> None:
        raise UnavailableError("Away.")

    with monkeypatch.context() as patched:
        patched.setattr(listed.ledger, "append", away)
        with pytest.raises(UnavailableError):
            Retaining(listed.session).step()
    listed.clock.moment += 60
    with listed.another_session() as session:
        Retaining(session).step()
    (statement,) = told(listed)
    assert statement.made_at == int(listed.clock.moment) - 60


def test_what_is_overdue_is_logged_by_place_alone_and_told_to_everyone(
    listed: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "erase_due", lambda _session: Erased(0, 0, emptied=True))
    revealed_hit(listed, PLATES[0])
    listed.clock.moment += (DAYS + 2) * DAY
    Retaining(listed.session).step()
    assert told(listed)[-1].overdue == 1
    said = capsys.readouterr()
    assert "retention-overdue" in said.out + said.err
    assert PLATES[0] not in said.out + said.err
