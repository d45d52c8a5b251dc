"""A loop of the daemon: waits out what was foreseen, ends the process for what was not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from blindplate.client.owner import daemon
from blindplate.client.owner.session import Session
from blindplate.core.errors import UnavailableError


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
