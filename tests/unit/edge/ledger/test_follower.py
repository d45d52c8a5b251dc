"""Following the ledger: only what both custodians cosigned, never back, never another history."""

from __future__ import annotations

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
    NotFoundError,
    RollbackError,
    SignatureError,
    UnwitnessedError,
)
from blindplate.core.ledger.checkpoints import LogSigner
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.ledger.state import Applied
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.snapshot import read_ledger
from blindplate.edge.ledger.source import FolderSource
from blindplate.edge.settings import LedgerAccess, LedgerKeysPart, TrustedKeys
from tests.unit.core.ledger.entering import (
    DOCUMENT,
    END,
    EVERY_KIND,
    GRANT,
    PARTIES,
    STRANGER,
    entry_of,
    signed,
)
from tests.unit.core.ledger.samples import KEYS, NOW, ORIGIN
from tests.unit.edge.ledger.publishing import Published, folder_server, web_server

SAMPLES = [entry_of(model) for model, _ in EVERY_KIND]
OpenReplica = Callable[..., Replica]


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = float(NOW)

    def now(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def follower(replica: Replica, source: FolderSource, clock: SetClock) -> Follower:
    return Follower(replica, source, KEYS, clock)


def test_what_both_cosigned_is_read_and_counts_from_the_later_of_both(
    published: Published, follower: Follower, replica: Replica
) -> None:
    published.append(*SAMPLES[:3])
    checkpoint = published.publish(NOW + 5, NOW + 9)
    before = follower.latest
    assert before is None
    assert follower.refresh() == checkpoint
    assert follower.latest == checkpoint
    assert replica.state.grants[GRANT.grant_id].amendments[0].witnessed_at == NOW + 9
    assert replica.signed == checkpoint.note.to_bytes()


@pytest.mark.parametrize("custodian", Custodian)
def test_what_one_custodian_alone_cosigned_is_not_read(
    published: Published, follower: Follower, replica: Replica, custodian: Custodian
) -> None:
    published.append(*SAMPLES[:3])
    note = published.note(
        a=NOW if custodian is Custodian.A else None, b=NOW if custodian is Custodian.B else None
    )
    published.write(CHECKPOINT, note.to_bytes())
    with pytest.raises(UnwitnessedError):
        follower.refresh()
    assert replica.size == 0


def test_a_checkpoint_of_another_ledger_or_of_no_form_is_refused(
    published: Published, follower: Follower
) -> None:
    with pytest.raises(NotFoundError):
        follower.refresh()
    published.write(CHECKPOINT, b"nothing")
    with pytest.raises(MessageError):
        follower.refresh()
    stranger = LogSigner.from_seed(ORIGIN, b"x" * 32).sign(published.checkpoint(), NOW)
    published.write(CHECKPOINT, stranger.to_bytes())
    with pytest.raises(SignatureError):
        follower.refresh()


def test_a_checkpoint_of_fewer_entries_than_one_seen_is_a_rollback_also_after_a_restart(
    published: Published, follower: Follower, source: FolderSource, open_replica: OpenReplica, clock: SetClock
) -> None:
    published.append(*SAMPLES)
    published.publish(NOW)
    follower.refresh()
    published.publish(NOW + 20, size=9)
    again = Follower(open_replica(), source, KEYS, clock)
    for one in (follower, again):
        with pytest.raises(RollbackError):
            one.refresh()
        assert one.latest is not None
        assert one.latest.checkpoint.size == len(SAMPLES)


@pytest.mark.parametrize("more", [0, 3])
def test_another_history_of_the_same_size_or_longer_is_a_fork(
    published: Published, follower: Follower, replica: Replica, more: int
) -> None:
    published.append(*SAMPLES[:9])
    published.publish(NOW)
    follower.refresh()
    published.entries[2] = signed(END, STRANGER)
    published.append(*SAMPLES[9 : 9 + more])
    published.publish(NOW + 20)
    with pytest.raises(ForkError):
        follower.refresh()
    assert replica.size == 9


def test_the_fresher_of_two_checkpoints_of_one_size_is_kept(published: Published, follower: Follower) -> None:
    published.append(*SAMPLES[:3])
    published.publish(NOW)
    follower.refresh()
    fresher = published.publish(NOW + 30)
    assert follower.refresh() == fresher
    published.publish(NOW + 10)
    assert follower.refresh() == fresher


def test_a_checkpoint_that_covers_the_entry_and_is_fresh_is_not_fetched_again(
    published: Published, follower: Follower, clock: SetClock
) -> None:
    published.append(*SAMPLES[:3])
    checkpoint = published.publish(NOW + 10, NOW)
    assert follower.require_witnessed(2) == checkpoint
    (published.folder / CHECKPOINT).unlink()
    clock.moment = NOW + 60
    assert follower.require_witnessed(2) == checkpoint
    # From here on it has to be fetched: it is too old by the earlier of both times, or does not cover the entry.
    for moment, index in ((NOW + 60.1, 2), (NOW + 60, 3)):
        clock.moment = moment
        with pytest.raises(NotFoundError):
            follower.require_witnessed(index)


@pytest.mark.parametrize("by", [-61, 61])
def test_a_checkpoint_too_old_or_from_the_future_is_not_fresh(
    published: Published, follower: Follower, clock: SetClock, by: int
) -> None:
    published.append(*SAMPLES[:3])
    published.publish(NOW)
    clock.moment = NOW + by
    with pytest.raises(UnwitnessedError, match="just now"):
        follower.require_witnessed(2)
    assert follower.require_witnessed(2, max_age_seconds=61).checkpoint.size == 3


def test_an_entry_not_yet_witnessed_is_not(published: Published, follower: Follower) -> None:
    published.append(*SAMPLES[:4])
    published.publish(NOW, size=3)
    with pytest.raises(UnwitnessedError, match="not yet"):
        follower.require_witnessed(3)
    published.publish(NOW)
    assert follower.require_witnessed(3).checkpoint.size == 4


def test_every_refused_entry_is_reported_once(
    published: Published, replica: Replica, source: FolderSource, clock: SetClock
) -> None:
    reported: list[Applied] = []
    follower = Follower(replica, source, KEYS, clock, report=reported.append)
    published.append(SAMPLES[0], b"garbage", SAMPLES[1], signed(END, STRANGER))
    published.publish(NOW)
    for _ in range(2):
        follower.refresh()
    assert [one.index for one in reported] == [1, 3]
    assert all(one.error is not None for one in reported)


# A custodian's: its own cosigning extends the replica, checkpoints of both are only compared.


@pytest.fixture
def witness(replica: Replica, source: FolderSource, clock: SetClock) -> Follower:
    return Follower(replica, source, KEYS, clock, extends=False)


def test_a_witness_takes_a_checkpoint_of_what_it_has_cosigned_though_it_is_further_by_now(
    published: Published, witness: Follower, replica: Replica, source: FolderSource
) -> None:
    published.append(*SAMPLES)
    for size in (3, 9, 15):
        replica.extend(source, published.publish(NOW, size=size), NOW, sign=lambda: b"own")
    for size in (3, 9, 15):
        checkpoint = published.publish(NOW, size=size)
        assert witness.require_witnessed(size - 1) == checkpoint
    assert replica.signed == b"own"
    published.publish(NOW, size=9)
    with pytest.raises(RollbackError):
        witness.refresh()


def test_a_witness_that_forgot_what_it_cosigned_is_told(
    published: Published, witness: Follower, replica: Replica, source: FolderSource
) -> None:
    published.append(*SAMPLES)
    replica.extend(source, published.publish(NOW, size=9), NOW)
    published.publish(NOW)
    with pytest.raises(RollbackError, match="remembers"):
        witness.refresh()
    assert replica.size == 9


def test_a_witness_refuses_another_history_and_a_size_it_never_cosigned(
    published: Published, witness: Follower, replica: Replica, source: FolderSource
) -> None:
    published.append(*SAMPLES)
    replica.extend(source, published.publish(NOW, size=9), NOW)
    published.publish(NOW, size=8)
    with pytest.raises(UnwitnessedError, match="compared"):
        witness.refresh()
    published.entries[0] = b"other"
    published.publish(NOW, size=9)
    with pytest.raises(ForkError):
        witness.refresh()


def test_a_replica_whose_checkpoint_is_not_the_ledgers_is_not_followed(
    published: Published, replica: Replica, source: FolderSource, clock: SetClock
) -> None:
    replica.extend(source, published.publish(NOW), NOW, sign=lambda: b"altered")
    with pytest.raises(MessageError):
        Follower(replica, source, KEYS, clock)


@settings(max_examples=15)
@given(st.data())
def test_whatever_is_shown_in_whatever_order_it_only_goes_on(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        published = Published(Path(folder) / "public")
        published.document(DOCUMENT)
        published.append(*SAMPLES)
        clock, source = SetClock(), FolderSource(published.folder)
        with closing(Replica(Path(folder) / "replica.db", KEYS, PARTIES)) as replica:
            follower, reached = Follower(replica, source, KEYS, clock), 0
            for _ in range(data.draw(st.integers(1, 6))):
                size = data.draw(st.integers(0, len(SAMPLES)))
                published.publish(NOW, size=size)
                if size < reached:
                    with pytest.raises(RollbackError):
                        follower.refresh()
                else:
                    assert follower.refresh().checkpoint.size == size
                    reached = size
                assert replica.size == reached


def test_a_command_reads_the_ledgers_state_once(published: Published) -> None:
    published.append(*SAMPLES)
    published.publish(NOW)
    first, second = ((keys[0].to_text(), keys[1].to_text()) for keys in KEYS.witnesses.values())
    part = LedgerKeysPart(
        origin=ORIGIN, log=(KEYS.log[0].to_text(), KEYS.log[1].to_text()), witness_a=first, witness_b=second
    )
    trust = TrustedKeys(
        operator=PARTIES.operator,
        custodian_a=PARTIES.custodian_a,
        custodian_b=PARTIES.custodian_b,
        matcher=PARTIES.matcher,
    )
    with web_server(folder_server(published.folder)) as address:
        for url in (address, str(published.folder)):
            with read_ledger(LedgerAccess(address="localhost:1", url=url, keys=part), trust) as state:
                assert state.grants[GRANT.grant_id].ended_at == NOW
