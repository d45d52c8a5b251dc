"""The clerk: everything in the outbox gets its index, in order, whatever ledger and disk do meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from blindplate.core.errors import (
    EntryError,
    ProofError,
    SecurityError,
    StateError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.signing import Statement
from blindplate.edge.ledger.appender import EntryReceipt
from blindplate.server.custodian import clerk as clerks
from blindplate.server.custodian import outbox
from blindplate.server.custodian.clerk import Clerk
from blindplate.server.custodian.storage import open_database, reading, writing

from .published import KEYS, Published

CHECKPOINT = verify_checkpoint(Published.of(1).note().to_bytes(), KEYS)


def statement(number: int) -> Statement:
    return Statement("test", b"%d" % number)


@dataclass
class PlayedLedger:
    """Takes statements, each once; refuses those in ``refused``, all of a call; raises what is in ``failures`` first."""

    entries: list[bytes] = field(default_factory=list[bytes])
    refused: set[bytes] = field(default_factory=set[bytes])
    failures: list[BaseException] = field(default_factory=list[BaseException])
    calls: list[int] = field(default_factory=list[int])
    # Enters, then raises: the receipt is lost on the way.
    forgetful: bool = False
    moment: float = 0.0

    def now(self) -> float:
        return self.moment

    def append(
        self, statements: Sequence[Statement], documents: Sequence[Statement] = ()
    ) -> list[EntryReceipt]:
        assert not documents
        self.calls.append(len(statements))
        if self.failures:
            raise self.failures.pop(0)
        payloads = [one.payload for one in statements]
        if self.refused.intersection(payloads):
            raise EntryError("The ledger does not take this.")
        self.entries += [payload for payload in payloads if payload not in self.entries]
        if self.forgetful:
            self.forgetful = False
            raise UnavailableError("The answer was lost.")
        return [EntryReceipt(self.entries.index(payload), CHECKPOINT) for payload in payloads]


@pytest.fixture
def ledger() -> PlayedLedger:
    return PlayedLedger()


@pytest.fixture
def clerk(engine: Engine, ledger: PlayedLedger) -> Clerk:
    return Clerk(engine, ledger, ledger)


def put(engine: Engine, *numbers: int) -> None:
    with writing(engine) as connection:
        for number in numbers:
            outbox.put(connection, statement(number))


def index_of(engine: Engine, number: int) -> int | None:
    with reading(engine) as connection:
        return outbox.index_of(connection, statement(number).statement_id)


def test_what_waits_is_entered_in_order_and_keeps_its_index(
    engine: Engine, ledger: PlayedLedger, clerk: Clerk
) -> None:
    put(engine, *range(250))
    assert index_of(engine, 3) is None
    clerk.round()
    assert ledger.entries == [b"%d" % number for number in range(250)]
    assert [index_of(engine, number) for number in (0, 3, 249)] == [0, 3, 249]
    # 100 at once, and nothing a second time.
    clerk.round()
    assert ledger.calls == [100, 100, 50]


def test_the_same_statement_is_put_in_once(engine: Engine, ledger: PlayedLedger, clerk: Clerk) -> None:
    put(engine, 1, 1)
    clerk.round()
    put(engine, 1)
    clerk.round()
    assert ledger.entries == [b"1"]


def test_a_statement_is_there_only_with_its_transaction(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine) as connection:
            outbox.put(connection, statement(1))
            raise StorageError("Something else of the transaction failed.")

    with pytest.raises(StorageError):
        fail()
    with reading(engine) as connection:
        assert outbox.waiting(connection, 10) == []


def test_a_lost_answer_costs_nothing(engine: Engine, ledger: PlayedLedger, clerk: Clerk) -> None:
    put(engine, 1, 2)
    ledger.forgetful = True
    with pytest.raises(UnavailableError):
        clerk.round()
    assert (ledger.entries, index_of(engine, 1)) == ([b"1", b"2"], None)
    clerk.round()
    assert (ledger.entries, index_of(engine, 2)) == ([b"1", b"2"], 1)


def test_a_full_disk_after_the_receipt_costs_nothing(
    engine: Engine, ledger: PlayedLedger, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, 1)

    def full(*_: object) -> None:
        raise StorageError("The disk is full.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "entered", full)
        with pytest.raises(StorageError):
            clerk.round()
    assert index_of(engine, 1) is None
    clerk.round()
    assert (ledger.entries, index_of(engine, 1)) == ([b"1"], 0)


def test_what_the_ledger_refuses_keeps_nothing_back_and_is_tried_again(
    engine: Engine, ledger: PlayedLedger, clerk: Clerk
) -> None:
    put(engine, 1, 2, 3)
    ledger.refused = {b"2"}
    clerk.round()
    assert ledger.entries == [b"1", b"3"]
    put(engine, 4)
    ledger.calls.clear()
    clerk.round()
    # The refused one is not asked about with every round.
    assert (ledger.entries, ledger.calls) == ([b"1", b"3", b"4"], [1])
    ledger.refused, ledger.moment = set(), 60.0
    clerk.round()
    assert index_of(engine, 2) == 3


@pytest.mark.parametrize("error", [ProofError("A receipt that does not hold."), SecurityError("Another.")])
def test_a_receipt_that_does_not_hold_gives_no_index(
    engine: Engine, ledger: PlayedLedger, clerk: Clerk, error: SecurityError
) -> None:
    put(engine, 1)
    ledger.failures = [error]
    clerk.round()
    assert index_of(engine, 1) is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["put", "round", "away", "lost", "again"]), max_size=12))
def test_every_statement_gets_its_own_index_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path, ledger, count = tmp_path_factory.mktemp("clerk") / "custodian.sqlite", PlayedLedger(), 0
    engine = open_database(path)
    for step in steps:
        match step:
            case "put":
                put(engine, count)
                count += 1
            case "away":
                ledger.failures = [UnavailableError("The ledger is away.")]
            case "lost":
                ledger.forgetful = True
            case "again":
                engine.dispose()
                engine = open_database(path)
            case _:
                try:
                    Clerk(engine, ledger, ledger).round()
                except StateError:
                    continue
    ledger.failures, ledger.forgetful = [], False
    Clerk(engine, ledger, ledger).round()
    assert [index_of(engine, number) for number in range(count)] == list(range(count))
    engine.dispose()


def test_the_thread_tries_again_after_any_failure(
    engine: Engine, ledger: PlayedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerks, "_ROUND_SECONDS", 0.001)
    died, done = threading.Event(), threading.Event()
    ledger.failures = [UnavailableError("Away."), ValueError("not one of ours")]
    append = ledger.append

    def noting(statements: Sequence[Statement], documents: Sequence[Statement] = ()) -> list[EntryReceipt]:
        receipts = append(statements, documents)
        done.set()
        return receipts

    monkeypatch.setattr(ledger, "append", noting)
    clerk = Clerk(engine, ledger, ledger, died.set)
    clerk.start()
    put(engine, 1)
    assert done.wait(20)
    clerk.stop()
    assert index_of(engine, 1) == 0
    assert not died.is_set()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # the death is what is tested
def test_a_clerk_that_dies_says_so(
    engine: Engine, ledger: PlayedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerks, "_ROUND_SECONDS", 0.001)
    died = threading.Event()
    ledger.failures = [KeyboardInterrupt()]
    put(engine, 1)
    clerk = Clerk(engine, ledger, ledger, died.set)
    clerk.start()
    assert died.wait(20)
    # Its last word is reported when it has ended, which must be before this test does.
    clerk.stop()


def test_stopped_before_it_was_started(clerk: Clerk) -> None:
    clerk.stop()
