"""What comes while a request is examined counts for its decision: an end, a word, a revocation, an amendment, the time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from blindplate.core.errors import UnavailableError
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.purposes import Purpose
from blindplate.server.custodian import requests, settling, suspensions
from blindplate.server.custodian.docket import Docket, Standing
from blindplate.server.custodian.grants import Permissions, current_permissions
from blindplate.server.custodian.storage import reading, writing
from blindplate.server.custodian.submissions import Submissions
from blindplate.server.custodian.suspensions import Word
from blindplate.server.custodian.voting import Voting
from blindplate.server.limits import RateLimiter

from .desk import NOW, Desk
from .statements import OWNER

STANDING = ReleasePolicy(
    mode=ReleaseMode.STANDING,
    daily_quota=5,
    officers=1,
    standing=StandingAuthorisation(purposes=(Purpose.MURDER,), daily_quota=5),
)
Arrival = Callable[[Desk], None]
# Where in an examination something comes: as the ledger's checkpoint is waited for, or once every check was made.
Place = Callable[[pytest.MonkeyPatch, Desk, Callable[[], None]], None]


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    """A desk that releases at once what it is asked for, and knows its own words."""
    desk = Desk(tmp_path, engine, terms={"release": STANDING})

    def permissions() -> Permissions:
        return current_permissions(Custodian.A, desk.signer.public, desk.book, engine)

    desk.submissions = Submissions(desk.docket, permissions, RateLimiter(desk.clock))
    desk.voting = Voting(desk.docket, permissions)
    return desk


def ended(desk: Desk) -> None:
    end = GrantEnd(grant_id="police-1", reason="over", made_at=NOW)
    desk.book.enter(end, desk.who.operator, at=NOW)


def suspended(desk: Desk) -> None:
    with writing(desk.engine) as connection:
        suspensions.give(connection, Word("police-1", True, "doubts"), Custodian.A, desk.signer, NOW)


def revoked(desk: Desk) -> None:
    desk.book.revoke("camera-1", "inner", desk.camera.public, NOW)


def while_waiting(monkeypatch: pytest.MonkeyPatch, desk: Desk, arrive: Callable[[], None]) -> None:
    real = desk.book.require_witnessed

    def slow(*arguments: Any) -> None:
        real(*arguments)
        arrive()

    monkeypatch.setattr(desk.book, "require_witnessed", slow)


def after_the_checks(monkeypatch: pytest.MonkeyPatch, _desk: Desk, arrive: Callable[[], None]) -> None:
    real = Docket.examine

    def slow(*arguments: Any) -> object:
        found = real(*arguments)
        arrive()
        return found

    monkeypatch.setattr(Docket, "examine", slow)


def once(desk: Desk, arrival: Arrival) -> Callable[[], None]:
    waiting = [arrival]
    return lambda: waiting.pop()(desk) if waiting else None


ARRIVALS = pytest.mark.parametrize(
    ("arrival", "code"),
    [
        pytest.param(ended, "grant", id="end"),
        pytest.param(suspended, "grant", id="own-suspension"),
        pytest.param(revoked, "identity", id="revocation"),
    ],
)
PLACES = pytest.mark.parametrize("place", [while_waiting, after_the_checks])


def asked(desk: Desk) -> Standing:
    """A request that needs no officer."""
    return desk.ask(desk.sealed())


@ARRIVALS
@PLACES
def test_while_a_request_is_taken_in(
    desk: Desk, arrival: Arrival, code: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, desk, once(desk, arrival))
    assert desk.outcome(asked(desk)) == code


@ARRIVALS
@PLACES
def test_while_an_officer_approves(
    desk: Desk, arrival: Arrival, code: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = desk.ask(desk.sealed(alternate=True))
    assert standing.state == "pending"
    place(monkeypatch, desk, once(desk, arrival))
    assert desk.outcome(desk.say("anna", standing.request_id)) == code


@pytest.mark.parametrize("arrival", [ended, suspended, revoked])
def test_with_nothing_looked_at_again_it_would_be_released(
    desk: Desk, arrival: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_holds", lambda *_: True)
    while_waiting(monkeypatch, desk, once(desk, arrival))
    standing = asked(desk)
    desk.receipts()
    assert desk.submissions.standing(standing.request_id, OWNER).state == "approved"


def test_the_amendment_that_begins_meanwhile_decides(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    manual = ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=5, officers=2)
    desk.book.enter_grant(desk.amended(amendment=1, release=manual), NOW - 30)

    def begins(desk: Desk) -> None:
        desk.clock.moment = NOW + 30

    after_the_checks(monkeypatch, desk, once(desk, begins))
    # Without the standing authorisation it waits for officers.
    assert asked(desk).state == "pending"
    assert desk.entries() == []


def test_a_grant_that_runs_out_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.book.enter_grant(desk.amended(amendment=1, not_after=NOW + 100), NOW - 3_600)

    def runs_out(desk: Desk) -> None:
        desk.clock.moment = NOW + 100

    after_the_checks(monkeypatch, desk, once(desk, runs_out))
    assert desk.outcome(asked(desk)) == "grant"


def test_what_lets_a_request_pass_counts_as_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    word = GrantSuspension(
        grant_id="police-1", custodian=Custodian.A, suspended=True, reason="doubts", made_at=NOW - 30
    )
    desk.book.enter(word, desk.signer, at=NOW - 30)

    def resumed(desk: Desk) -> None:
        with writing(desk.engine) as connection:
            suspensions.give(connection, Word("police-1", False, "none"), Custodian.A, desk.signer, NOW)

    after_the_checks(monkeypatch, desk, once(desk, resumed))
    assert asked(desk).state == "pending"
    assert desk.say("anna", desk.ask(desk.sealed(alternate=True)).request_id).state == "approved"


def test_a_ledger_that_never_rests_decides_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[None] = []

    def more() -> None:
        examined.append(None)
        desk.book.state = desk.book.state.copy()

    after_the_checks(monkeypatch, desk, more)
    sealed = desk.sealed()
    statement = desk.signed(desk.request(sealed))
    desk.enter(sealed, statement)
    with pytest.raises(UnavailableError):
        desk.submit(statement)
    assert len(examined) == settling._TRIES
    with reading(desk.engine) as connection:
        assert requests.find(connection, statement.statement_id) is None
    assert desk.entries() == []
    # Nothing was spent by asking: it may be asked again.
    monkeypatch.undo()
    desk.submit(statement)
    assert [entry.code for entry in desk.entries()] == ["ok"]
