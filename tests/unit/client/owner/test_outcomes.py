"""What came of releases: noted with what made it true, entered once, in order."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from blindplate.client.owner import outcomes
from blindplate.client.owner.asking import Reason, new_request
from blindplate.client.owner.hits import HitState, set_hit_state
from blindplate.client.owner.requests import Request, keep_request
from blindplate.client.owner.reveal import judge_hit
from blindplate.client.owner.tables import outcomes as table
from blindplate.core.errors import EntryError, PolicyError, UnavailableError
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome, OutcomeEntry
from tests.unit.client.owner.samples import hit_on
from tests.unit.client.owner.scene import PLATES, Scene


@pytest.fixture
def request_(scene: Scene) -> Request:
    """A request whose entry is in the ledger."""
    made = new_request(scene.session, hit_on(scene, PLATES[0]), b"", Reason(Purpose.MURDER, "case"))
    with scene.session.store.writing() as connection:
        keep_request(connection, made, b"")
    scene.ledger.enter(made.entry)
    return made


def entered(scene: Scene) -> list[Outcome]:
    found = [Statement.from_json(entry.decode()) for entry in scene.ledger.entries]
    kind = OutcomeEntry.media_type()
    return [OutcomeEntry.parsed(one.payload).outcome for one in found if one.payload_type == kind]


def put(scene: Scene, request: Request, outcome: Outcome) -> None:
    with scene.session.store.writing() as connection:
        outcomes.put_outcome(connection, scene.session, request.request_id, outcome)


def waiting(connection: Connection) -> int:
    return len(connection.execute(select(table).where(table.c.ledger_index.is_(None))).all())


def test_outcomes_are_entered_in_order_and_once(scene: Scene, request_: Request) -> None:
    put(scene, request_, Outcome.OPENED)
    put(scene, request_, Outcome.CONFIRMED)
    assert outcomes.enter_all(scene.session) == 2
    assert outcomes.enter_all(scene.session) == 0
    assert entered(scene) == [Outcome.OPENED, Outcome.CONFIRMED]


def test_the_same_as_said_last_is_not_said_again(scene: Scene, request_: Request) -> None:
    for outcome in (Outcome.OPENED, Outcome.MISREAD, Outcome.MISREAD, Outcome.CONFIRMED):
        put(scene, request_, outcome)
    outcomes.enter_all(scene.session)
    assert entered(scene) == [Outcome.OPENED, Outcome.MISREAD, Outcome.CONFIRMED]


@pytest.mark.parametrize("arrived", [True, False], ids=["after entering", "before entering"])
def test_what_could_not_be_entered_is_entered_later(
    scene: Scene, request_: Request, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    append = scene.ledger.append

    def die(statements: list[Any]) -> list[Any]:
        if arrived:
            append(statements)
        raise UnavailableError("Away.")

    put(scene, request_, Outcome.OPENED)
    with monkeypatch.context() as patched:
        patched.setattr(scene.ledger, "append", die)
        with pytest.raises(UnavailableError):
            outcomes.enter_all(scene.session)
    scene.clock.moment += 60
    with scene.another_session() as session:
        outcomes.enter_all(session)
    assert entered(scene) == [Outcome.OPENED]


def test_one_that_is_refused_does_not_keep_the_others(scene: Scene, request_: Request) -> None:
    stranger = new_request(scene.session, hit_on(scene, PLATES[1]), b"", Reason(Purpose.MURDER, "c"))
    with scene.session.store.writing() as connection:
        keep_request(connection, stranger, b"")
    put(scene, stranger, Outcome.OPENED)
    put(scene, request_, Outcome.OPENED)
    with pytest.raises(EntryError):
        outcomes.enter_all(scene.session)
    assert entered(scene) == [Outcome.OPENED]
    with scene.session.store.reading() as connection:
        assert waiting(connection) == 1


def test_only_a_revealed_hit_can_be_judged(scene: Scene, request_: Request) -> None:
    with pytest.raises(PolicyError):
        judge_hit(scene.session, request_.hit_id, Outcome.CONFIRMED)
    with scene.session.store.writing() as connection:
        set_hit_state(connection, request_.hit_id, HitState.REVEALED)
    judge_hit(scene.session, request_.hit_id, Outcome.NOT_SOUGHT)
    assert entered(scene) == [Outcome.NOT_SOUGHT]
