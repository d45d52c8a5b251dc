"""A day's run: the list to be opened published, answers taken, releases asked for, records revealed, outcomes given.

Guarantees that it may be stopped anywhere and run again, and gives the same outcomes: each step is durable before the next
and is not done twice. The daemon does the same by itself; this does it now, and shows what is in the way. Alternate
readings are never asked for. Protocol section 8; docs/spec/owner.md section 7.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from blindplate.client.owner import outcomes
from blindplate.client.owner.answers import acknowledge_stored, take_next
from blindplate.client.owner.asking import Reason
from blindplate.client.owner.charging.charges import hits_in, record_charges
from blindplate.client.owner.charging.days import ChargingDay, charging_day
from blindplate.client.owner.charging.opening import openings_due
from blindplate.client.owner.hits import HitState, find_hit
from blindplate.client.owner.progress import Progress, silent
from blindplate.client.owner.publish import kept_back, publish
from blindplate.client.owner.release import follow, request_releases
from blindplate.client.owner.requests import Request, Standing, latest_request
from blindplate.client.owner.reveal import reveal_hit
from blindplate.client.owner.session import Session
from blindplate.client.owner.upload import upload
from blindplate.core.errors import BlindplateError, StateError, UnwitnessedError
from blindplate.core.statements.grants import ReleaseMode
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.uploads import Stage
from blindplate.edge.logs import log

# How long a run waits for answers, witnesses and custodians; the daemon goes on from there.
PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.5
# As long without anything new, nothing is on its way: a batch takes a tick and the ledger's witnessing.
_QUIET_SECONDS: Final = 5.0
# Entered in the ledger by one call: the next are looked for while these are decided.
_ASKED_TOGETHER: Final = 200
# While one waits for a custodian, others do not.
_FOLLOWED_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did: segments published, hits taken, outcomes given; and hits that are still to be opened."""

    published: int
    hits: int
    charged: int
    waiting: int


def run_day(
    session: Session, day: date, *, patience: float = PATIENCE_SECONDS, progress: Progress = silent
) -> Ran:
    """Do what is to be done of a day whose payment has closed, waiting up to ``patience`` seconds for others.

    Raises TooEarlyError before, GrantError without charging terms or outside the grant, and what a party answered.
    """
    charged_day = charging_day(session.grant, day)
    charged_day.require_openable(session.now())
    if charged_day.is_free:
        return Ran(0, 0, 0, 0)
    published = publish_openings(session, charged_day, progress)
    taken = charged = 0
    until = time.monotonic() + patience
    moved_at = time.monotonic()
    while True:
        new = take_answers(session)
        asked, revealed = ask_and_reveal(session, charged_day)
        charged += record_charges(session, day)
        taken += new
        now = time.monotonic()
        moved_at = now if new or asked or revealed else moved_at
        waiting = waiting_hits(session, charged_day)
        if now >= until or (not waiting and now - moved_at >= min(_QUIET_SECONDS, patience)):
            outcomes.enter_all(session)
            return Ran(published, taken, charged, waiting)
        if not asked and not revealed:
            time.sleep(min(_PAUSE_SECONDS, max(0.0, until - now)))


def ask_and_reveal(session: Session, day: ChargingDay) -> tuple[int, int]:
    """Ask for some hits of the day, while those asked for before are decided and revealed. Gives how many of each.

    Looking for what goes with a request keeps this process busy; deciding on it, both custodians.
    """
    with ThreadPoolExecutor(1) as beside:
        asking = beside.submit(ask_for_day, session, day)
        revealed = reveal_approved(session, day)
        return asking.result(), revealed


def ask_for_day(session: Session, day: ChargingDay) -> int:
    """Ask for the release of some of the day's hits that nobody asked for, the oldest. Gives how many; raises as
    ``request_releases``."""
    with session.store.reading() as connection:
        numbers = hits_in(connection, day, HitState.SEALED)
        asked_for = [one for one in numbers if not find_hit(connection, one).hit.alternate]
    reason = Reason(
        Purpose.UNPAID_CHARGE,
        session.settings.case_reference,
        automatic=session.grant.release.mode is ReleaseMode.AUTOMATIC,
    )
    for start in range(0, len(asked_for), _ASKED_TOGETHER):
        # Those that cannot be asked for keep no others waiting.
        if asked := request_releases(session, asked_for[start : start + _ASKED_TOGETHER], reason):
            return asked
    return 0


def reveal_approved(session: Session, day: ChargingDay | None = None) -> int:
    """Reveal the hits that both custodians have approved; of one day, each is asked about first. Gives how many."""
    with session.store.reading() as connection:
        numbers = hits_in(connection, day, HitState.REQUESTED)
        found = [request for one in numbers if (request := latest_request(connection, one)) is not None]
    if day is None:
        return sum(_reveal(session, request) for request in found if request.standing is Standing.APPROVED)
    # Custodians decide nothing before its entry is witnessed.
    witnessed = _witnessed(session) if found else 0
    to_follow = [request for request in found if (request.ledger_index or 0) < witnessed]
    with ThreadPoolExecutor(_FOLLOWED_AT_ONCE) as several:
        return sum(several.map(partial(_follow_and_reveal, session), to_follow))


def _follow_and_reveal(session: Session, request: Request) -> bool:
    try:
        followed = follow(session, request)
    except StateError:
        raise
    except BlindplateError as error:
        log().warning("reveal-refused", hit=request.hit_id, error=error)
        return False
    return followed.standing is Standing.APPROVED and _reveal(session, request)


def _reveal(session: Session, request: Request) -> bool:
    try:
        reveal_hit(session, request.hit_id)
    except StateError:
        raise
    except BlindplateError as error:
        log().warning("reveal-refused", hit=request.hit_id, error=error)
        return False
    return True


def waiting_hits(session: Session, day: ChargingDay) -> int:
    """How many hits of a day are still to be asked for, decided or revealed; alternates apart."""
    with session.store.reading() as connection:
        sealed = hits_in(connection, day, HitState.SEALED)
        return len(hits_in(connection, day, HitState.REQUESTED)) + sum(
            not find_hit(connection, one).hit.alternate for one in sealed
        )


def _witnessed(session: Session) -> int:
    """How many entries of the ledger both custodians have witnessed, looked up once for all requests."""
    try:
        return session.ledger.refresh().checkpoint.size
    except UnwitnessedError:
        return 0


def publish_openings(session: Session, day: ChargingDay, progress: Progress) -> int:
    """What the daemon would publish, and the day's list to be opened whether or not the time for late entries is over."""
    with session.store.publishing(wait=True):
        done = publish(session, progress).uploaded
        for due in openings_due(session, day, session.now()):
            upload(session, due, Stage.OPEN, progress)
            done += 1
    return done


def take_answers(session: Session) -> int:
    """Take every answer there is, unless the daemon does. Gives how many hits came."""
    taken = 0
    with session.store.taking(wait=True):
        acknowledge_stored(session, kept_back(session))
        while (answer := take_next(session, 0, kept_back)) is not None:
            taken += answer.hits
    return taken
