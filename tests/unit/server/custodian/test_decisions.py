"""The chain itself: an entry of the custodian's own hand, from another history, does not fit into this one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from blindplate.core.errors import ChainError, MessageError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.core.statements.releases import Decision, Verdict, require_next
from blindplate.server.custodian import stored
from blindplate.server.custodian.decisions import MAX_PAGE, DecisionRecord, Ruling
from blindplate.server.custodian.storage import open_database, reading, writing
from blindplate.server.custodian.tables import DECISIONS, OUTBOX, REQUESTS

RECORD = DecisionRecord(Custodian.A, SigningKey.generate())


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "other" / "custodian.sqlite")
    yield engine
    engine.dispose()


def add_request(connection: Connection, number: int) -> bytes:
    request_id = number.to_bytes(32, "big")
    connection.execute(
        insert(REQUESTS).values(
            request_id=request_id,
            grant_id="police-1",
            requester="someone",
            statement=b"",
            submitted_at=0,
            expires_at=1,
            state=Verdict.DENIED.value,
        )
    )
    return request_id


def rule(engine: Engine, number: int, reason: str = "none", record: DecisionRecord = RECORD) -> None:
    with writing(engine) as connection:
        ruling = Ruling(
            request_id=add_request(connection, number),
            grant_id="police-1",
            requester="someone",
            verdict=Verdict.DENIED,
            code="policy",
            reason=reason,
            automatic=True,
            emergency=False,
            officers=(),
            decided_at=1,
        )
        record.append(connection, ruling)


def test_long_decisions_come_in_as_many_pages_as_fit_messages(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "PAGE_BYTES", 5_000)
    for number in range(7):
        rule(engine, number, "x" * 1_900)
    found: list[Statement] = []
    pages = 0
    with reading(engine) as connection:
        while page := RECORD.page(connection, len(found), 1_000):
            assert sum(one.to_proto().ByteSize() for one in page) <= 5_000
            found += page
            pages += 1
    assert [Decision.parsed(one.payload).sequence for one in found] == list(range(7))
    assert pages == 4


def test_one_too_long_for_a_page_has_a_page_of_its_own(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "PAGE_BYTES", 1)
    for number in range(2):
        rule(engine, number)
    with reading(engine) as connection:
        assert len(RECORD.page(connection, 0, 1_000)) == len(RECORD.page(connection, 1, 1_000)) == 1
        assert RECORD.page(connection, 2, 1_000) == []


def test_an_empty_record_holds(engine: Engine) -> None:
    with reading(engine) as connection:
        assert RECORD.verify(connection) == 0


def test_a_whole_record_holds_and_is_read_in_pages(engine: Engine) -> None:
    for number in range(5):
        rule(engine, number)
    with reading(engine) as connection:
        assert RECORD.verify(connection) == 5
        page = RECORD.page(connection, 3, 10)
        assert [Decision.parsed(one.payload).sequence for one in page] == [3, 4]
        for start, limit in ((0, 0), (0, MAX_PAGE + 1), (-1, 1)):
            with pytest.raises(MessageError):
                RECORD.page(connection, start, limit)


def test_an_entry_of_another_history_of_the_same_custodian(engine: Engine, other: Engine) -> None:
    rule(engine, 0)
    rule(other, 0, reason="another history")
    rule(other, 1)
    with reading(other) as connection:
        row = connection.execute(select(DECISIONS).where(DECISIONS.c.sequence == 1)).one()
    with writing(engine) as connection:
        add_request(connection, 1)
        connection.execute(insert(DECISIONS).values(**row._asdict()))
    with reading(engine) as connection, pytest.raises(ChainError, match="broken at 1"):
        RECORD.verify(connection)


def resuming(entered: DecisionEntry | None) -> DecisionRecord:
    """The record of a custodian that reads in the ledger that it had come as far as ``entered``."""
    return DecisionRecord(Custodian.A, RECORD._signer, lambda: entered)


def in_the_ledger(engine: Engine, sequence: int) -> DecisionEntry:
    with reading(engine) as connection:
        stored_entry = connection.execute(
            select(OUTBOX.c.statement)
            .join(DECISIONS, DECISIONS.c.entry_id == OUTBOX.c.statement_id)
            .where(DECISIONS.c.sequence == sequence)
        ).scalar_one()
    return DecisionEntry.parsed(stored.from_stored_form(stored_entry).payload)


@pytest.mark.parametrize("held", [0, 2])
def test_a_record_put_back_goes_on_after_the_ledgers_last(engine: Engine, other: Engine, held: int) -> None:
    for number in range(5):
        rule(other, number)
    last = in_the_ledger(other, 4)
    for number in range(held):
        rule(engine, number)
    for number in (10, 11):
        rule(engine, number, record=resuming(last))
    with reading(engine) as connection:
        found = [Decision.parsed(one.payload) for one in RECORD.page(connection, held, 10)]
        assert resuming(last).verify(connection) == held + 2
    assert [(one.sequence, one.resumed) for one in found] == [(5, True), (6, False)]
    assert found[0].previous == last.decision_id


def test_a_record_as_far_as_the_ledger_or_further_goes_on_as_ever(engine: Engine) -> None:
    for number in range(3):
        rule(engine, number)
    for number, sequence in ((10, 2), (11, 1)):
        rule(engine, number, record=resuming(in_the_ledger(engine, sequence)))
    with reading(engine) as connection:
        assert RECORD.verify(connection) == 5


def test_a_decision_that_says_it_resumes_where_nothing_is_missing(engine: Engine) -> None:
    fields = {"sequence": 3, "resumed": True}
    rule(engine, 0)
    with reading(engine) as connection:
        (statement,) = RECORD.page(connection, 0, 1)
    resumed = Decision.parsed(statement.payload).model_copy(update=fields)
    require_next(resumed, 2, bytes(32))
    for sequence in (3, 4):
        with pytest.raises(ChainError):
            require_next(resumed, sequence, bytes(32))
    with pytest.raises(ChainError):
        require_next(resumed.model_copy(update={"resumed": False}), 2, bytes(32))


def test_another_custodians_key(engine: Engine) -> None:
    rule(engine, 0)
    stranger = DecisionRecord(Custodian.A, SigningKey.generate())
    with reading(engine) as connection, pytest.raises(ChainError, match="broken at 0"):
        stranger.verify(connection)


def test_a_decision_whose_entry_for_the_ledger_was_taken_out(engine: Engine) -> None:
    for number in range(3):
        rule(engine, number)
    with writing(engine) as connection:
        connection.execute(delete(OUTBOX).where(OUTBOX.c.number == 1))
    with reading(engine) as connection, pytest.raises(ChainError, match=r"broken at 1.*taken out"):
        RECORD.verify(connection)


def test_a_decision_from_before_there_was_a_ledger_holds_and_has_no_entry(engine: Engine) -> None:
    rule(engine, 0)
    with writing(engine) as connection:
        connection.execute(delete(OUTBOX))
        connection.execute(update(DECISIONS).values(entry_id=None))
    rule(engine, 1)
    with reading(engine) as connection:
        assert RECORD.verify(connection) == 2
        found = RECORD.find(connection, (0).to_bytes(32, "big"))
    assert found is not None
    assert found.entry_id is None
