"""Appends in order: whole or not at all, once, durable before their receipts, whoever comes at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    ForkError,
    MessageError,
    SignatureError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.merkle import verify_inclusion
from blindplate.core.signing import SigningKey
from blindplate.core.statements.cameras import CameraStanding
from blindplate.core.statements.matching import MatcherCounts
from blindplate.server.ledger.fsck import fsck
from blindplate.server.ledger.head import Head
from blindplate.server.ledger.sequencer import Receipts, Sequencer
from tests.unit.server.ledger.faults import disk_error, nth_call_fails
from tests.unit.server.ledger.site import KEYS, SIGNER, TRUST, Site, entries, entry
from tests.unit.server.ledger.statements import counts, register, status


class Clock:
    def now(self) -> float:
        return 1_700_000_000.0


@pytest.fixture
def fatal() -> list[BlindplateError]:
    return []


@pytest.fixture
def opened(site: Site, fatal: list[BlindplateError]) -> Iterator[Callable[[], Sequencer]]:
    """A sequencer over the site's storage as it is now, running."""
    running: list[Sequencer] = []

    def start() -> Sequencer:
        while running:
            running.pop().stop()
        storage = site.open() if site.head.exists() else site.create()
        running.append(Sequencer(storage, SIGNER, TRUST.parties(), Clock(), on_fatal=fatal.append))
        running[0].start()
        return running[0]

    yield start
    for one in running:
        one.stop()


def require_proven(receipts: Receipts, new: list[bytes]) -> list[int]:
    """The indices, once every receipt holds."""
    checkpoint = verify_checkpoint(receipts.note, KEYS).checkpoint
    for one, index, path in zip(new, receipts.indices, receipts.paths, strict=True):
        verify_inclusion(one, index, checkpoint.size, path, checkpoint.root)
    return list(receipts.indices)


def test_receipts_prove_where_entries_stand(opened: Callable[[], Sequencer]) -> None:
    sequencer = opened()
    assert require_proven(sequencer.append(entries(3)), entries(3)) == [0, 1, 2]
    assert require_proven(sequencer.append(entries(300, 3)), entries(300, 3)) == list(range(3, 303))


def test_the_same_bytes_get_a_receipt_for_where_they_stand(
    site: Site, opened: Callable[[], Sequencer]
) -> None:
    sequencer = opened()
    sequencer.append(entries(5))
    again = [entry(3), entry(9), entry(0), entry(9)]
    assert require_proven(sequencer.append(again), again) == [3, 5, 0, 5]
    site.opened[0].publish()
    assert require_proven(sequencer.append(again), again) == [3, 5, 0, 5]
    assert require_proven(opened().append(again), again) == [3, 5, 0, 5]


def test_one_bad_entry_keeps_out_all_of_its_append(site: Site, opened: Callable[[], Sequencer]) -> None:
    sequencer = opened()
    foreign = entry_bytes(
        MatcherCounts(since=1, records=(), refused_claims=1, made_at=1).statement(SigningKey.generate())
    )
    with pytest.raises(SignatureError):
        sequencer.append([*entries(2), foreign])
    with pytest.raises(MessageError):
        sequencer.append([*entries(2), b"{}"])
    first, document = register("inner")
    rival, its_document = register("inner", key=SigningKey.generate())
    with pytest.raises(EntryError):
        sequencer.append([first, rival], [document, its_document])
    assert site.opened[0].head.checkpoint.size == 0
    assert sequencer.append([first], [document]).indices == [0]


def test_entries_of_one_append_may_rest_on_each_other(opened: Callable[[], Sequencer]) -> None:
    sequencer = opened()
    inner, document = register("inner")
    with pytest.raises(SignatureError):
        sequencer.append([counts("inner", 1)])
    new = [inner, counts("inner", 1), status(1), status(2, CameraStanding.REVOKED)]
    assert require_proven(sequencer.append(new, [document]), new) == [0, 1, 2, 3]
    with pytest.raises(SignatureError):
        sequencer.append([counts("inner", 2)])


def test_what_was_entered_still_counts_after_a_restart(opened: Callable[[], Sequencer]) -> None:
    inner, document = register("inner")
    opened().append([inner], [document])
    sequencer = opened()
    with pytest.raises(EntryError):
        sequencer.append([register("inner", generation=1, key=SigningKey.generate())[0]], [])
    assert sequencer.append([counts("inner", 5)]).indices == [1]
    # A lost receipt is asked for again with everything that was sent.
    assert sequencer.append([inner], [document]).indices == [0]


@pytest.mark.parametrize("others", [0, 1])
def test_a_document_that_no_entry_names_is_refused(opened: Callable[[], Sequencer], others: int) -> None:
    sequencer = opened()
    _, document = register("inner")
    with pytest.raises(EntryError, match="document"):
        sequencer.append(entries(1 + others), [document])


def test_a_register_without_its_document_is_refused(opened: Callable[[], Sequencer]) -> None:
    with pytest.raises(EntryError):
        opened().append([register("inner")[0]])


def test_of_two_that_exclude_each_other_one_is_taken(opened: Callable[[], Sequencer]) -> None:
    sequencer = opened()
    rivals = [register("inner", key=SigningKey.generate()) for _ in range(8)]
    start = threading.Barrier(len(rivals))

    def rival(sent: tuple[bytes, bytes]) -> bool:
        start.wait()
        try:
            sequencer.append([sent[0]], [sent[1]])
        except EntryError:
            return False
        return True

    with ThreadPoolExecutor(len(rivals)) as pool:
        assert sorted(pool.map(rival, rivals)) == [False] * 7 + [True]


def test_many_at_once_get_places_of_their_own(site: Site, opened: Callable[[], Sequencer]) -> None:
    sequencer = opened()

    def writer(first: int) -> list[int]:
        # Half of what each writer sends another one sends too.
        return [
            index
            for number in range(first, first + 40, 4)
            for index in require_proven(sequencer.append(entries(4, number)), entries(4, number))
        ]

    with ThreadPoolExecutor(6) as pool:
        indices = list(pool.map(writer, range(0, 120, 20)))
    assert {index for one in indices for index in one} == set(range(140))
    opened()
    site.kill()
    assert fsck(site.settings()) == []


def test_an_entry_that_changes_what_may_follow_ends_its_group(
    site: Site, opened: Callable[[], Sequencer]
) -> None:
    """Appends that wait together: one that was checked before a revocation is checked again after it."""
    sequencer = opened()
    inner, document = register("inner")
    sequencer.append([inner], [document])
    begun, go_on = threading.Event(), threading.Event()
    storage_append = site.opened[0].append

    def slow(*arguments: object, **named: object) -> object:
        begun.set()
        go_on.wait()
        return storage_append(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    site.opened[0].append = slow  # type: ignore[assignment, method-assign]  # a disk that takes its time
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(sequencer.append, entries(1))
        begun.wait()
        revoked = pool.submit(sequencer.append, [status(5, CameraStanding.REVOKED)])
        while len(sequencer._waiting) < 1:
            pass
        counted = pool.submit(sequencer.append, [counts("inner", 1)])
        while len(sequencer._waiting) < 2:
            pass
        go_on.set()
        assert (first.result().indices, revoked.result().indices) == ([1], [2])
        with pytest.raises(SignatureError):
            counted.result()


def test_a_failing_disk_acknowledges_nothing_and_is_tried_again(
    site: Site, opened: Callable[[], Sequencer]
) -> None:
    sequencer = opened()
    sequencer.append(entries(2))
    with nth_call_fails(1, disk_error(28)), pytest.raises(StorageError):
        sequencer.append(entries(200, 2))
    assert sequencer.append(entries(1, 2)).indices == [2]
    assert sequencer.append(entries(2)).indices == [0, 1]


def test_a_disk_that_stays_broken_is_refused_on_and_recovers(
    site: Site, opened: Callable[[], Sequencer], monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer, broken = opened(), StorageError("The disk is gone.")

    def fail(*_: object) -> None:
        raise broken

    monkeypatch.setattr(Head, "move", fail)
    monkeypatch.setattr(Head, "reopen", fail)
    for _ in range(3):
        with pytest.raises(StorageError):
            sequencer.append(entries(1))
    monkeypatch.undo()
    assert sequencer.append(entries(1)).indices == [0]


def test_a_commit_that_failed_but_lasted_counts(
    opened: Callable[[], Sequencer], monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer, move = opened(), Head.move
    inner, document = register("inner")

    def fail(self: Head, *arguments: object) -> None:
        move(self, *arguments)  # type: ignore[arg-type]  # handed on as they came
        raise StorageError("The sync failed.")

    monkeypatch.setattr(Head, "move", fail)
    with pytest.raises(StorageError):
        sequencer.append([inner], [document])
    monkeypatch.setattr(Head, "move", move)
    assert sequencer.append([counts("inner", 1)]).indices == [1]
    assert sequencer.append([inner], [document]).indices == [0]


def test_a_head_that_another_process_moved_is_fatal(
    opened: Callable[[], Sequencer], monkeypatch: pytest.MonkeyPatch, fatal: list[BlindplateError]
) -> None:
    def fail(*_: object) -> None:
        raise ForkError("The ledger's head was moved by another process.")

    sequencer = opened()
    monkeypatch.setattr(Head, "move", fail)
    with pytest.raises(ForkError):
        sequencer.append(entries(1))
    assert [type(error) for error in fatal] == [ForkError]


def test_what_waits_at_the_end_is_finished_and_later_appends_are_refused(
    opened: Callable[[], Sequencer],
) -> None:
    sequencer = opened()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(sequencer.append, entries(5, 5 * at)) for at in range(4)]
        sequencer.stop()
        for one in waiting:
            try:
                one.result()
            except UnavailableError:
                continue
    with pytest.raises(UnavailableError):
        sequencer.append(entries(1))
