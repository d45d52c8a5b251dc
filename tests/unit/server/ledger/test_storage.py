"""Head, files and tree as one: what was appended is there, whatever failed; foreign or lagging files are refused."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from blindplate.core.errors import (
    ChainError,
    ForkError,
    OverloadedError,
    RollbackError,
    SettingsError,
    StorageError,
)
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner, verify_checkpoint
from blindplate.core.merkle import leaf_hash, root, verify_inclusion
from blindplate.server.ledger.fsck import fsck
from blindplate.server.ledger.head import Head
from blindplate.server.ledger.storage import SignedHead, Storage
from tests.unit.server.ledger.faults import ERRORS, Crash, disk_error, nth_call_fails
from tests.unit.server.ledger.site import KEYS, ORIGIN, Site, append, cosigned, damage, entries, entry, sign


def test_an_append_is_proven_by_its_paths(site: Site) -> None:
    storage = site.create()
    new = entries(300)
    append(storage, new[:7])
    appended = append(storage, new[7:])
    signed = verify_checkpoint(appended.head.note, KEYS)
    assert (appended.first, signed.checkpoint) == (7, Checkpoint(ORIGIN, 300, root(new)))
    for at, path in enumerate(appended.paths, start=7):
        verify_inclusion(new[at], at, 300, path, signed.checkpoint.root)
    for at in (0, 6, 299):
        verify_inclusion(new[at], at, 300, storage.path(at), signed.checkpoint.root)


def test_published_files_are_the_entries(site: Site) -> None:
    storage = site.create()
    new = entries(600)
    append(storage, new[:300])
    storage.publish()
    append(storage, new[300:])
    storage.publish()
    bundles = [site.public / f"tile/entries/{name}" for name in ("000", "001", "002.p/88")]
    assert [one for path in bundles for one in decode_bundle(path.read_bytes())] == new
    assert storage.find([leaf_hash(one) for one in (new[0], new[599], b"no entry")]) == {
        leaf_hash(new[0]): 0,
        leaf_hash(new[599]): 599,
    }


def test_entries_that_wait_to_be_published_survive_a_kill(site: Site) -> None:
    storage = site.create()
    append(storage, entries(300))
    assert not (site.public / "tile").exists()
    head = storage.head
    storage = site.open()
    assert storage.head == head
    assert (site.public / "tile/entries/001.p/44").exists()
    site.kill()
    assert fsck(site.settings()) == []


def test_more_than_may_wait_is_refused_and_taken_later(site: Site) -> None:
    site.create()
    storage = site.open(max_unpublished=10)
    append(storage, entries(8))
    with pytest.raises(OverloadedError):
        append(storage, entries(3, 8))
    storage.publish()
    assert append(storage, entries(3, 8)).first == 8


def test_partial_forms_go_once_the_tile_after_theirs_is_whole(site: Site) -> None:
    storage = site.create()
    kept: list[bool] = []
    for first, count in ((0, 100), (100, 156), (256, 100), (356, 156)):
        append(storage, entries(count, first))
        storage.publish()
        kept.append((site.public / "tile/0/000.p/100").exists())
    assert kept == [True, True, True, False]
    assert not (site.public / "tile/entries/000.p").exists()
    site.kill()
    assert fsck(site.settings()) == []


def workload(storage: Storage, acknowledged: list[bytes], size: int) -> None:
    """Appends, publications and a checkpoint; after each failure the disk is read anew, as the sequencer does it."""
    for step in range(2):
        try:
            new = entries(size, size * step)
            # What has been appended for all that it failed is not appended again.
            found = storage.find([leaf_hash(one) for one in new])
            if not found:
                append(storage, new)
            acknowledged += new
            storage.replace_checkpoint(cosigned(storage.publish()))
        except StorageError:
            storage.reopen()


def require_intact(site: Site, acknowledged: list[bytes]) -> None:
    storage = site.open()
    found = storage.find([leaf_hash(one) for one in acknowledged])
    assert set(found) == {leaf_hash(one) for one in acknowledged}
    append(storage, [entry(10_000)])
    site.kill()
    assert fsck(site.settings()) == []


@pytest.mark.parametrize("error", ERRORS, ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("size", [5, 140], ids=["short", "staged"])
def test_whatever_call_fails_nothing_acknowledged_is_lost(site: Site, error: int, size: int) -> None:
    # Every second call with the one error, those between with the other.
    number = ERRORS.index(error) - 1
    while True:
        number += 2 if size == 5 else 6
        acknowledged: list[bytes] = []
        storage = site.create()
        with nth_call_fails(number, disk_error(error)) as seen:
            workload(storage, acknowledged, size)
        require_intact(site, acknowledged)
        shutil.rmtree(site.head.parent)
        shutil.rmtree(site.public)
        if len(seen) < number:
            return


@pytest.fixture
def crashes_after_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, the process ends right after the head has moved."""

    def arm() -> None:
        move = Head.move

        def crash(self: Head, *arguments: object) -> None:
            move(self, *arguments)  # type: ignore[arg-type]  # handed on as they came
            monkeypatch.setattr(Head, "move", move)
            raise Crash

        monkeypatch.setattr(Head, "move", crash)

    return arm


def test_a_crash_between_head_and_tiles_is_repaired(
    site: Site, crashes_after_commit: Callable[[], None]
) -> None:
    storage = site.create()
    append(storage, entries(10))
    storage.publish()
    crashes_after_commit()
    with pytest.raises(Crash):
        append(storage, entries(20, 10))
    storage = site.open()
    assert storage.head.checkpoint == Checkpoint(ORIGIN, 30, root(entries(30)))
    require_intact(site, entries(30))


def test_a_crash_at_any_write_of_the_tiles_is_repaired(site: Site) -> None:
    number, new = 0, entries(5)
    while True:
        number += 1
        storage = site.create()
        append(storage, new)
        with nth_call_fails(number, Crash()) as seen:
            try:
                storage.publish()
            except Crash:
                crashed = True
            else:
                crashed = False
        require_intact(site, new)
        shutil.rmtree(site.head.parent)
        shutil.rmtree(site.public)
        if not crashed:
            assert len(seen) < number
            return


def test_after_a_failure_nothing_is_written_before_the_disk_was_read_anew(site: Site) -> None:
    storage = site.create()
    with nth_call_fails(1, disk_error(5)), pytest.raises(StorageError):
        append(storage, entries(300))
    for attempt in (lambda: append(storage, entries(1)), storage.publish):
        with pytest.raises(StorageError, match="read anew"):
            attempt()
    storage.reopen()
    assert append(storage, entries(1)).first == 0


def test_a_commit_that_failed_but_lasted_is_found_when_read_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = site.create()
    move = Head.move

    def fail(self: Head, *arguments: object) -> None:
        move(self, *arguments)  # type: ignore[arg-type]  # handed on as they came
        raise StorageError("The sync failed.")

    monkeypatch.setattr(Head, "move", fail)
    with pytest.raises(StorageError):
        append(storage, entries(5))
    monkeypatch.setattr(Head, "move", move)
    assert storage.head.checkpoint.size == 0
    storage.reopen()
    assert storage.head.checkpoint == Checkpoint(ORIGIN, 5, root(entries(5)))
    assert storage.find([leaf_hash(entry(3))]) == {leaf_hash(entry(3)): 3}


def test_reading_anew_while_it_publishes_corrupts_no_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head forgot what is public, though it said that it could not; then it is read anew in the middle."""
    storage = site.create()
    append(storage, entries(100))
    storage.publish()
    append(storage, entries(200, 100))
    settle, pieces = Head.settle, Head.pieces

    def fail(self: Head, *arguments: object) -> None:
        settle(self, *arguments)  # type: ignore[arg-type]  # handed on as they came
        raise StorageError("The sync failed.")

    monkeypatch.setattr(Head, "settle", fail)
    with pytest.raises(StorageError):
        storage.publish()
    monkeypatch.setattr(Head, "settle", settle)

    def reopening(self: Head, *arguments: int) -> list[tuple[int, bytes]]:
        monkeypatch.setattr(Head, "pieces", pieces)
        storage.reopen()
        return pieces(self, *arguments)

    monkeypatch.setattr(Head, "pieces", reopening)
    with pytest.raises(StorageError):
        storage.publish()
    storage.reopen()
    storage.publish()
    require_intact(site, entries(300))


def filled(site: Site) -> SignedHead:
    """A ledger of 300 published and witnessed entries, closed; its head."""
    storage = site.create()
    append(storage, entries(300))
    head = storage.publish()
    storage.replace_checkpoint(cosigned(head))
    site.kill()
    return head


@pytest.mark.parametrize(
    "lost", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "tile/0/000", "tile"]
)
def test_it_does_not_open_on_public_files_that_lag_behind_the_head(site: Site, lost: str) -> None:
    filled(site)
    path = site.public / lost
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    if lost == "tile/0/000":
        # Not on the right edge: the start does not read it, fsck does.
        site.open()
        site.kill()
        assert [defect.path for defect in fsck(site.settings())] == [lost]
        return
    with pytest.raises(ChainError):
        site.open()


@pytest.mark.parametrize("altered", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
def test_it_does_not_open_on_a_right_edge_that_was_altered(site: Site, altered: str) -> None:
    filled(site)
    damage(site.public / altered, at=5)
    with pytest.raises(ChainError):
        site.open()


def copies(site: Site) -> Iterator[Callable[[], None]]:
    """Take copies of public files and head as they are; each call puts one back."""
    for folder in (site.public, site.head.parent):
        copy = site.folder / f"copy-{folder.name}"
        shutil.copytree(folder, copy)

        def put_back(folder: object = folder, copy: object = copy) -> None:
            shutil.rmtree(str(folder))
            shutil.copytree(str(copy), str(folder))

        yield put_back


@pytest.mark.parametrize("witnessed", [True, False])
def test_an_older_head_under_newer_files_is_a_rollback(site: Site, witnessed: bool) -> None:
    filled(site)
    _, older_head = copies(site)
    storage = site.open()
    append(storage, entries(20, 300))
    head = storage.publish()
    if witnessed:
        storage.replace_checkpoint(cosigned(head))
    site.kill()
    older_head()
    with pytest.raises(RollbackError):
        site.open()


def test_older_files_under_a_newer_head_are_refused(site: Site) -> None:
    filled(site)
    older_files, _ = copies(site)
    storage = site.open()
    append(storage, entries(20, 300))
    storage.publish()
    site.kill()
    older_files()
    with pytest.raises(ChainError):
        site.open()


def test_a_public_checkpoint_of_another_history_is_a_fork(site: Site) -> None:
    filled(site)
    other = Site(site.folder / "other")
    storage = other.create()
    append(storage, entries(200, 5_000))
    foreign = cosigned(storage.head)
    other.kill()
    (site.public / "checkpoint").write_bytes(foreign)
    with pytest.raises(ForkError):
        site.open()


def test_a_head_of_another_origin_or_key_is_refused(site: Site) -> None:
    filled(site)
    origin = LogSigner.from_seed("other.example/ledger", bytes(32))
    key = LogSigner.from_seed(ORIGIN, bytes([7]) * 32)
    for keys in (
        replace(KEYS, origin="other.example/ledger", log=origin.keys),
        replace(KEYS, log=key.keys),
    ):
        with pytest.raises(SettingsError, match="origin"):
            site.open(keys=keys)


def test_a_head_without_the_entries_it_was_signed_over_is_refused(site: Site) -> None:
    storage = site.create()
    append(storage, entries(5))
    append(storage, entries(5, 5))
    site.kill()
    with closing(sqlite3.connect(site.head)) as database, database:
        database.execute("DELETE FROM pending WHERE first = 0")
    with pytest.raises(ChainError):
        site.open()


def test_a_head_whose_waiting_entries_were_altered_is_refused(site: Site) -> None:
    storage = site.create()
    append(storage, entries(1))
    site.kill()
    with closing(sqlite3.connect(site.head)) as database, database:
        (piece,) = database.execute("SELECT entries FROM pending").fetchone()
        database.execute("UPDATE pending SET entries = ?", (piece[:-1] + b"?",))
    with pytest.raises(ChainError):
        site.open()


def test_two_entries_whose_hashes_begin_alike_are_told_apart(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blindplate.server.ledger.head._KEY_BYTES", 1)
    storage = site.create()
    append(storage, entries(600))
    storage.publish()
    # Of those with one key the first is found; no other is taken for it.
    found = storage.find([leaf_hash(one) for one in entries(700)])
    assert all(found[leaf] == at for at, leaf in enumerate(map(leaf_hash, entries(600))) if leaf in found)
    assert not any(leaf_hash(one) in found for one in entries(100, 600))


def test_documents_are_public_once_published_and_known_before(site: Site) -> None:
    storage = site.create()
    digest = bytes(32)
    storage.append([entry(0)], [leaf_hash(entry(0))], {digest: b"a document"}, (), sign)
    assert storage.document(digest) == b"a document"
    storage.publish()
    assert (site.public / "documents" / digest.hex()).read_bytes() == b"a document"
    assert (storage.document(digest), storage.document(bytes([1]) * 32)) == (b"a document", None)
