"""A loop of the daemon: waits out what was foreseen, ends the process for what was not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from blindplate.client.owner import daemon
from blindplate.client.owner.session import Session
from blindplate.core.errors import ForkError, UnavailableError
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantSuspension
from tests.unit.client.owner.scene import NOW, PLATES, Scene, signing_key


def looped(session: Session, step: Callable[[], float], stop: threading.Event) -> list[BaseException]:
    failures: list[BaseException] = []
    daemon._loop(session, "tested", step, stop, failures)
    return failures


def test_a_party_that_is_away_is_waited_for(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "_FIRST_PAUSE_SECONDS", 0.001)
    stop, calls = threading.Event(), iter(range(4))

    def step() -> float:
        if next(calls) < 3:
            raise UnavailableError("Away.")
        stop.set()
        return 0.0

    assert looped(session, step, stop) == []
    assert list(calls) == []


def test_an_unforeseen_error_ends_the_daemon(session: Session) -> None:
    stop = threading.Event()

    def step() -> float:
        raise ZeroDivisionError

    assert [type(failure) for failure in looped(session, step, stop)] == [ZeroDivisionError]
    assert stop.is_set()


def test_serve_raises_what_ended_a_loop(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_session: Session) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(daemon, "_take_answers", fail)
    with pytest.raises(ZeroDivisionError):
        daemon.serve(session, threading.Event())


def test_another_amendment_ends_the_session_and_not_the_daemon(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "_take_answers", lambda _session: 0.01)
    monkeypatch.setattr(daemon, "_LEDGER_SECONDS", 0.01)
    stop = threading.Event()
    thread = threading.Thread(target=daemon.serve, args=(scene.session, stop))
    thread.start()
    scene.amend(list_size=7)
    scene.witness()
    scene.clock.moment += 5
    thread.join(60)
    assert not thread.is_alive()
    assert not stop.is_set()


def test_a_suspension_is_told_once_and_waited_out(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    over = threading.Event()
    watching = daemon._Watching(scene.session, over)
    suspension = GrantSuspension(
        grant_id="police-1", custodian=Custodian.B, suspended=True, reason="Looked into.", made_at=NOW
    )
    scene.ledger.enter(suspension.statement(signing_key(scene.deployment, "custodian-b")))
    scene.witness()
    watching.step()
    watching.step()
    assert not over.is_set()
    assert capsys.readouterr().err.count('"suspended_by": ["b"]') == 1


def test_a_ledger_that_forks_is_an_alarm(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.ledger.entries[-1] += b" "
    scene.witness()
    with pytest.raises(ForkError):
        daemon._Watching(scene.session, threading.Event()).step()
    assert "ledger-alarm" in capsys.readouterr().err


def test_publishing_goes_on_as_soon_as_a_version_is_witnessed(scene: Scene) -> None:
    publishing = daemon._Publishing(scene.session)
    scene.put(PLATES[0])
    publishing.step()
    publishing.step()
    assert scene.matcher.manifests == []
    scene.witness()
    publishing.step()
    assert len(scene.matcher.manifests) == 2


def test_answers_under_lost_keys_are_not_acknowledged_while_a_version_waits(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[Session] = []
    monkeypatch.setattr(daemon, "acknowledge_passed_over", acknowledged.append)
    publishing = daemon._Publishing(scene.session)
    scene.put(PLATES[0])
    publishing.step()
    assert acknowledged == []
    scene.witness()
    publishing.step()
    assert acknowledged == [scene.session]
