"""No decision without a witnessed entry of exactly this request: nothing is recorded, and it may be asked again."""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.core.errors import ForkError, UnwitnessedError
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import RequestEntry, commit_case
from blindplate.core.statements.releases import ReleaseRequest, Verdict
from blindplate.server.custodian import requests
from blindplate.server.custodian.storage import reading

from .desk import NOW, Desk

OTHERWISE: dict[str, Any] = {
    "request_id": bytes(32),
    "grant_id": "police-9",
    "requester": "spiffe://blindplate/owner/another",
    "list_id": "another",
    "zone": "outer",
    "purpose": Purpose.ROBBERY_OR_THEFT,
    "lawful_basis": "another law",
    "case_commitment": bytes(32),
    "alternate": True,
    "emergency": True,
    "made_at": NOW - 1,
    "expires_at": NOW + 1,
}


def unrecorded(desk: Desk, statement: Statement) -> None:
    with pytest.raises(UnwitnessedError):
        desk.submit(statement)
    with reading(desk.engine) as connection:
        assert requests.find(connection, statement.statement_id) is None
    assert desk.entries() == []


def test_without_an_entry(desk: Desk) -> None:
    statement = desk.signed(desk.request(desk.sealed()))
    unrecorded(desk, statement)


def test_asked_again_once_it_is_entered(desk: Desk) -> None:
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed))
    unrecorded(desk, statement)
    desk.enter(sealed, statement)
    assert desk.submit(statement).state == "pending"


def test_an_entry_of_another_request(desk: Desk) -> None:
    sealed = desk.sealed()
    other = desk.signed(desk.request(sealed))
    desk.enter(sealed, other)
    unrecorded(desk, desk.signed(desk.request(sealed)))


@pytest.mark.parametrize("field", OTHERWISE)
def test_an_entry_that_says_otherwise(desk: Desk, field: str) -> None:
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed))
    desk.enter(sealed, statement)
    index, at, entry = desk.book.requests[statement.statement_id]
    assert getattr(entry, field) != OTHERWISE[field]
    altered = entry.model_copy(update={field: OTHERWISE[field]})
    desk.book.requests[statement.statement_id] = (index, at, altered)
    unrecorded(desk, statement)


def test_every_field_of_an_entry_is_compared() -> None:
    assert set(OTHERWISE) | {"version"} == set(RequestEntry.model_fields)


def test_a_case_is_the_one_committed_to(desk: Desk) -> None:
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed))
    salt = ReleaseRequest.parsed(statement.payload).case_salt
    desk.enter(sealed, statement, case_commitment=commit_case(salt, "case 2"))
    unrecorded(desk, statement)


def test_without_a_fresh_checkpoint_of_both(desk: Desk) -> None:
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed))
    desk.enter(sealed, statement)
    desk.book.fresh = False
    unrecorded(desk, statement)
    desk.book.fresh = True
    assert desk.submit(statement).state == "pending"


def test_a_ledger_that_contradicts_itself_decides_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed))
    desk.enter(sealed, statement)

    def forked(*_: object) -> None:
        raise ForkError("Two histories.")

    monkeypatch.setattr(desk.book, "require_witnessed", forked)
    with pytest.raises(ForkError):
        desk.submit(statement)
    assert desk.entries() == []


def test_witnesses_are_asked_for_anew_when_an_officer_approves(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    desk.book.fresh = False
    with pytest.raises(UnwitnessedError):
        desk.say("anna", standing.request_id)
    # It waits on, and the same word counts once the ledger is witnessed again.
    assert desk.entries() == []
    desk.book.fresh = True
    assert desk.say("anna", standing.request_id).state == "approved"


def test_a_denial_needs_no_witness(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    desk.book.fresh = False
    assert desk.say("anna", standing.request_id, Verdict.DENIED).state == "denied"
