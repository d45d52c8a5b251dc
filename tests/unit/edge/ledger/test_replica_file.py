"""A replica's file: whole after a kill or a full disk, and refused when it is torn, altered or another's."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blindplate.core.encoding import digest
from blindplate.core.errors import ChainError, StorageError
from blindplate.core.ledger.checkpoints import LedgerKeys
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import leaf_hash
from blindplate.edge.ledger import replica_file as module
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.replica_file import ReplicaFile
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import (
    EVERY_KIND,
    GRANT,
    MADE,
    PARTIES,
    REQUEST,
    VERSION,
    changed,
    entry_of,
)
from tests.unit.core.ledger.samples import KEYS, LOG, WITNESSES
from tests.unit.edge.ledger.publishing import Published

ROOT = Path(__file__).resolve().parents[4]
SAMPLES = [entry_of(model) for model, _ in EVERY_KIND]
LEDGER = digest("test")
OpenReplica = Callable[..., Replica]

# Reads up to the published checkpoint in a process of its own, and is killed where ``sys.argv[3]`` says.
KILLED = """
import os, signal, sys
from pathlib import Path
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import PARTIES
from tests.unit.core.ledger.samples import KEYS

def die():
    os.kill(os.getpid(), signal.SIGKILL)

source = FolderSource(Path(sys.argv[1]))
signed = verify_checkpoint(source.get("checkpoint"), KEYS)
replica = Replica(Path(sys.argv[2]), KEYS, PARTIES)
replica.extend(source, signed, 5, sign=die if sys.argv[3] == "before" else None)
die()
"""


@pytest.fixture
def filled(published: Published, source: FolderSource, open_replica: OpenReplica, tmp_path: Path) -> Path:
    """The file of a replica that was closed after it had read one entry of every kind."""
    published.append(*SAMPLES)
    replica = open_replica()
    replica.extend(source, published.publish(MADE), MADE)
    replica.close()
    return tmp_path / "replicas" / "replica.db"


@pytest.mark.parametrize(("moment", "size"), [("before", 3), ("after", len(SAMPLES))])
def test_a_kill_before_the_commit_loses_nothing_and_one_after_it_keeps_everything(
    published: Published,
    source: FolderSource,
    open_replica: OpenReplica,
    tmp_path: Path,
    moment: str,
    size: int,
) -> None:
    published.append(*SAMPLES)
    replica = open_replica()
    replica.extend(source, published.publish(MADE, size=3), MADE)
    before = replica.signed
    replica.close()
    published.publish(MADE)
    file = tmp_path / "replicas" / "replica.db"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, published.folder, file, moment], cwd=ROOT, stderr=subprocess.PIPE
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    again = open_replica()
    assert again.size == size
    assert (again.signed == before) == (moment == "before")
    again.extend(source, published.publish(MADE + 1), MADE + 1)
    assert again.size == len(SAMPLES)


def test_what_sign_gives_is_stored_and_what_it_raises_undoes_everything(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    published.append(*SAMPLES)
    replica, checkpoint = open_replica(), published.publish(MADE)

    def refuse() -> bytes:
        raise OSError("no key")

    with pytest.raises(OSError, match="no key"):
        replica.extend(source, checkpoint, MADE, sign=refuse)
    assert (replica.size, replica.signed, dict(replica.state.grants)) == (0, b"", {})
    replica.extend(source, checkpoint, MADE, sign=lambda: b"cosigned")
    assert replica.signed == b"cosigned"
    replica.close()
    assert open_replica().signed == b"cosigned"


def test_a_full_disk_leaves_the_replica_as_it_was_and_it_goes_on_when_there_is_room(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    published.append(*SAMPLES[:4])
    replica = open_replica()
    replica.extend(source, published.publish(MADE), MADE)
    connection = replica._file._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    published.append(*(entry_of(changed(REQUEST, request_id=bytes([number]) * 32)) for number in range(100)))
    checkpoint = published.publish(MADE)
    with pytest.raises(StorageError, match="full"):
        replica.extend(source, checkpoint, MADE)
    assert replica.size == 4
    assert not replica.state.requests
    connection.execute("PRAGMA max_page_count = 100000")
    replica.extend(source, checkpoint, MADE)
    assert len(replica.state.requests) == 100


def test_two_who_extend_one_file_do_not_both_go_on(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    published.append(*SAMPLES)
    first, second = open_replica(), open_replica()
    first.extend(source, published.publish(MADE, size=7), MADE)
    with pytest.raises(StorageError, match="Another process"):
        second.extend(source, published.publish(MADE), MADE)
    assert second.size == 0
    first.extend(source, published.publish(MADE), MADE)


def test_a_replica_is_opened_whole_while_another_process_extends_it(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    versions = [changed(VERSION, list_version=number, added=0) for number in range(2, 60)]
    published.append(*SAMPLES[:2], *map(entry_of, (VERSION, *versions)))
    steps = [published.publish(MADE, size=size) for size in range(2, len(published.entries) + 1)]
    extended, over = open_replica(), threading.Event()

    def extend() -> None:
        for step in steps:
            extended.extend(source, step, MADE)
        over.set()

    extending = threading.Thread(target=extend)
    extending.start()
    seen: set[int] = set()
    try:
        while not over.is_set():
            opened = open_replica()
            assert len(opened.state.list_versions.get(GRANT.grant_id, ())) == max(opened.size - 2, 0)
            seen.add(opened.size)
            opened.close()
    finally:
        extending.join()
    assert len(seen) > 1


def test_nothing_is_written_to_a_file_that_was_closed(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    replica = open_replica()
    replica.close()
    with pytest.raises(StorageError, match="closed"):
        replica.extend(source, published.publish(MADE), MADE)


# What is refused when it is opened.


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE ledger_index = (SELECT max(ledger_index) FROM entries)",
        "DELETE FROM entries WHERE ledger_index = 4",
        "DELETE FROM entries",
        "UPDATE entries SET witnessed_at = witnessed_at - 1 WHERE ledger_index = 4",
        "UPDATE entries SET ledger_index = 100 WHERE ledger_index = 4",
        "UPDATE entries SET entry = x'00' WHERE ledger_index = 4",
        "UPDATE entries SET entry = (SELECT entry FROM entries WHERE ledger_index = 5) WHERE ledger_index = 4",
        "UPDATE entries SET document = NULL",
        "DELETE FROM documents",
        "UPDATE documents SET document = x'00'",
        "UPDATE head SET frontier = x'00'",
        "UPDATE head SET frontier = zeroblob(8)",
        "UPDATE head SET chain = zeroblob(32)",
        "DELETE FROM head",
        "DELETE FROM roots",
        "UPDATE roots SET root = zeroblob(32)",
    ],
)
def test_a_replica_that_does_not_hold_what_was_written_is_refused(
    filled: Path, open_replica: OpenReplica, statement: str
) -> None:
    with sqlite3.connect(filled) as connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()
    with pytest.raises(ChainError):
        open_replica()


def test_a_bit_flipped_in_an_entry_on_disk_is_noticed(filled: Path, open_replica: OpenReplica) -> None:
    content = bytearray(filled.read_bytes())
    at = content.index(entry_of(VERSION)) + 200
    content[at] ^= 1
    filled.write_bytes(content)
    with pytest.raises(ChainError):
        open_replica()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(filled: Path, open_replica: OpenReplica, part: float) -> None:
    content = filled.read_bytes()
    filled.write_bytes(content[: int(len(content) * part)])
    with pytest.raises((StorageError, ChainError)):
        open_replica()


def test_a_file_of_something_else_is_refused(tmp_path: Path, open_replica: OpenReplica) -> None:
    (tmp_path / "replicas").mkdir()
    (tmp_path / "replicas" / "text").write_bytes(b"not a database at all, but some text" * 100)
    connection = sqlite3.connect(tmp_path / "replicas" / "foreign")
    connection.execute("CREATE TABLE head (one INTEGER)")
    connection.commit()
    connection.close()
    for name in ("text", "foreign"):
        with pytest.raises(StorageError):
            open_replica(name)


def test_a_file_of_another_release_is_refused(filled: Path, open_replica: OpenReplica) -> None:
    with sqlite3.connect(filled) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(StorageError, match="release"):
        open_replica()


def test_an_empty_file_as_a_kill_leaves_it_is_a_new_replica(
    tmp_path: Path, open_replica: OpenReplica
) -> None:
    (tmp_path / "replicas").mkdir()
    (tmp_path / "replicas" / "replica.db").touch(0o600)
    assert open_replica().size == 0


def test_a_place_where_no_file_can_be_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Replica(tmp_path / "file" / "replica.db", KEYS, PARTIES)
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        Replica(tmp_path / "folder", KEYS, PARTIES)


@pytest.mark.parametrize("party", ["operator", "custodian_a", "custodian_b", "matcher"])
def test_a_replica_made_under_other_parties_is_refused(filled: Path, party: str) -> None:
    with pytest.raises(ChainError, match="another ledger"):
        Replica(filled, KEYS, replace(PARTIES, **{party: bytes(32)}))


def test_a_replica_of_another_ledger_is_refused(filled: Path) -> None:
    log = type(LOG).from_seed("another.example", b"l" * 32)
    keys = LedgerKeys(
        "another.example", log.keys, {custodian: one.keys for custodian, one in WITNESSES.items()}
    )
    with pytest.raises(ChainError, match="another ledger"):
        Replica(filled, keys, PARTIES)


def test_only_recent_roots_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROOTS_KEPT", 3)
    file = ReplicaFile(tmp_path / "replica.db", LEDGER)
    head = file.head()
    for number in range(1, 7):
        frontier = head.frontier.appended([leaf_hash(bytes([number]))])
        head = file.write(head, frontier, [], lambda: b"")
    assert [file.root_at(size) is not None for size in range(7)] == [False] * 4 + [True] * 3
    assert file.root_at(6) == head.frontier.root()
    assert file.entry(0) is None
    file.close()


def test_an_entry_that_was_lost_is_told(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    published.append(*SAMPLES)
    replica = open_replica()
    replica.extend(source, published.publish(MADE), MADE)
    replica._file._connection.execute("DELETE FROM entries")
    with pytest.raises(ChainError, match="lost"):
        replica.request_entry(REQUEST.request_id)


def test_the_file_is_durable_with_every_commit(tmp_path: Path) -> None:
    file = ReplicaFile(tmp_path / "replica.db", LEDGER)
    execute = file._connection.execute
    assert execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert execute("PRAGMA synchronous").fetchone() == (2,)
    assert file.head().frontier == Frontier.empty()
    file.close()
