"""What a person does with a list: each command one function, sharing the database with the daemon.

Guarantees that a change of the list is durable before anything is sent for it: when a custodian, the ledger or the
matcher is away, the command raises and the daemon goes on from there. Specified in docs/spec/owner.md sections 2 and 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from blindplate.client.owner import commitments, committing, outcomes, roster
from blindplate.client.owner.entries import Details
from blindplate.client.owner.listfile import Problem, listed_vehicle, read_list_file
from blindplate.client.owner.progress import Progress, Stage, silent
from blindplate.client.owner.publish import Published, publish
from blindplate.client.owner.release import follow, request_release
from blindplate.client.owner.requests import Request, Standing, all_requests
from blindplate.client.owner.reveal import Revealed, judge_hit, reveal_hit
from blindplate.client.owner.roster import Change
from blindplate.client.owner.session import Session, open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.status import ListStatus, list_status
from blindplate.client.owner.submitting import Refused, Submission, take_file
from blindplate.client.owner.watching import Sight, has_media, hits, sight, watch
from blindplate.core.errors import BlindplateError, ListFileError
from blindplate.core.plates import canonicalize
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome

__all__ = ["Sight", "has_media", "hits", "sight", "watch"]

_WATCH_SECONDS = 0.25
_AS_A_LIST = Submission()
# How long a command waits for both custodians to witness a version; then the daemon goes on.
_WITNESS_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ListChange:
    """A change of the list, what was published of it, and since when the list so changed is in force.

    ``in_force_since`` is the later moment (seconds since 1970, UTC) at which a custodian had witnessed it; None while
    that is waited for.
    """

    change: Change
    published: Published
    in_force_since: int | None


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """What became of a list file. ``changed`` is None, and the list as before, when it was refused.

    Problems are in order of lines. Where it was taken, rows of a refused kind were left out.
    """

    problems: tuple[Problem, ...]
    changed: ListChange | None


def submit(
    settings: OwnerSettings,
    path: Path,
    submission: Submission = _AS_A_LIST,
    *,
    progress: Progress = silent,
) -> SubmitReport:
    """Take the list file ``path`` as ``submission`` says, and publish the list.

    Raises ListFileError for a file that cannot be read row by row or whose revision may not be taken now, QuotaError
    for more vehicles than the grant allows, and as ``publish`` does.
    """
    with open_session(settings) as session:
        now, limit = session.now(), session.grant.list_size
        file = read_list_file(
            path,
            country=settings.country,
            today=roster.london_day(now),
            max_vehicles=limit,
            priority=submission.priority,
            expected=replace(submission.expected, genetec=settings.genetec),
        )
        if submission.refuses(file.problems):
            return SubmitReport(file.problems, None)
        problems = file.problems

        def take(connection: Connection) -> Change:
            nonlocal problems
            problems, change = take_file(connection, file, submission, now, limit)
            return change

        try:
            changed = _changed(session, take, progress)
        except Refused as refused:
            return SubmitReport(refused.problems, None)
        return SubmitReport(problems, changed)


def add(
    settings: OwnerSettings,
    plate: str,
    *,
    country: str | None = None,
    details: Details | None = None,
    progress: Progress = silent,
) -> ListChange:
    """List one vehicle more, and publish it. Raises PlateError, ListFileError, QuotaError, and as ``publish`` does."""
    vehicle = listed_vehicle(plate, country or settings.country, details or Details())
    with open_session(settings) as session:
        if vehicle.details.is_over(roster.london_day(session.now())):
            raise ListFileError("The weed date of the entry is past.", "Give a later one, or none.")
        limit = session.grant.list_size
        return _changed(
            session,
            lambda connection: roster.add_vehicle(connection, vehicle, session.now(), limit),
            progress,
        )


def remove(
    settings: OwnerSettings, plate: str, *, country: str | None = None, progress: Progress = silent
) -> ListChange:
    """Take one vehicle off, and publish the list without it. Raises PlateError, NotFoundError, and as ``publish``."""
    canonical = canonicalize(plate, country or settings.country)
    with open_session(settings) as session:
        return _changed(
            session,
            lambda connection: roster.remove_vehicle(connection, canonical, session.now()),
            progress,
        )


def status(settings: OwnerSettings) -> ListStatus:
    """Where the list stands. Raises StorageError."""
    with open_session(settings) as session:
        return list_status(session)


def request(
    settings: OwnerSettings,
    hit_id: int,
    purpose: Purpose,
    case_reference: str,
    *,
    emergency: bool = False,
) -> Request:
    """Ask both custodians to release a hit. Raises as ``release.request_release``."""
    with open_session(settings) as session:
        return request_release(session, hit_id, purpose, case_reference, emergency=emergency)


def reveal(settings: OwnerSettings, hit_id: int) -> Revealed:
    """Open a released hit. Raises as ``reveal.reveal_hit``."""
    with open_session(settings) as session:
        try:
            return reveal_hit(session, hit_id)
        finally:
            # Whatever came of it. The daemon enters what cannot be entered now.
            with suppress(BlindplateError):
                outcomes.enter_all(session)


def judge(settings: OwnerSettings, hit_id: int, outcome: Outcome) -> None:
    """Enter in the ledger what came of a revealed hit. Raises as ``reveal.judge_hit``."""
    with open_session(settings) as session:
        judge_hit(session, hit_id, outcome)


def releases(settings: OwnerSettings) -> list[Request]:
    """Every request made, each custodian asked where the open ones stand."""
    with open_session(settings) as session:
        with session.store.reading() as connection:
            found = all_requests(connection)
        return [_followed(session, one) for one in found]


def _followed(session: Session, found: Request) -> Request:
    if found.standing not in (Standing.UNREACHED, Standing.PENDING):
        return found
    try:
        return follow(session, found)
    except BlindplateError:
        # One that cannot be followed, its answer erased for instance, must not hide the others.
        return found


def _changed(session: Session, change: Callable[[Connection], Change], progress: Progress) -> ListChange:
    """Make a change and publish it. Publishing is held from before, so that the daemon does not do it unseen."""
    with session.store.publishing(wait=True):
        with session.store.writing() as connection:
            changed = change(connection)
        published = _publish(session, progress)
    with session.store.reading() as connection:
        made = commitments.in_force(connection)
    since = None if made is None or published.waiting else made.effective_at
    return ListChange(changed, published, since)


def _publish(session: Session, progress: Progress) -> Published:
    """Publish, and again once both custodians have witnessed the version, if they do so in time."""
    done = publish(session, progress)
    if not done.waiting:
        return done
    progress(Stage.WITNESSING, 0, 1)
    until = time.monotonic() + _WITNESS_SECONDS
    while time.monotonic() < until:
        time.sleep(_WATCH_SECONDS)
        if committing.advance(session):
            continue
        progress(Stage.WITNESSING, 1, 1)
        again = publish(session, progress)
        done = Published(done.evaluated + again.evaluated, done.uploaded + again.uploaded, again.waiting)
        # Where none is on its way, too many were made just now: the daemon commits to this one when it may.
        if not again.waiting or not committing.advance(session):
            break
    return done
