"""Receipts: what the ledger acknowledged it must show, as it was, and within five minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core import merkle
from blindplate.core.errors import ForkError, NotFoundError, RollbackError, StorageError
from blindplate.core.ledger.checkpoints import Checkpoint, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.tiles import grown
from blindplate.core.merkle import leaf_hash
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.receipts import SHOWN_WITHIN_SECONDS, Receipt, require_continued
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.replica_file import ReplicaFile
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import BATCHES, MADE, changed, entry_of
from tests.unit.core.ledger.samples import KEYS, LOG, NOW, ORIGIN, signed
from tests.unit.edge.ledger.publishing import Published

ENTRIES = [entry_of(changed(BATCHES, made_at=MADE + number)) for number in range(12)]
DROPPED = entry_of(changed(BATCHES, made_at=MADE + 1_000))
LATE = NOW + SHOWN_WITHIN_SECONDS
OpenReplica = Callable[..., Replica]


class FixedClock:
    """Always the same moment."""

    def now(self) -> float:
        return float(NOW)


def acknowledged(entries: list[bytes]) -> SignedCheckpoint:
    """The checkpoint under which the ledger, alone, gives a receipt."""
    checkpoint = Checkpoint(ORIGIN, len(entries), merkle.root(entries))
    return verify_checkpoint(LOG.sign(checkpoint, NOW).to_bytes(), KEYS)


def write_tiles(published: Published) -> None:
    for tile, hashes in grown(lambda _: b"", 0, [leaf_hash(entry) for entry in published.entries]).items():
        published.write(tile.path, hashes)


@pytest.mark.parametrize("shown", [5, 6, 9])
def test_what_was_acknowledged_and_dropped_is_a_fork(
    published: Published, source: FolderSource, replica: Replica, shown: int
) -> None:
    published.append(*ENTRIES[:4])
    replica.extend(source, published.publish(NOW), NOW)
    receipt = acknowledged([*ENTRIES[:4], DROPPED])
    replica.keep_receipt(receipt, NOW)
    published.append(*ENTRIES[4:shown])
    with pytest.raises(ForkError):
        replica.extend(source, published.publish(NOW), NOW)
    assert replica.size == 4
    # Still held against it: also the next time.
    assert replica.receipts == [receipt.note.to_bytes()]


def test_what_was_acknowledged_and_is_shown_is_met_and_no_longer_kept(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*ENTRIES[:4])
    replica.keep_receipt(acknowledged(ENTRIES[:3]), NOW)
    replica.keep_receipt(acknowledged(ENTRIES[:4]), NOW)
    ahead = acknowledged(ENTRIES[:6])
    replica.keep_receipt(ahead, NOW)
    assert len(replica.receipts) == 3
    replica.extend(source, published.publish(NOW), NOW)
    assert replica.receipts == [ahead.note.to_bytes()]


def test_a_receipt_outlives_the_process(
    published: Published, source: FolderSource, open_replica: OpenReplica
) -> None:
    first = open_replica()
    first.keep_receipt(acknowledged([DROPPED]), NOW)
    first.close()
    published.append(ENTRIES[0])
    with pytest.raises(ForkError):
        open_replica().extend(source, published.publish(NOW), NOW)


def test_a_receipt_for_what_was_read_already_is_not_kept(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*ENTRIES[:4])
    replica.extend(source, published.publish(NOW), NOW)
    replica.keep_receipt(acknowledged(ENTRIES[:4]), NOW)
    assert replica.receipts == []


@pytest.mark.parametrize("read", [True, False], ids=["against-what-was-read", "against-another-receipt"])
def test_a_receipt_that_contradicts_is_refused_at_once_and_kept(
    published: Published, source: FolderSource, replica: Replica, read: bool
) -> None:
    published.append(*ENTRIES[:4])
    if read:
        replica.extend(source, published.publish(NOW), NOW)
    else:
        replica.keep_receipt(acknowledged(ENTRIES[:4]), NOW)
    lie = acknowledged([*ENTRIES[:3], DROPPED])
    with pytest.raises(ForkError):
        replica.keep_receipt(lie, NOW)
    assert lie.note.to_bytes() in replica.receipts


@pytest.mark.parametrize("true", [True, False])
def test_a_receipt_that_comes_late_is_held_against_the_tiles(
    published: Published, source: FolderSource, replica: Replica, true: bool
) -> None:
    # The ledger shows more without the entry first, and acknowledges it only then, under a size that was passed over.
    published.append(*ENTRIES[:8])
    replica.extend(source, published.publish(NOW), NOW)
    replica.keep_receipt(acknowledged(ENTRIES[:6] if true else [*ENTRIES[:5], DROPPED]), NOW)
    published.append(*ENTRIES[8:])
    new = published.publish(NOW)
    with pytest.raises(NotFoundError):
        replica.extend(source, new, NOW)
    write_tiles(published)
    if true:
        replica.extend(source, new, NOW)
        assert (replica.size, replica.receipts) == (12, [])
    else:
        with pytest.raises(ForkError):
            replica.extend(source, new, NOW)
        assert replica.size == 8


def test_a_ledger_that_does_not_come_as_far_as_its_receipt_has_gone_back(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*ENTRIES[:4])
    replica.extend(source, published.publish(NOW), NOW)
    replica.keep_receipt(acknowledged([*ENTRIES[:4], DROPPED]), NOW)
    replica.extend(source, published.publish(LATE - 1), LATE - 1)
    with pytest.raises(RollbackError):
        replica.extend(source, published.publish(LATE), LATE)


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 12), new=st.integers(0, 12), waited=st.integers(0, 600), true=st.booleans())
def test_a_checkpoint_is_taken_exactly_when_it_may_still_continue_the_receipt(
    size: int, new: int, waited: int, true: bool
) -> None:
    root = merkle.root(ENTRIES[:size]) if true else b"x" * 32
    receipts = [Receipt(size, root, b"", NOW)]
    checkpoint = Checkpoint(ORIGIN, new, merkle.root(ENTRIES[:new]))
    known = {size: merkle.root(ENTRIES[:size])}
    if not true:
        with pytest.raises(ForkError):
            require_continued(receipts, checkpoint, NOW + waited, known)
    elif new < size and waited >= SHOWN_WITHIN_SECONDS:
        with pytest.raises(RollbackError):
            require_continued(receipts, checkpoint, NOW + waited, known)
    else:
        expected = known if size <= new else {}
        assert require_continued(receipts, checkpoint, NOW + waited, {}) == expected


def follower_of(replica: Replica, source: FolderSource, evidence: Path) -> Follower:
    return Follower(replica, source, KEYS, FixedClock(), evidence=evidence)


@pytest.mark.parametrize("grows", [True, False])
def test_a_follower_refuses_what_contradicts_a_receipt_and_keeps_both_checkpoints(
    published: Published, source: FolderSource, replica: Replica, tmp_path: Path, grows: bool
) -> None:
    follower = follower_of(replica, source, tmp_path / "evidence")
    published.append(*ENTRIES[:4])
    published.publish(NOW)
    follower.refresh()
    receipt = acknowledged([*ENTRIES[:4], DROPPED])
    replica.keep_receipt(receipt, NOW)
    if grows:
        published.append(ENTRIES[4])
    shown = published.publish(NOW if grows else LATE)
    for _ in range(2):
        with pytest.raises(ForkError if grows else RollbackError):
            follower.refresh()
    kept = {file.read_bytes() for file in (tmp_path / "evidence").glob("*.note")}
    assert {receipt.note.to_bytes(), shown.note.to_bytes()} <= kept


def test_a_follower_holds_a_late_receipt_against_what_it_has_read(
    published: Published, source: FolderSource, replica: Replica, tmp_path: Path
) -> None:
    follower = follower_of(replica, source, tmp_path / "evidence")
    published.append(*ENTRIES)
    write_tiles(published)
    published.publish(NOW)
    follower.refresh()
    replica.keep_receipt(acknowledged(ENTRIES[:7]), NOW)
    follower.refresh()
    assert replica.receipts == []
    replica.keep_receipt(acknowledged([*ENTRIES[:6], DROPPED]), NOW)
    with pytest.raises(ForkError):
        follower.refresh()


def test_without_an_error_no_evidence_is_kept(
    published: Published, source: FolderSource, replica: Replica, tmp_path: Path
) -> None:
    published.append(*ENTRIES)
    published.publish(NOW)
    follower_of(replica, source, tmp_path / "evidence").refresh()
    assert not (tmp_path / "evidence").exists()


def test_receipts_met_are_forgotten_only_with_the_commit(
    published: Published, source: FolderSource, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.append(*ENTRIES)
    replica.keep_receipt(acknowledged(ENTRIES[:7]), NOW)

    def full(*_: object) -> None:
        raise StorageError("The disk is full.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(ReplicaFile, "_write", full)
        with pytest.raises(StorageError):
            replica.extend(source, published.publish(NOW), NOW)
    assert len(replica.receipts) == 1


def test_a_custodians_signed_note_is_a_receipt_like_any(replica: Replica) -> None:
    # Whoever cosigned it besides: what counts is the ledger's own signature.
    note = signed(Checkpoint(ORIGIN, 3, merkle.root(ENTRIES[:3])), a=NOW, b=NOW)
    replica.keep_receipt(verify_checkpoint(note.to_bytes(), KEYS), NOW)
    assert replica.receipts == [note.to_bytes()]
