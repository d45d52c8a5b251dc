"""G7: a matcher that fails to erase finds it out itself at night, and so does whoever audits the ledger.

In each attack one defence is taken away, the matcher keeps house over a night, states the day, and an auditor reads that
statement. What no check can find, a matcher that copies what it swore to erase, is attacked last: it succeeds.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.statements.erasures import Erasures, Place
from blindplate.core.statements.uploads import Stage
from tests.unit.client.auditor.ledgers import BEGINS as LEDGER_BEGINS
from tests.unit.client.auditor.ledgers import DAY, Ledger, row, violated
from tests.unit.server.matcher.retention.site import HOLD, Clock, Site

_STEP = 6 * 3600
PLATE = b"AB12CDE"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A matcher with a record in every state, lists, media and keys: all of it ends in an hour."""
    opened = Site(tmp_path / "matcher", Clock())
    plain, keep = opened.segment(1), opened.segment(1, stage=Stage.KEEP)
    claimed, kept = opened.read(), opened.read(opens=100)
    opened.read()
    opened.claim(opened.answer(plain, claimed), claimed)
    opened.keep(opened.answer(keep, kept), kept, vehicle=1)
    yield opened
    opened.close()


def records_put_back(site: Site) -> None:
    """A copy of the records is put back each time they were erased."""
    with closing(sqlite3.connect(site.folder / "matcher.db")) as database:
        copies = {
            table: database.execute(f"SELECT * FROM {table}").fetchall() for table in ("receipts", "records")
        }
    honest = site.keeper.backlog.set_held

    def put_back(held: dict[str, int]) -> None:
        honest(held)
        with closing(sqlite3.connect(site.folder / "matcher.db", timeout=10)) as database:
            for table, rows in copies.items():
                marks = ", ".join("?" * len(rows[0]))
                database.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
            database.commit()

    setattr(site.keeper.backlog, "set_held", put_back)  # noqa: B010  its type is not for us to change


def does_nothing(*_arguments: object) -> int:
    return 0


def leaves_segment_files(site: Site) -> None:
    setattr(site.files, "remove", does_nothing)  # noqa: B010  as above


def leaves_media_files(site: Site) -> None:
    setattr(site.media, "sweep", does_nothing)  # noqa: B010  as above


def keeps_window_keys(site: Site) -> None:
    setattr(site.window_keys, "destroy_due", does_nothing)  # noqa: B010  as above


def keeps_retention_keys(site: Site) -> None:
    setattr(site.retention_keys, "destroy_unused", does_nothing)  # noqa: B010  as above


def keeps_the_log(site: Site) -> None:
    setattr(site.database, "truncate_log", does_nothing)  # noqa: B010  as above


def forgets_without_overwriting(site: Site) -> None:
    """Plates written down and deleted by a database that does not overwrite."""
    with closing(sqlite3.connect(site.folder / "matcher.db", isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete=OFF")
        database.execute("CREATE TABLE plates (plate BLOB)")
        database.executemany("INSERT INTO plates VALUES (?)", [(PLATE * 1000,)] * 20)
        database.execute("DROP TABLE plates")


BROKEN = (
    (records_put_back, {Place.RECORDS, Place.RECEIPTS}),
    (leaves_segment_files, {Place.SEGMENT_FILES}),
    (leaves_media_files, {Place.MEDIA_FILES}),
    (keeps_window_keys, {Place.WINDOW_KEYS}),
    (keeps_retention_keys, {Place.RETENTION_KEYS}),
    (keeps_the_log, {Place.WRITE_AHEAD_LOG}),
    (forgets_without_overwriting, {Place.FREE_PAGES}),
)


def night(site: Site) -> Erasures:
    """Days pass until everything must be gone; the statement of the last of them."""
    for _ in range((HOLD + 3 * DAY) // _STEP):
        site.clock.time += _STEP
        # Twice, as it would every second: what is overdue is looked at again.
        for _ in range(2):
            site.keeper.keep()
            site.clock.time += 1
    return site.stated()[-1]


def audited(stated: Erasures) -> set[Kind]:
    """What an auditor finds of a day stated so."""
    ledger = Ledger.begun()
    ledger.states_days = False
    ledger.counts(row(received=4, erased_acknowledged=4))
    ledger.now = LEDGER_BEGINS + DAY + 60
    ledger.erasures(places=stated.places)
    return violated(ledger)


def test_a_matcher_that_erases_finds_nothing_and_an_auditor_neither(site: Site) -> None:
    stated = night(site)
    assert [one for one in stated.places if one.overdue] == []
    assert audited(stated) == set()


@pytest.mark.parametrize(("broken", "places"), BROKEN, ids=[one.__name__ for one, _ in BROKEN])
def test_a_matcher_that_fails_to_erase_is_found_by_its_check_and_by_an_auditor(
    site: Site, broken: Callable[[Site], None], places: set[Place]
) -> None:
    broken(site)
    stated = night(site)
    assert {one.place for one in stated.places if one.overdue} == places
    assert audited(stated) == {Kind.ERASURES_OVERDUE}


def test_a_matcher_that_hides_where_it_failed_is_found_by_an_auditor(site: Site) -> None:
    keeps_window_keys(site)
    stated = night(site)
    hidden = tuple(one for one in stated.places if not one.overdue)
    assert audited(stated.model_copy(update={"places": hidden})) == {Kind.ERASURES_CHECKED}


def test_a_matcher_that_keeps_a_copy_elsewhere_is_not_found(site: Site, tmp_path: Path) -> None:
    """A documented limit: erasure is sworn."""
    shutil.copytree(site.folder, tmp_path / "copy")
    stated = night(site)
    assert list((tmp_path / "copy" / "window-keys").glob("*.key"))
    assert audited(stated) == set()
