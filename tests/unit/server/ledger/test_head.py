"""The private head: it moves from one note to the next, never from another, and never back."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from blindplate.core.errors import ForkError, SettingsError, StorageError
from blindplate.server.ledger.head import Head, HeadRow, Move


def move(old: bytes, new: bytes, first: int, content: bytes = b"entries", size: int | None = None) -> Move:
    return Move(old, new, first + 1 if size is None else size, [(first, content)], {}, [])


def test_the_head_moves_and_keeps_what_came_with_it(tmp_path: Path) -> None:
    head = Head.create(tmp_path / "head", b"zero")
    head.move(Move(b"zero", b"one", 2, [(0, b"a"), (1, b"b")], {b"d" * 32: b"document"}, [(1, b"kept")]))
    assert head.read() == HeadRow(b"one", 2, 0)
    assert head.pieces(0, 2) == [(0, b"a"), (1, b"b")]
    assert head.documents() == {b"d" * 32: b"document"}
    assert list(head.kept()) == [(1, b"kept")]
    head.close()


def test_a_head_that_another_process_moved_is_left_where_it_is(tmp_path: Path) -> None:
    head = Head.create(tmp_path / "head", b"zero")
    with closing(sqlite3.connect(tmp_path / "head")) as other, other:
        other.execute("UPDATE head SET note = ?", (b"theirs",))
    with pytest.raises(ForkError):
        head.move(move(b"zero", b"ours", 0))
    assert (head.read().note, head.pieces(0, 9)) == (b"theirs", [])
    head.close()


def test_two_processes_do_not_open_one_head(tmp_path: Path) -> None:
    head = Head.create(tmp_path / "head", b"zero")
    with pytest.raises(StorageError, match="Another process"):
        Head(tmp_path / "head")
    head.close()
    Head(tmp_path / "head").close()


def test_a_missing_head_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no ledger's head"):
        Head(tmp_path / "head")
    assert list(tmp_path.iterdir()) == []


def test_a_head_is_not_made_over_another(tmp_path: Path) -> None:
    Head.create(tmp_path / "head", b"zero").close()
    with pytest.raises(SettingsError, match="already"):
        Head.create(tmp_path / "head", b"other")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "head")) as other, other:
        other.execute("CREATE TABLE something (else_ INTEGER)")
    with pytest.raises(SettingsError, match="version"):
        Head(tmp_path / "head")


def test_the_head_is_for_its_user_alone(tmp_path: Path) -> None:
    head = Head.create(tmp_path / "private" / "head", b"zero")
    head.move(move(b"zero", b"one", 0, bytes(1 << 17)))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "private").iterdir()}
    assert modes == {0o600}
    head.close()


def test_long_appends_lie_beside_and_are_found_again(tmp_path: Path) -> None:
    long = [bytes([at]) * 70_000 for at in range(3)]
    head = Head.create(tmp_path / "head", b"0")
    head.move(move(b"0", b"1", 0, long[0]))
    head.move(move(b"1", b"2", 1, b"short"))
    head.move(move(b"2", b"3", 2, long[1]))
    assert (tmp_path / "head").stat().st_size < 70_000
    head.close()
    head = Head(tmp_path / "head")
    assert [piece for _, piece in head.pieces(0, 3)] == [long[0], b"short", long[1]]
    # Written behind what still counts.
    head.move(move(b"3", b"4", 3, long[2]))
    head.settle(3, [], [])
    assert head.pieces(0, 9) == [(3, long[2])]
    head.close()


def test_what_was_staged_is_written_over_once_nothing_waits(tmp_path: Path) -> None:
    head = Head.create(tmp_path / "head", b"0")
    for number in range(5):
        head.move(move(b"%d" % number, b"%d" % (number + 1), number, bytes(70_000)))
        head.settle(number + 1, [(bytes([number]) * 32, number)], [])
    assert (tmp_path / "head-staging").stat().st_size == 70_000
    assert head.find([bytes([3]) * 32, bytes([7]) * 32]) == {bytes([3]) * 32: 3}
    assert sorted(head.indexed()) == [0, 1, 2, 3, 4]
    head.close()


def test_a_full_database_moves_nothing(tmp_path: Path) -> None:
    head = Head.create(tmp_path / "head", b"zero")
    (pages,) = head._connection.execute("PRAGMA page_count").fetchone()
    head._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError):
        head.move(move(b"zero", b"one", 0, bytes(50_000)))
    head.reopen()
    assert (head.read().note, head.pieces(0, 9)) == (b"zero", [])
    head.move(move(b"zero", b"one", 0, bytes(50_000)))
    assert head.read().note == b"one"
    head.close()
