"""G5 while time passes: what comes during a decision, what was captured during a suspension, a list that was too long.

A decision waits for the ledger, up to minutes where the ledger is slow, and the ledger is the attacker's. Custodian A looks
again before it decides, custodian B has that defence taken away; both are real, and so are what comes and who sends it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.opening import open_payload
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.edge.settings import load
from blindplate.server.custodian import checks, docket, settling
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.server.custodian.suspending import give_word
from blindplate.server.custodian.suspensions import Word
from blindplate.server.custodian.witnessed import require_entry
from tests.adversary.asking import Desk
from tests.adversary.auditing import decided
from tests.adversary.conftest import marks
from tests.adversary.defences import let_pass
from tests.adversary.permissions import amended, revoke, suspended_by
from tests.adversary.reading import KnownRead, grant_of, sealed_reads
from tests.integration.owner.world import World

A, B = Custodian
PLATES = marks(2)
Arrival = Callable[[World], None]


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world, listed=PLATES).commit()


def read_by(desk: Desk, camera: str = "camera-1", at: float | None = None) -> KnownRead:
    (read,) = sealed_reads(desk.world, PLATES[:1], camera=camera, list_id=desk.list_id, at=at)
    return read


def opened(desk: Desk, read: KnownRead) -> str:
    """The plate that both custodians' answers open."""
    statement = desk.entered(read)
    share_a, share_b = (desk.reply(custodian, statement).share for custodian in Custodian)
    return CanonicalPlate.decode(open_payload(read.record, share_a, share_b, read.s).plate).text


@contextmanager
def waiting_for_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[threading.Semaphore, threading.Event]]:
    """Each decision waits, once its entry was looked up, until the event is set; the semaphore counts those that do."""
    waiting, arrived = threading.Semaphore(0), threading.Event()

    def slow(*arguments: Any) -> None:
        require_entry(*arguments)
        waiting.release()
        assert arrived.wait(15)

    with monkeypatch.context() as patch:
        patch.setattr(docket, "require_entry", slow)
        yield waiting, arrived


def b_does_not_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real = settling._holds

    def holds(found: Any, by: Permissions, *arguments: Any) -> bool:
        return by.custodian is B or real(found, by, *arguments)

    monkeypatch.setattr(settling, "_holds", holds)


def suspended(world: World) -> None:
    for custodian in Custodian:
        _say(world, custodian, suspended=True)


def revoked(world: World) -> None:
    revoke(world, "camera-3")


def ended(world: World) -> None:
    end = GrantEnd(grant_id="emissions-1", reason="Over.", made_at=int(world.clock.now()))
    world.enter(end.statement(world.signing_key("operator")))


def _say(world: World, custodian: Custodian, *, suspended: bool) -> None:
    settings = load(CustodianSettings, world.deployment.settings(f"custodian-{custodian}"))
    give_word(settings, Word("emissions-1", suspended, "A complaint."), world.clock.now())


def test_nothing_is_released_that_was_captured_while_a_custodian_had_suspended_the_grant(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera that was refused keeps its read, and has it evaluated once the grant is acted on again."""
    clock = desk.world.clock
    with suspended_by(desk.world, A, desk.list_id):
        clock.offset += 5
        at = clock.now()
        clock.offset += 5
    read = read_by(desk, at=at)
    statement = desk.entered(read)
    assert desk.refusal(A, statement) == "grant"
    assert desk.reply(B, statement).share
    assert decided(desk.world, statement.statement_id) == {A: "grant", B: "ok"}
    # The defence removed: only the suspensions of today count.
    monkeypatch.setattr(Permissions, "require_active_at", let_pass)
    assert opened(desk, read) == PLATES[0]


def test_nothing_is_released_by_a_list_longer_than_the_grant_allowed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner leaves its list as it is when an amendment that allows fewer vehicles comes into force."""
    with amended(desk.world, desk.list_id, list_size=len(PLATES) - 1):
        read = read_by(desk)
        statement = desk.entered(read)
        for custodian in Custodian:
            assert desk.refusal(custodian, statement) == "grant"
        assert decided(desk.world, statement.statement_id) == dict.fromkeys(Custodian, "grant")
        # The defence removed: what the ledger once took is good for ever.
        monkeypatch.setattr(checks, "_check_length", let_pass)
        assert opened(desk, read) == PLATES[0]
    assert grant_of(desk.world, desk.list_id).list_size > len(PLATES)


@pytest.mark.parametrize(
    ("arrival", "camera", "code"),
    [
        pytest.param(suspended, "camera-1", "grant", id="own-suspension"),
        pytest.param(revoked, "camera-3", "identity", id="revocation"),
        # Last, since nothing makes a grant go on that was ended.
        pytest.param(ended, "camera-1", "grant", id="end"),
    ],
)
def test_what_comes_while_a_custodian_waits_for_the_ledger_counts_for_its_decision(
    arrival: Arrival, camera: str, code: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Custodian B, which does not look again, gives its share."""
    statement = desk.entered(read_by(desk, camera))
    b_does_not_look_again(monkeypatch)
    with ThreadPoolExecutor(2) as pool, waiting_for_the_ledger(monkeypatch) as (waiting, arrived):
        asked = {one: pool.submit(desk.submit, one, statement) for one in Custodian}
        try:
            assert all(waiting.acquire(timeout=10) for _ in Custodian)
            arrival(desk.world)
        finally:
            arrived.set()
        for future in asked.values():
            future.result(timeout=20)
    assert desk.refusal(A, statement) == code
    assert desk.reply(B, statement).share
    assert decided(desk.world, statement.statement_id) == {A: code, B: "ok"}
    if arrival is suspended:
        for custodian in Custodian:
            _say(desk.world, custodian, suspended=False)
        desk.world.clock.offset += 5
