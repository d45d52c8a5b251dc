"""Evaluation keys in the ledger: each once, as soon as a grant names its domain; another one there is alarmed."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.model import DomainPart
from blindplate.server.custodian import outbox
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.key_entries import KeyEntries
from blindplate.server.custodian.storage import reading

from .books import Book
from .statements import Signatories, grant, register

SEED = b"s" * 32
DOMAIN = Domain("police", "inner", 1)


def public(domain: Domain) -> bytes:
    return DomainKey.derive(SEED, domain).public


@pytest.fixture
def book() -> Book:
    book = Book(Signatories())
    book.enter_register(register(), at=1)
    return book


@pytest.fixture
def entries(book: Book, engine: Engine) -> KeyEntries:
    def permissions() -> Permissions:
        return Permissions(Custodian.A, book.state, {})

    return KeyEntries(Custodian.A, book.who.custodian_a, public, permissions, engine)


def put(engine: Engine) -> list[bytes]:
    with reading(engine) as connection:
        return [one.statement.payload for one in outbox.waiting(connection, 10)]


def key(custodian: Custodian, of: bytes) -> EvaluationKey:
    return EvaluationKey(custodian=custodian, domain=DomainPart.of(DOMAIN), public=of)


def test_entered_once_when_a_grant_names_the_domain(book: Book, engine: Engine, entries: KeyEntries) -> None:
    entries.enter(0)
    assert put(engine) == []
    book.enter_grant(grant(signer=book.who.operator), at=1)
    for _ in range(2):
        entries.enter(0)
        (payload,) = put(engine)
        assert EvaluationKey.parsed(payload) == key(Custodian.A, public(DOMAIN))
    # The ledger takes it.
    book.enter(key(Custodian.A, public(DOMAIN)), book.who.custodian_a, at=1)


def test_once_also_after_a_start(book: Book, engine: Engine, entries: KeyEntries) -> None:
    book.enter_grant(grant(signer=book.who.operator), at=1)
    entries.enter(0)
    again = KeyEntries(
        Custodian.A, book.who.custodian_a, public, lambda: Permissions(Custodian.A, book.state, {}), engine
    )
    again.enter(0)
    assert len(put(engine)) == 1


def test_the_other_custodians_key_is_no_reason_not_to(
    book: Book, engine: Engine, entries: KeyEntries
) -> None:
    book.enter_grant(grant(signer=book.who.operator), at=1)
    book.enter(key(Custodian.B, b"B" * 32), book.who.custodian_b, at=1)
    entries.enter(0)
    assert len(put(engine)) == 1


def test_what_the_ledger_holds_is_not_entered_again(book: Book, engine: Engine, entries: KeyEntries) -> None:
    book.enter_grant(grant(signer=book.who.operator), at=1)
    book.enter(key(Custodian.A, public(DOMAIN)), book.who.custodian_a, at=1)
    entries.enter(0)
    assert put(engine) == []


def test_another_key_in_the_ledger_is_alarmed_once(
    book: Book, engine: Engine, entries: KeyEntries, capsys: pytest.CaptureFixture[str]
) -> None:
    book.enter_grant(grant(signer=book.who.operator), at=1)
    book.enter(key(Custodian.A, b"A" * 32), book.who.custodian_a, at=1)
    capsys.readouterr()
    entries.enter(0)
    entries.enter(0)
    assert put(engine) == []
    assert capsys.readouterr().err.count("evaluation-key-differs") == 1
