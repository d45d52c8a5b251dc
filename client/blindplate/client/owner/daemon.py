"""The owner's daemon: a loop each publishes, takes answers, fetches media, sees to releases, erases, watches the grant.

Guarantees that no loop holds another up, that a party that is away is waited for and logged, that what a session was
opened for is left when the ledger says otherwise, and that an unforeseen error ends the whole process instead of one
loop in silence. Protocol sections 5 to 7.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from blindplate.client.owner import commitments, committing, outcomes, roster
from blindplate.client.owner.answers import acknowledge_passed_over, acknowledge_stored, take_next
from blindplate.client.owner.automatic import SeeingThrough, ask_for_releases
from blindplate.client.owner.charging.charges import record_charges
from blindplate.client.owner.charging.opening import days_to_open
from blindplate.client.owner.charging.run import reveal_approved
from blindplate.client.owner.coverage import delta_lead
from blindplate.client.owner.fetching import Fetching
from blindplate.client.owner.publish import due_epochs, is_behind, kept_back, publish
from blindplate.client.owner.retention.job import Retaining
from blindplate.client.owner.session import Session
from blindplate.core.errors import BlindplateError, SecurityError
from blindplate.core.parties import Custodian
from blindplate.edge.logs import log

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
# How often the matcher is asked whether it still has everything, when nothing else calls for it.
_LOOK_SECONDS: Final = 60.0
# How often the ledger is read on when nothing is waited for.
_LEDGER_SECONDS: Final = 5.0
# How soon a session that is over, or told to stop, is left.
_OVER_SECONDS: Final = 0.2


def serve(session: Session, stop: threading.Event) -> None:
    """Run the loops until ``stop`` is set or the grant was amended: then a session is to be opened anew.

    Raises whatever unforeseen error ended one of them.
    """
    failures: list[BaseException] = []
    over = threading.Event()
    seeing = SeeingThrough(session)
    passed_over: set[int] = set()
    loops = (
        ("publishing", _Publishing(session).step),
        ("answers", lambda: _take_answers(session)),
        ("releases", lambda: _see_to_releases(session, seeing, passed_over)),
        ("outcomes", lambda: _enter_outcomes(session)),
        ("media", Fetching(session).step),
        ("retention", Retaining(session).step),
        ("grant", _Watching(session, over).step),
    )
    threads = [
        threading.Thread(target=_loop, args=(session, name, step, over, failures), name=name)
        for name, step in loops
    ]
    for thread in threads:
        thread.start()
    while not (stop.wait(_OVER_SECONDS) or over.is_set()):
        pass
    over.set()
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
        with session.store.publishing(wait=False) as mine:
            if mine:
                committing.advance(session)
                self._publish(session.now())
        return session.settings.poll_seconds

    def _publish(self, now: float) -> None:
        session, seen = self._session, self._state(now)
        if seen == self._done and 0 <= now - self._looked_at < _LOOK_SECONDS:
            return
        self._done = ()
        done = publish(session)
        if not is_behind(session):
            acknowledge_passed_over(session)
        self._done, self._looked_at = seen, now
        if done.uploaded or done.evaluated:
            log().info("published", uploaded=done.uploaded, evaluated=done.evaluated)

    def _state(self, now: float) -> tuple[object, ...]:
        due = due_epochs(self._session, now)
        # A coming epoch is brought up to date as it draws near, which is a state of its own.
        near = [(epoch, epoch.start() - delta_lead(epoch) <= now) for epoch in due]
        with self._session.store.reading() as connection:
            made = commitments.latest(connection)
            return (
                # Entries come and go with the day, without anyone acting.
                roster.london_day(now),
                roster.latest_version(connection),
                made and (made.version, made.effective_at),
                committing.is_due(connection, self._session),
                # An amendment under notice may ask for another key generation.
                self._session.evaluated_domains,
                *near,
                # Each day is opened when payment for it has closed, and its time for late entries is over.
                *(one.day for one in days_to_open(self._session, now)),
            )


class _Watching:
    """Reads the ledger on, and ends the session when another amendment is to be followed."""

    def __init__(self, session: Session, over: threading.Event) -> None:
        self._session = session
        self._over = over
        self._standing: tuple[int | None, frozenset[Custodian]] = (None, frozenset())

    def step(self) -> float:
        """One look. Gives the seconds to wait before the next."""
        session = self._session
        try:
            session.ledger.refresh()
        except SecurityError as error:
            log().error("ledger-alarm", error=error)
            raise
        if session.is_amended():
            log().info("grant-amended", grant=session.grant.grant_id)
            self._over.set()
        now, history = session.now(), session.history
        suspended = frozenset(one for one in Custodian if history.suspended(one, now))
        standing = (history.ended_at, suspended)
        if standing != self._standing:
            self._standing = standing
            tell = log().warning if history.ended_at or suspended else log().info
            tell("grant", grant=history.grant_id, ended=history.ended_at, suspended_by=sorted(suspended))
        return _LEDGER_SECONDS


def _take_answers(session: Session) -> float:
    with session.store.taking(wait=False) as mine:
        if not mine:
            return session.settings.poll_seconds
        acknowledge_stored(session, kept_back(session))
        taken = take_next(session, session.settings.wait_ms, kept_back)
    if taken is not None and (taken.hits or taken.kept):
        log().info("hits", sequence=taken.sequence, hits=taken.hits, kept=taken.kept)
    # The matcher waits for an answer itself; where it was told not to, there is no hurry either.
    return 0.0 if taken is not None or session.settings.wait_ms else session.settings.poll_seconds


def _enter_outcomes(session: Session) -> float:
    outcomes.enter_all(session)
    return session.settings.poll_seconds


def _see_to_releases(session: Session, seeing: SeeingThrough, passed_over: set[int]) -> float:
    seeing.step()
    asked = ask_for_releases(session, passed_over)
    if asked:
        log().info("releases-asked", count=asked)
    if session.grant.charging is not None:
        # Nobody looks at each: a day's notices are made of all that was revealed.
        reveal_approved(session)
        charged = record_charges(session)
        if charged:
            log().info("charged", count=charged)
    return session.settings.poll_seconds


def _loop(
    session: Session,
    name: str,
    step: Callable[[], float],
    over: threading.Event,
    failures: list[BaseException],
) -> None:
    longest = min(_LONGEST_PAUSE_SECONDS, session.rule.at(0).end() / 4)
    pause = _FIRST_PAUSE_SECONDS
    while not over.is_set():
        try:
            wait = step()
            pause = _FIRST_PAUSE_SECONDS
        except BlindplateError as error:
            log().warning("waiting", loop=name, error=error, seconds=pause)
            wait, pause = pause, min(2 * pause, longest)
        except BaseException as error:  # noqa: BLE001  handed to ``serve``, which raises it
            failures.append(error)
            over.set()
            return
        over.wait(wait)
