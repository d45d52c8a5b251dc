"""A replica: reads what leads to the root, keeps what matters, and is the same after it was closed or killed."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    ForkError,
    MessageError,
    NotFoundError,
    RollbackError,
    SignatureError,
    UnavailableError,
    UnwitnessedError,
)
from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.entries import document_bytes, passed_over
from blindplate.core.ledger.layout import document_path, entries_path
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource, LedgerSource
from tests.unit.core.ledger.entering import (
    BATCHES,
    DECISION,
    DIGEST,
    DOCUMENT,
    END,
    EVERY_KIND,
    GRANT,
    MADE,
    PARTIES,
    REGISTER,
    REGISTER_ENTRY,
    REQUEST,
    STRANGER,
    VERSION,
    changed,
    entry_of,
    signed,
)
from tests.unit.core.ledger.samples import KEYS
from tests.unit.edge.ledger.publishing import Published

SAMPLES = [entry_of(model) for model, _ in EVERY_KIND]
MATTER = [entry for entry in SAMPLES if not passed_over(entry)]
GARBAGE = b"\x00 no entry at all"


# Made once: signing takes longer than reading.
BATCH_ENTRIES = [entry_of(changed(BATCHES, made_at=MADE + number)) for number in range(600)]


def batches(count: int, start: int = 0) -> list[bytes]:
    return BATCH_ENTRIES[start : start + count]


@dataclass
class Lying:
    """A source that gives something else for some paths."""

    source: LedgerSource
    instead: dict[str, bytes | BlindplateError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, path: str) -> bytes:
        self.asked.append(path)
        given_instead = self.instead.get(path)
        if isinstance(given_instead, BlindplateError):
            raise given_instead
        return self.source.get(path) if given_instead is None else given_instead


def seen(state: LedgerState) -> tuple[object, ...]:
    """All that a state tells."""
    return (
        dict(state.grants),
        dict(state.registers),
        dict(state.revoked),
        dict(state.revoked_keys),
        dict(state.list_versions),
        dict(state.evaluation_keys),
        dict(state.policies),
        dict(state.requests),
    )


def told(replica: Replica) -> tuple[object, ...]:
    return replica.size, replica.root, replica.signed, seen(replica.state)


def test_decisions_are_kept_where_they_are_asked_for_and_there_alone(
    published: Published, source: FolderSource, tmp_path: Path
) -> None:
    later = changed(DECISION, sequence=7, decision_id=b"7" * 32)
    published.append(*SAMPLES, entry_of(later), entry_of(changed(DECISION, sequence=5)))
    checkpoint = published.publish(MADE + 7)
    for decisions, last in ((True, later), (False, None)):
        path = tmp_path / f"replica-{decisions}"
        with closing(Replica(path, KEYS, PARTIES, decisions=decisions)) as replica:
            applied = replica.extend(source, checkpoint, MADE + 7, dated=lambda _index: MADE)
            assert {one.witnessed_at for one in applied if isinstance(one.model, DecisionEntry)} <= {MADE + 7}
            assert replica.state.last_decisions.get(DECISION.custodian) == last
        with closing(Replica(path, KEYS, PARTIES, decisions=decisions)) as again:
            assert again.state.last_decisions.get(DECISION.custodian) == last


def test_what_matters_is_kept_and_the_rest_only_counted(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES, *batches(300))
    checkpoint = published.publish(MADE + 7)
    applied = replica.extend(source, checkpoint, MADE + 7)
    assert [one.index for one in applied] == [SAMPLES.index(entry) for entry in MATTER]
    assert all(one.error is None and one.witnessed_at == MADE + 7 for one in applied)
    assert (replica.size, replica.root) == (315, checkpoint.checkpoint.root)
    assert replica.signed == checkpoint.note.to_bytes()
    assert replica.state.grants[GRANT.grant_id].ended_at == MADE + 7


def test_it_is_the_same_when_it_is_opened_again_and_goes_on(
    published: Published, source: FolderSource, open_replica: Callable[..., Replica]
) -> None:
    published.append(*SAMPLES[:6])
    first = open_replica()
    first.extend(source, published.publish(MADE), MADE)
    before = told(first)
    first.close()
    second = open_replica()
    assert told(second) == before
    published.append(*SAMPLES[6:], *batches(10))
    second.extend(source, published.publish(MADE + 9), MADE + 9)
    assert second.size == len(published.entries)
    assert second.state.grants[GRANT.grant_id].ended_at == MADE + 9
    assert second.state.grants[GRANT.grant_id].amendments[0].witnessed_at == MADE


def test_the_file_and_its_companions_are_the_owners_alone(replica: Replica, tmp_path: Path) -> None:
    files = list((tmp_path / "replicas").iterdir())
    assert len(files) >= 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert replica.signed == b""


@settings(max_examples=12)
@given(
    st.lists(st.integers(0, 600), max_size=6).map(sorted),
    st.lists(st.sampled_from([*MATTER[1:], GARBAGE]), max_size=8),
)
def test_in_whatever_steps_it_is_read_it_is_the_same(stops: list[int], further: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        published = Published(Path(folder) / "public")
        published.document(DOCUMENT)
        published.append(MATTER[0], *batches(300), *further, *batches(251, start=300))
        source = FolderSource(published.folder)
        sizes = [size for size in stops if size <= len(published.entries)] + [len(published.entries)]
        with (
            closing(Replica(Path(folder) / "one", KEYS, PARTIES)) as one,
            closing(Replica(Path(folder) / "steps", KEYS, PARTIES)) as steps,
        ):
            reported = one.extend(source, published.publish(MADE), MADE)
            in_steps = [
                applied
                for size in sizes
                for applied in steps.extend(source, published.publish(MADE, size=size), MADE)
            ]
            assert (steps.size, steps.root, seen(steps.state)) == (one.size, one.root, seen(one.state))
            assert [(item.index, item.model) for item in in_steps] == [
                (item.index, item.model) for item in reported
            ]


def test_a_refused_entry_is_reported_once_and_not_kept(
    published: Published, source: FolderSource, open_replica: Callable[..., Replica]
) -> None:
    published.append(*SAMPLES[:2], GARBAGE, signed(END, STRANGER), entry_of(VERSION))
    first = open_replica()
    applied = first.extend(source, published.publish(MADE), MADE)
    assert [type(one.error) for one in applied] == [
        type(None),
        type(None),
        MessageError,
        SignatureError,
        type(None),
    ]
    before = told(first)
    first.close()
    assert told(open_replica()) == before


def test_a_checkpoint_of_the_same_size_is_stored_and_adds_nothing(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES[:3])
    replica.extend(source, published.publish(MADE), MADE)
    state, lying = replica.state, Lying(source)
    again = published.publish(MADE + 15)
    assert replica.extend(lying, again, MADE + 15) == []
    assert replica.signed == again.note.to_bytes()
    assert replica.state is state
    assert lying.asked == []


def test_an_empty_ledger_is_a_ledger(published: Published, source: FolderSource, replica: Replica) -> None:
    checkpoint = published.publish(MADE)
    assert replica.extend(source, checkpoint, MADE) == []
    assert (replica.size, replica.signed) == (0, checkpoint.note.to_bytes())


def test_a_full_bundle_stands_in_for_a_partial_one_that_is_gone(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES, *batches(25))
    early = published.publish(MADE)
    published.append(*batches(300, start=25))
    (published.folder / entries_path(0, 40)).unlink()
    replica.extend(source, early, MADE)
    assert replica.size == 40
    replica.extend(source, published.publish(MADE), MADE)
    assert replica.size == 340


# What a source may do, and which error it is.


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
    published.append(*SAMPLES, *batches(285))
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
        replica.extend(source, published.publish(MADE), MADE, known={15: bytes(32)})


# Agreement with checkpoints of the past.


def test_a_checkpoint_of_a_size_it_was_read_at_agrees_or_is_a_fork(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES)
    for size in (3, 9, 15):
        replica.extend(source, published.publish(MADE, size=size), MADE)
    for size in (0, 3, 9, 15):
        replica.require_agreement(published.checkpoint(size))
    published.append(*batches(1))
    for size in (4, 16):
        with pytest.raises(UnwitnessedError):
            replica.require_agreement(published.checkpoint(size))
    published.entries[0] = GARBAGE
    for size in (3, 9, 15):
        with pytest.raises(ForkError):
            replica.require_agreement(published.checkpoint(size))


def test_a_release_request_is_found_by_its_id(
    published: Published, source: FolderSource, open_replica: Callable[..., Replica]
) -> None:
    published.append(*SAMPLES)
    replica = open_replica()
    replica.extend(source, published.publish(MADE + 4), MADE + 4)
    found = (SAMPLES.index(entry_of(REQUEST)), MADE + 4, REQUEST)
    assert replica.request_entry(REQUEST.request_id) == found
    assert replica.request_entry(bytes(32)) is None
    replica.close()
    assert open_replica().request_entry(REQUEST.request_id) == found


def test_readers_see_a_state_of_one_moment_while_it_is_extended(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES[:2])
    replica.extend(source, published.publish(MADE), MADE)
    versions = [changed(VERSION, list_version=number, added=0) for number in range(2, 20)]
    published.append(*map(entry_of, (VERSION, *versions)))
    wrong: list[object] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            state = replica.state
            before = seen(state)
            versions = state.list_versions.get(GRANT.grant_id, ())
            if [one.statement.list_version for one in versions] != list(range(1, len(versions) + 1)):
                wrong.append(versions)
            if seen(state) != before:
                wrong.append(before)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for size in range(3, len(published.entries) + 1):
            replica.extend(source, published.publish(MADE, size=size), MADE)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert not wrong
    assert len(replica.state.list_versions[GRANT.grant_id]) == 19
