"""What a replica's source may do, and which error it is: nothing but what was signed is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    ForkError,
    MessageError,
    NotFoundError,
    RollbackError,
    SignatureError,
    UnavailableError,
)
from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.entries import document_bytes
from blindplate.core.ledger.layout import document_path, entries_path
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import (
    DIGEST,
    MADE,
    REGISTER,
    REGISTER_ENTRY,
    STRANGER,
    changed,
    signed,
)
from tests.unit.edge.ledger.publishing import Published
from tests.unit.edge.ledger.replicas import (
    GARBAGE,
    SAMPLES,
    Lying,
    batches,
    told,
)


def bundle_changes(bundle: bytes) -> dict[str, bytes]:
    entries = decode_bundle(bundle)
    return {
        "short": encode_bundle(entries[:-1]),
        "long": bundle + encode_bundle([entries[-1]]),
        "cut": bundle[:-1],
        "empty": b"",
        "altered": encode_bundle([*entries[:-1], entries[-1][:-1] + b"]"]),
        "reordered": encode_bundle([*entries[:-2], entries[-1], entries[-2]]),
        "doubled": encode_bundle([*entries[:-2], entries[-1], entries[-1]]),
    }


@pytest.mark.parametrize("change", ["short", "long", "cut", "empty", "altered", "reordered", "doubled"])
@pytest.mark.parametrize("start", [0, 4, 300])
def test_a_bundle_that_is_not_what_was_signed_is_refused_and_nothing_is_kept(
    published: Published, source: FolderSource, replica: Replica, change: str, start: int
) -> None:
    published.append(*SAMPLES, *batches(290))
    if start:
        replica.extend(source, published.publish(MADE, size=start), MADE)
    before = told(replica)
    published.append(*batches(30, start=400))
    checkpoint = published.publish(MADE)
    path = entries_path(0) if start < 256 else entries_path(1, len(published.entries) - 256)
    altered = bundle_changes(source.get(path))[change]
    assert altered != source.get(path)
    with pytest.raises((ForkError, MessageError)):
        replica.extend(Lying(source, {path: altered}), checkpoint, MADE)
    assert told(replica) == before
    replica.extend(source, checkpoint, MADE)
    assert replica.size == len(published.entries)


@pytest.mark.parametrize("error", [NotFoundError("Gone."), UnavailableError("Down.")], ids=["gone", "down"])
def test_a_bundle_that_cannot_be_had_leaves_the_replica_as_it_was(
    published: Published, source: FolderSource, replica: Replica, error: BlindplateError
) -> None:
    published.append(*SAMPLES, *batches(300))
    with pytest.raises(type(error)):
        replica.extend(Lying(source, {entries_path(0): error}), published.publish(MADE), MADE)
    assert replica.size == 0
    assert not replica.state.registers


@pytest.mark.parametrize(
    ("instead", "error"),
    [
        pytest.param(NotFoundError("Gone."), NotFoundError, id="withheld"),
        pytest.param(b"", MessageError, id="empty"),
        pytest.param(
            document_bytes(changed(REGISTER, generation=2).statement(STRANGER)), EntryError, id="another"
        ),
        pytest.param(document_bytes(REGISTER.statement(STRANGER)), SignatureError, id="signature-exchanged"),
    ],
)
def test_a_document_that_is_not_the_one_named_is_the_sources_doing(
    published: Published,
    source: FolderSource,
    replica: Replica,
    instead: bytes | BlindplateError,
    error: type[BlindplateError],
) -> None:
    published.append(*SAMPLES)
    checkpoint = published.publish(MADE)
    with pytest.raises(error):
        replica.extend(Lying(source, {document_path(DIGEST): instead}), checkpoint, MADE)
    assert (replica.size, replica.signed, dict(replica.state.grants)) == (0, b"", {})
    replica.extend(source, checkpoint, MADE)
    assert replica.state.registers == {DIGEST: REGISTER}


def test_no_document_is_fetched_for_an_entry_that_could_not_count(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    # Whoever may append something could otherwise stop every reader with a name of nothing.
    published.append(signed(changed(REGISTER_ENTRY, register_digest=b"x" * 32), STRANGER))
    lying = Lying(source)
    (applied,) = replica.extend(lying, published.publish(MADE), MADE)
    assert isinstance(applied.error, SignatureError)
    assert lying.asked == [entries_path(0, 1)]


def test_a_checkpoint_of_fewer_entries_is_a_rollback(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES)
    replica.extend(source, published.publish(MADE), MADE)
    with pytest.raises(RollbackError):
        replica.extend(source, published.publish(MADE, size=5), MADE)


def forked(published: Published, checkpoint_size: int) -> SignedCheckpoint:
    """A checkpoint of another history of that size."""
    published.entries = [*published.entries[:2], GARBAGE, *published.entries[3:]]
    return published.publish(MADE, size=checkpoint_size)


@pytest.mark.parametrize("more", [0, 5])
def test_another_history_is_a_fork(
    published: Published, source: FolderSource, replica: Replica, more: int
) -> None:
    published.append(*SAMPLES)
    replica.extend(source, published.publish(MADE), MADE)
    before = told(replica)
    published.append(*batches(more))
    with pytest.raises(ForkError):
        replica.extend(source, forked(published, len(published.entries)), MADE)
    assert told(replica) == before


@pytest.mark.parametrize("known", [1, 7, 15, 256, 300])
def test_a_known_root_must_be_met_on_the_way(
    published: Published, source: FolderSource, open_replica: Callable[..., Replica], known: int
) -> None:
    published.append(*SAMPLES, *batches(300 - len(SAMPLES)))
    checkpoint = published.publish(MADE)
    replica = open_replica()
    with pytest.raises(ForkError):
        replica.extend(source, checkpoint, MADE, known={known: bytes(32)})
    assert replica.size == 0
    right = {size: published.checkpoint(size).root for size in (known, 3)}
    replica.extend(source, checkpoint, MADE, known=right | {len(published.entries) + 1: bytes(32)})
    assert replica.size == 300


def test_the_root_already_read_is_compared_with_what_is_known(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES)
    replica.extend(source, published.publish(MADE), MADE)
    published.append(*batches(1))
    with pytest.raises(ForkError):
        replica.extend(source, published.publish(MADE), MADE, known={len(SAMPLES): bytes(32)})
