"""A custodian's own words on a grant: in force with the transaction, signed, none the same as another."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from blindplate.core.errors import GrantError, StorageError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.server.custodian import outbox, suspensions
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.server.custodian.storage import open_database, reading, writing
from blindplate.server.custodian.suspending import give_word
from blindplate.server.custodian.suspensions import Word

from .published import NOW
from .statements import grant, register_entry
from .witnessing import Site

KEY = SigningKey.generate()
STOP, GO = Word("police-1", True, "To be looked into."), Word("police-1", False, "Cleared.")


def give(engine: Engine, word: Word, moment: float, key: SigningKey = KEY) -> GrantSuspension:
    with writing(engine) as connection:
        return suspensions.give(connection, word, Custodian.A, key, moment)


def in_force(engine: Engine, size: int = 0) -> dict[str, bool]:
    with reading(engine) as connection:
        words = suspensions.unwitnessed(connection, KEY.public, size)
    return {grant_id: word.suspended for grant_id, word in words.items()}


def test_the_last_word_on_each_grant_counts(engine: Engine) -> None:
    assert in_force(engine) == {}
    give(engine, STOP, 10)
    give(engine, Word("police-2", True, "Likewise."), 11)
    give(engine, GO, 12)
    assert in_force(engine) == {"police-1": False, "police-2": True}


def test_words_of_one_second_are_different_statements_in_order(engine: Engine) -> None:
    # Of the same bytes, the third would have the place in the ledger of the first.
    given = [give(engine, word, 10.5) for word in (STOP, GO, STOP)]
    assert [word.made_at for word in given] == [10, 11, 12]
    with reading(engine) as connection:
        waiting = [GrantSuspension.parsed(one.statement.payload) for one in outbox.waiting(connection, 10)]
    assert waiting == given
    assert in_force(engine) == {"police-1": True}


def test_a_word_is_left_to_the_ledger_once_it_was_read_there(engine: Engine) -> None:
    give(engine, STOP, 10)
    with writing(engine) as connection:
        outbox.entered(connection, 0, 7)
    assert in_force(engine, 7) == {"police-1": True}
    assert in_force(engine, 8) == {}


def test_a_word_that_this_custodian_did_not_sign_counts_for_nothing(engine: Engine) -> None:
    give(engine, STOP, 10, SigningKey.generate())
    assert in_force(engine) == {}


def test_a_word_that_cannot_be_stored_is_not_given(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON suspensions BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    with pytest.raises(StorageError):
        give(engine, STOP, 10)
    with reading(engine) as connection:
        assert outbox.waiting(connection, 10) == []


@pytest.fixture
def machine(site: Site) -> CustodianSettings:
    """Custodian A's machine, which has witnessed one grant; its process stands still."""
    entry, document = register_entry(site.who)
    site.ledger.enter(entry, grant(signer=site.who.operator).statement(*site.who.all), documents=[document])
    site.start().add(site.ledger.body(0))
    site.close()
    return site.settings()


def test_given_on_the_machine_it_waits_for_the_clerk_and_counts(
    machine: CustodianSettings, site: Site
) -> None:
    given = give_word(machine, STOP, NOW)
    engine = open_database(machine.data / "custodian.sqlite")
    with reading(engine) as connection:
        (waiting,) = outbox.waiting(connection, 10)
        words = suspensions.unwitnessed(connection, site.who.custodian_a.public, 2)
    engine.dispose()
    assert GrantSuspension.verified(waiting.statement, [site.who.custodian_a.public]) == given
    assert words == {"police-1": given}


def test_made_later_than_the_last_one_in_the_ledger_whatever_the_clock_says(
    machine: CustodianSettings, site: Site
) -> None:
    # Of which the database, put back to an earlier time, knows nothing.
    before = GrantSuspension(
        grant_id="police-1", custodian=Custodian.A, suspended=True, reason="Before.", made_at=NOW + 100
    )
    site.ledger.enter(before.statement(site.who.custodian_a))
    site.start().add(site.ledger.body(2))
    site.close()
    assert give_word(machine, GO, NOW).made_at == NOW + 101


def test_a_grant_that_is_unknown_or_over_is_refused(machine: CustodianSettings, site: Site) -> None:
    with pytest.raises(GrantError):
        give_word(machine, Word("police-7", True, "Unknown."), NOW)
    end = GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=NOW)
    site.ledger.enter(end.statement(site.who.operator))
    site.start().add(site.ledger.body(2))
    site.close()
    with pytest.raises(GrantError):
        give_word(machine, STOP, NOW)
