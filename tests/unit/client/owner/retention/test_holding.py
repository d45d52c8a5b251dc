"""Holds: in the ledger before anything is kept, over when they say, and of nothing that nobody asked for."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from blindplate.client.owner.hits import HitState, set_hit_state
from blindplate.client.owner.retention.erasing import erase_due
from blindplate.client.owner.retention.holding import Held, all_holds, end_hold, hold
from blindplate.client.owner.status import list_status
from blindplate.client.owner.tables import requests
from blindplate.core.errors import GoneError, NotFoundError, PolicyError, UnavailableError
from blindplate.core.signing import Statement
from blindplate.core.statements.holds import HoldEnd, HoldReason, LegalHold
from blindplate.core.statements.model import StatementModel
from tests.unit.client.owner.retention.samples import DAY, hit_numbers, marks, revealed_hit
from tests.unit.client.owner.samples import hit_on
from tests.unit.client.owner.scene import PLATES, Scene

DAYS = 31
LAW = "Criminal Procedure and Investigations Act 1996"


@pytest.fixture
def listed(scene: Scene) -> Scene:
    """An owner with one revealed hit whose request is in the ledger."""
    scene.put(*PLATES)
    _, request = revealed_hit(scene, PLATES[0])
    with scene.session.store.writing() as connection:
        of_it = requests.c.request_id == request.request_id
        connection.execute(update(requests).where(of_it).values(ledger_index=len(scene.ledger.entries) - 1))
    return scene


def held(scene: Scene, hit_id: int = 1, days: int = 100) -> Held:
    return hold(scene.session, hit_id, HoldReason.CRIMINAL_PROCEEDINGS, LAW, days)


def entered(scene: Scene) -> list[StatementModel]:
    found = [Statement.from_json(entry.decode()) for entry in scene.ledger.entries]
    models = {model.media_type(): model for model in (LegalHold, HoldEnd)}
    return [models[one.payload_type].parsed(one.payload) for one in found if one.payload_type in models]


def test_a_held_hit_outlives_its_days_until_the_hold_ends(listed: Scene) -> None:
    listed.clock.moment += 5 * DAY
    until = held(listed).until
    listed.clock.moment = until - 1
    assert erase_due(listed.session).hits == 0
    assert marks(listed.session)
    listed.clock.moment = until
    assert erase_due(listed.session).hits == 1
    assert marks(listed.session) == []


def test_a_hold_is_in_the_ledger_and_listed(listed: Scene) -> None:
    made = held(listed)
    (statement,) = entered(listed)
    assert isinstance(statement, LegalHold)
    assert (statement.reason, statement.lawful_basis) == (HoldReason.CRIMINAL_PROCEEDINGS, LAW)
    assert statement.until == made.until == statement.made_at + 100 * DAY
    with listed.session.store.reading() as connection:
        assert all_holds(connection) == [made]
    assert made.state is HitState.REVEALED


def test_one_that_is_ended_goes_with_the_next_round_if_its_time_is_over(listed: Scene) -> None:
    held(listed)
    listed.clock.moment += 40 * DAY
    assert erase_due(listed.session).hits == 0
    end_hold(listed.session, 1)
    assert erase_due(listed.session).hits == 1
    assert [type(one) for one in entered(listed)] == [LegalHold, HoldEnd]
    with pytest.raises(PolicyError):
        end_hold(listed.session, 1)


def test_a_hold_is_renewed_while_it_stands(listed: Scene) -> None:
    held(listed)
    listed.clock.moment += 90 * DAY
    until = held(listed, days=366).until
    listed.clock.moment = until - 1
    assert erase_due(listed.session).hits == 0


def test_what_is_to_be_erased_already_is_not_held(listed: Scene) -> None:
    listed.clock.moment += DAYS * DAY
    with pytest.raises(GoneError):
        held(listed)
    assert entered(listed) == []


def test_what_nobody_asked_for_is_not_held(listed: Scene) -> None:
    hit_on(listed, PLATES[1])
    with pytest.raises(PolicyError, match="not asked for"):
        held(listed, hit_id=2)
    with pytest.raises(NotFoundError):
        held(listed, hit_id=99)
    assert entered(listed) == []


def test_what_must_not_be_shown_is_not_held(listed: Scene) -> None:
    with listed.session.store.writing() as connection:
        set_hit_state(connection, 1, HitState.REMOVED)
    with pytest.raises(NotFoundError):
        held(listed)


def test_without_the_ledger_nothing_is_held(listed: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_statements: list[Statement]) -> None:
        raise UnavailableError("Away.")

    monkeypatch.setattr(listed.ledger, "append", away)
    with pytest.raises(UnavailableError):
        held(listed)
    with listed.session.store.reading() as connection:
        assert all_holds(connection) == []
    listed.clock.moment += DAYS * DAY
    assert erase_due(listed.session).hits == 1


def test_one_killed_between_ledger_and_database_is_made_again(listed: Scene) -> None:
    request_id = held(listed).request_id
    with listed.session.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM holds")
    listed.witness()
    with listed.another_session() as session:
        assert request_id in session.ledger.state.holds
        again = hold(session, 1, HoldReason.COURT_ORDER, LAW, 10)
    last = entered(listed)[-1]
    assert isinstance(last, LegalHold)
    assert last.made_at == again.made_at


@pytest.mark.parametrize(("days", "law"), [(0, LAW), (367, LAW), (1, ""), (1, "two\nlines")])
def test_a_hold_that_is_none_is_refused(listed: Scene, days: int, law: str) -> None:
    with pytest.raises(PolicyError):
        hold(listed.session, 1, HoldReason.COMPLAINT, law, days)


def test_the_lists_status_counts_what_is_held_and_what_is_past_its_time(listed: Scene) -> None:
    hit_on(listed, PLATES[1])
    held(listed)
    status = list_status(listed.session)
    assert (status.held, status.overdue) == (1, 0)
    listed.clock.moment += DAYS * DAY + 2 * 3600
    assert list_status(listed.session).overdue == 1
    listed.clock.moment += 100 * DAY
    status = list_status(listed.session)
    assert (status.held, status.overdue) == (0, 2)


def test_what_was_held_is_gone_with_its_hit(listed: Scene) -> None:
    held(listed, days=40)
    listed.clock.moment += 41 * DAY
    erase_due(listed.session)
    assert hit_numbers(listed.session) == []
    with listed.session.store.reading() as connection:
        assert all_holds(connection) == []
