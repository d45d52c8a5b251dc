"""The owner's daemon: one loop publishes, one takes answers, one asks for releases where that is automatic.

Guarantees that no loop holds another up, that a party that is away is waited for and logged, and that an
unforeseen error ends the whole process instead of one loop in silence. Protocol section 5.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from blindplate.client.owner.answers import acknowledge_passed_over, acknowledge_stored, take_next
from blindplate.client.owner.automatic import ask_for_releases
from blindplate.client.owner.coverage import delta_lead
from blindplate.client.owner.publish import due_epochs, is_behind, publish
from blindplate.client.owner.segments import latest_version
from blindplate.client.owner.session import Session
from blindplate.core.errors import BlindplateError
from blindplate.edge.logs import log

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
# How often the matcher is asked whether it still has everything, when nothing else calls for it.
_LOOK_SECONDS: Final = 60.0
# Answers left unacknowledged while a version waits to be published; a matcher bears 256 before it lets reads wait.
_KEPT_BACK: Final = 64


def serve(session: Session, stop: threading.Event) -> None:
    """Run the loops until ``stop`` is set. Raises whatever unforeseen error ended one of them."""
    failures: list[BaseException] = []
    loops = (
        ("publishing", _Publishing(session).step),
        ("answers", lambda: _take_answers(session)),
        ("releases", lambda: _ask_for_releases(session)),
    )
    threads = [
        threading.Thread(target=_loop, args=(session, name, step, stop, failures), name=name)
        for name, step in loops
        if name != "releases" or session.settings.automatic_release
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class _Publishing:
    """Publishes when the list, the epochs due or the time since the last look call for it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done: tuple[object, ...] = ()
        self._looked_at = float("-inf")

    def step(self) -> float:
        """One look. Gives the seconds to wait before the next."""
        session = self._session
        now = session.now()
        seen = self._state(now)
        if seen == self._done and 0 <= now - self._looked_at < _LOOK_SECONDS:
            return session.settings.poll_seconds
        with session.store.publishing(wait=False) as mine:
            if mine:
                self._done = ()
                done = publish(session)
                acknowledge_passed_over(session)
                self._done, self._looked_at = seen, now
                if done.uploaded or done.evaluated:
                    log().info("published", uploaded=done.uploaded, evaluated=done.evaluated)
        return session.settings.poll_seconds

    def _state(self, now: float) -> tuple[object, ...]:
        due = due_epochs(self._session, now)
        # A coming epoch is brought up to date as it draws near, which is a state of its own.
        near = [(epoch, epoch.start() - delta_lead(epoch) <= now) for epoch in due]
        with self._session.store.reading() as connection:
            return latest_version(connection), *near


def _take_answers(session: Session) -> float:
    acknowledge_stored(session, _kept_back(session))
    taken = take_next(session, session.settings.wait_ms, _kept_back)
    if taken is not None and taken.hits:
        log().info("hits", sequence=taken.sequence, hits=taken.hits)
    # The matcher waits for an answer itself; where it was told not to, there is no hurry either.
    return 0.0 if taken is not None or session.settings.wait_ms else session.settings.poll_seconds


def _kept_back(session: Session) -> int:
    return _KEPT_BACK if is_behind(session) else 0


def _ask_for_releases(session: Session) -> float:
    asked = ask_for_releases(session)
    if asked:
        log().info("releases-asked", count=asked)
    return session.settings.poll_seconds


def _loop(
    session: Session,
    name: str,
    step: Callable[[], float],
    stop: threading.Event,
    failures: list[BaseException],
) -> None:
    longest = min(_LONGEST_PAUSE_SECONDS, session.rule.at(0).end() / 4)
    pause = _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        try:
            wait = step()
            pause = _FIRST_PAUSE_SECONDS
        except BlindplateError as error:
            log().warning("waiting", loop=name, error=error, seconds=pause)
            wait, pause = pause, min(2 * pause, longest)
        except BaseException as error:  # noqa: BLE001  handed to ``serve``, which raises it
            failures.append(error)
            stop.set()
            return
        stop.wait(wait)
