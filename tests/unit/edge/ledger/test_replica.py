"""A replica: reads what leads to the root, keeps what matters, and is the same after it was closed or killed."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import (
    ForkError,
    MessageError,
    SignatureError,
    UnwitnessedError,
)
from blindplate.core.ledger.layout import entries_path
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import FolderSource
from tests.unit.core.ledger.entering import (
    DECISION,
    DOCUMENT,
    END,
    GRANT,
    MADE,
    PARTIES,
    REQUEST,
    STRANGER,
    VERSION,
    changed,
    entry_of,
    signed,
)
from tests.unit.core.ledger.samples import KEYS
from tests.unit.edge.ledger.publishing import Published
from tests.unit.edge.ledger.replicas import (
    GARBAGE,
    MATTER,
    SAMPLES,
    Lying,
    batches,
    seen,
    told,
)


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
    assert (replica.size, replica.root) == (len(SAMPLES) + 300, checkpoint.checkpoint.root)
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
    (published.folder / entries_path(0, len(SAMPLES) + 25)).unlink()
    replica.extend(source, early, MADE)
    assert replica.size == len(SAMPLES) + 25
    replica.extend(source, published.publish(MADE), MADE)
    assert replica.size == len(SAMPLES) + 325


def test_a_checkpoint_of_a_size_it_was_read_at_agrees_or_is_a_fork(
    published: Published, source: FolderSource, replica: Replica
) -> None:
    published.append(*SAMPLES)
    for size in (3, 9, len(SAMPLES)):
        replica.extend(source, published.publish(MADE, size=size), MADE)
    for size in (0, 3, 9, len(SAMPLES)):
        replica.require_agreement(published.checkpoint(size))
    published.append(*batches(1))
    for size in (4, len(SAMPLES) + 1):
        with pytest.raises(UnwitnessedError):
            replica.require_agreement(published.checkpoint(size))
    published.entries[0] = GARBAGE
    for size in (3, 9, len(SAMPLES)):
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
