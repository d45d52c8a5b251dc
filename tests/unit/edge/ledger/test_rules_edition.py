"""A replica made by another edition of the rules is read anew, and forgets neither its head nor its dates."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from blindplate.core.errors import ChainError, ForkError, StorageError
from blindplate.core.ledger.layout import witnessed_path
from blindplate.core.ledger.rules import RULES
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import END, EVERY_KIND, GRANT, MADE, PARTIES, entry_of
from tests.unit.core.ledger.samples import KEYS
from tests.unit.edge.ledger.publishing import Published

SAMPLES = [entry_of(model) for model, _ in EVERY_KIND]
END_INDEX = SAMPLES.index(entry_of(END))


@pytest.fixture
def filled(published: Published, source: FolderSource, tmp_path: Path) -> Path:
    """A replica that had read everything, some of it before the rest."""
    published.append(*SAMPLES)
    path = tmp_path / "replica.db"
    with closing(Replica(path, KEYS, PARTIES)) as replica:
        replica.extend(source, published.publish(MADE, size=5), MADE)
        replica.extend(source, published.publish(MADE + 9), MADE + 9)
    return path


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_entries_kept_before_keep_their_dates_and_the_head_stays(
    source: FolderSource, published: Published, filled: Path
) -> None:
    with closing(Replica(filled, KEYS, PARTIES)) as before:
        signed, root, grants = before.signed, before.root, dict(before.state.grants)
    execute(filled, f"UPDATE head SET rules = {RULES - 1}")
    with closing(Replica(filled, KEYS, PARTIES, source=source)) as anew:
        assert (anew.size, anew.root, anew.signed) == (len(SAMPLES), root, signed)
        assert dict(anew.state.grants) == grants
        # It goes on from where it was.
        published.append(b"\x00 no entry at all")
        anew.extend(source, published.publish(MADE + 10), MADE + 10)
    # Once: no source is needed any more.
    with closing(Replica(filled, KEYS, PARTIES)) as again:
        assert again.size == len(SAMPLES) + 1


@pytest.mark.parametrize(
    ("recorded", "ended_at"), [(True, MADE + 4), (False, MADE + 9)], ids=["recorded", "without-a-record"]
)
def test_an_entry_that_counts_only_now_is_dated_by_the_ledgers_record(
    source: FolderSource, published: Published, filled: Path, recorded: bool, ended_at: int
) -> None:
    forgets_the_end(filled)
    if recorded:
        published.write(witnessed_path(END_INDEX), published.note(a=MADE + 3, b=MADE + 4).to_bytes())
    with closing(Replica(filled, KEYS, PARTIES, source=source)) as anew:
        assert anew.state.grants[GRANT.grant_id].ended_at == ended_at
        assert anew.state.grants[GRANT.grant_id].amendments[0].witnessed_at == MADE


def forgets_the_end(path: Path) -> None:
    """As if the grant's end had not counted by the rules under which the file was written."""
    with closing(Replica(path, KEYS, PARTIES)) as whole:
        with whole._file.as_of_now():
            entries = [kept for kept in whole._file.load() if kept.index != END_INDEX]
        whole._file.replace(whole._file.head(), entries)
    execute(path, f"UPDATE head SET rules = {RULES - 1}")


def test_an_entry_that_counts_no_more_is_dropped(source: FolderSource, filled: Path) -> None:
    with closing(Replica(filled, KEYS, PARTIES)) as whole:
        with whole._file.as_of_now():
            head, kept = whole._file.head(), list(whole._file.load())
        # A second end of the same grant, as if it had counted once.
        (end,) = [one for one in kept if one.index == END_INDEX]
        whole._file.replace(head, [*kept, type(end)(100, MADE, end.entry)])
    with pytest.raises(ChainError, match="does not count any more"):
        Replica(filled, KEYS, PARTIES)
    execute(filled, f"UPDATE head SET rules = {RULES - 1}")
    with closing(Replica(filled, KEYS, PARTIES, source=source)) as anew:
        assert anew.state.grants[GRANT.grant_id].ended_at == MADE + 9


def test_a_ledger_that_shows_another_history_then_changes_nothing(
    published: Published, source: FolderSource, filled: Path
) -> None:
    execute(filled, f"UPDATE head SET rules = {RULES - 1}")
    published.entries[3] = b"\x00 another"
    published._write_bundles(0, len(SAMPLES))
    with pytest.raises(ForkError):
        Replica(filled, KEYS, PARTIES, source=source)
    with pytest.raises(StorageError, match="other rules"):
        Replica(filled, KEYS, PARTIES)


def test_a_file_of_the_first_version_is_brought_up_to_date(source: FolderSource, filled: Path) -> None:
    execute(
        filled,
        "ALTER TABLE head DROP COLUMN rules",
        "DROP TABLE receipts",
        "PRAGMA user_version = 1",
    )
    with pytest.raises(StorageError, match="other rules"):
        Replica(filled, KEYS, PARTIES)
    with closing(Replica(filled, KEYS, PARTIES, source=source)) as replica:
        assert replica.size == len(SAMPLES)
        assert replica.receipts == []


def test_a_replica_that_has_read_nothing_needs_no_ledger_to_be_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    Replica(path, KEYS, PARTIES).close()
    execute(path, f"UPDATE head SET rules = {RULES - 1}")
    with closing(Replica(path, KEYS, PARTIES, source=FolderSource(tmp_path))) as replica:
        assert replica.size == 0
