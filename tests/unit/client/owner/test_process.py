"""The owner's process: waits for a ledger that is not there yet, and goes on under an amended grant."""

from __future__ import annotations

import threading

import pytest

from blindplate.client.owner import process
from blindplate.client.owner.session import Session
from blindplate.core.errors import GrantError, SettingsError
from blindplate.core.statements.grants import Grant
from tests.unit.client.owner.scene import Scene


@pytest.fixture(autouse=True)
def unpatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(process, "tested_set", lambda _name: None)


def test_an_amended_grant_is_followed_without_a_start(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, served = threading.Event(), list[Grant]()

    def serve(session: Session, _stop: threading.Event) -> None:
        served.append(session.grant)
        if len(served) == 2:
            stop.set()
            return
        scene.amend(list_size=7)
        scene.witness()
        session.ledger.refresh()
        scene.clock.moment += 5
        assert session.is_amended()

    monkeypatch.setattr(process, "serve", serve)
    process.run(scene.settings(), stop=stop, clock=scene.clock)
    assert [grant.amendment for grant in served] == [0, 1]


def test_a_ledger_that_is_not_there_yet_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = scene.ledger.folder / "checkpoint"
    hidden = checkpoint.rename(checkpoint.with_name("later"))
    stop, waits = threading.Event(), list[float]()
    wait = stop.wait

    def waited(seconds: float | None = None) -> bool:
        waits.append(seconds or 0.0)
        if len(waits) == 2:
            hidden.rename(checkpoint)
        return wait(0)

    monkeypatch.setattr(stop, "wait", waited)
    monkeypatch.setattr(process, "serve", lambda _session, stop: stop.set())
    settings = scene.settings(data=scene.deployment.folder / "new")
    process.run(settings, stop=stop, clock=scene.clock)
    assert waits == [0.01, 0.02]


def test_told_to_stop_while_waiting_it_stops(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (scene.ledger.folder / "checkpoint").unlink()
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", lambda _seconds: stop.set())
    process.run(scene.settings(data=scene.deployment.folder / "new"), stop=stop, clock=scene.clock)
    assert stop.is_set()


def test_automatic_release_without_a_grant_for_it_is_refused(scene: Scene) -> None:
    with pytest.raises(SettingsError, match="automatic"):
        process.run(scene.settings(automatic_release=True), stop=threading.Event(), clock=scene.clock)


def test_another_owners_grant_is_not_waited_for(scene: Scene) -> None:
    with pytest.raises(GrantError):
        process.run(scene.settings(grant="emissions-1"), stop=threading.Event(), clock=scene.clock)
