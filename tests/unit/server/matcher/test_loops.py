"""The ticker's and the keeper's threads outlive whatever one round does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import pytest

from blindplate.core.errors import StorageError
from blindplate.server.matcher import keeper, ticker
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.keeper import Keeper
from blindplate.server.matcher.service import run_or_end_process
from blindplate.server.matcher.ticker import Ticker


class SetClock:
    def now(self) -> float:
        return 0.0


class Failing:
    """Whatever is asked of it fails, and is counted; after some times it sets ``stop``."""

    def __init__(self, error: Exception, stop: threading.Event, after: int) -> None:
        self.asked: list[str] = []
        self.current = Grants()
        self._error, self._stop, self._after = error, stop, after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_arguments: object) -> None:
            self.asked.append(name)
            if len(self.asked) >= self._after:
                self._stop.set()
            raise self._error

        return fail


@pytest.mark.parametrize("error", [StorageError("No."), KeyError("unforeseen")])
def test_a_failed_tick_is_followed_by_the_next(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "_LOOK_SECONDS", 0.001)
    stop = threading.Event()
    failing = Failing(error, stop, 3)

    class Failed(Ticker):
        def tick(self) -> int:
            return cast("int", failing.tick())

    nothing = cast("Any", None)
    Failed(nothing, nothing, nothing, SetClock(), 1, answer_empty_ticks=False).run(stop)
    assert failing.asked == ["tick"] * 3


@pytest.mark.parametrize("error", [StorageError("No."), KeyError("unforeseen")])
def test_a_failed_step_of_housekeeping_keeps_no_other_from_being_done(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_PAUSE_SECONDS", 0.001)
    stop = threading.Event()
    ledger, keys, database = Failing(error, stop, 100), Failing(error, stop, 100), Failing(error, stop, 6)
    retention = Failing(error, stop, 100)
    nightly = cast("Any", Failing(error, stop, 100))
    nothing = cast("Any", None)
    parts = (cast("Any", database), cast("Any", ledger), cast("Any", keys))
    Keeper(*parts, cast("Any", retention), nothing, nothing, nothing, nothing, nightly, SetClock(), 1, 1).run(
        stop
    )
    assert keys.asked == ["provide", "destroy_due"] * 2
    assert retention.asked == ["destroy_unused"] * 2
    assert nightly.asked == ["step"] * 2
    assert database.asked == ["write", "read", "read"] * 2


def test_a_thread_that_ends_before_it_is_told_to_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[tuple[int, int]] = []

    def end(process: int, number: int) -> None:
        ended.append((process, number))

    def fails(_stop: threading.Event) -> None:
        raise KeyError("unforeseen")

    def returns(_stop: threading.Event) -> None:
        """Nothing more to do, it thinks."""

    monkeypatch.setattr("os.kill", end)
    stop = threading.Event()
    for run in (fails, returns):
        with suppress(KeyError):
            run_or_end_process(run, stop)
    assert ended == [(os.getpid(), signal.SIGTERM)] * 2
    stop.set()
    run_or_end_process(returns, stop)
    assert len(ended) == 2
