"""Publishing: brings what the matcher holds in line with the list, epoch by epoch.

Guarantees that nothing is uploaded of a version that both custodians have not witnessed, that every upload has a key
of its own, stored before the first byte leaves, and that an interrupted run is finished by the next without ever
offering two uploads under one number. What can be published is published first; what keeps the rest from it is raised
afterwards. How an upload is made and sent is ``upload``'s. Protocol section 5; docs/spec/owner.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blindplate.client.owner import commitments, committing, roster, segments
from blindplate.client.owner.answers import ask_from_the_first, forget_answers
from blindplate.client.owner.charging.days import calendar_day
from blindplate.client.owner.charging.opening import days_to_open, is_half_published, openings_due
from blindplate.client.owner.charging.settlements import forget_settlements
from blindplate.client.owner.coverage import Due, epochs_due, segments_due
from blindplate.client.owner.progress import Progress, silent
from blindplate.client.owner.pseudonymise import evaluate_missing
from blindplate.client.owner.segments import SegmentState
from blindplate.client.owner.session import Session
from blindplate.client.owner.upload import upload
from blindplate.core.charging import is_free
from blindplate.core.domains import Epoch
from blindplate.core.errors import BlindplateError, StateError
from blindplate.core.statements.uploads import Stage
from blindplate.edge.logs import log
from blindplate.edge.statuses import remote_errors
from blindplate.v1 import lists_pb2 as v1
from blindplate.v1.lists_pb2_grpc import ListsStub

_CALL_SECONDS = 20.0
# A matcher bears 256 unacknowledged answers before it lets reads wait.
_KEPT_BACK = 64


@dataclass(frozen=True, slots=True)
class Published:
    """What one run did: plates evaluated, counted once a zone, segments uploaded.

    ``waiting`` says that a version of the list is still to be committed to or witnessed: publish again soon.
    """

    evaluated: int
    uploaded: int
    waiting: bool = False


def publish(session: Session, progress: Progress = silent) -> Published:
    """Evaluate what is new, commit to it, and upload what is due. The caller holds ``store.publishing``.

    Raises QuotaError, GrantError, UnavailableError, ProofError or another typed error of a custodian, the ledger or
    the matcher, after doing all that could be done without it.
    """
    now = session.now()
    with session.store.writing() as connection:
        roster.keep_dates(connection, now)
        segments.destroy_ended(connection, now, session.hold_seconds)
        forget_answers(connection, now - session.hold_seconds)
        if session.grant.charging is not None:
            # A day whose window has ended gives no reads any more: who settled it is nobody's business.
            forget_settlements(connection, roster.london_day(now - session.hold_seconds))
    session.require_in_force()
    troubles: list[BlindplateError] = []
    evaluated = uploaded = 0
    try:
        evaluated = evaluate_missing(session, progress)
    except BlindplateError as error:
        troubles.append(error)
    try:
        # What waited may be in force by now; then the next may be committed to.
        committing.advance(session)
        committing.commit(session)
        committing.advance(session)
        committing.prune(session)
    except BlindplateError as error:
        troubles.append(error)
    _reconcile(session, now)
    for stage, dues in _uploads(session, now):
        try:
            for due in dues:
                upload(session, due, stage, progress)
                uploaded += 1
        except StateError:
            raise
        except BlindplateError as error:
            # Refused for this epoch; the next one may be in order.
            log().warning("upload-refused", epoch=dues[0].epoch.index, stage=stage.value, error=error)
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return Published(evaluated, uploaded, is_waiting(session))


def is_waiting(session: Session) -> bool:
    """Whether the list as it stands is not yet in force."""
    with session.store.reading() as connection:
        version, made = roster.latest_version(connection), commitments.in_force(connection)
        scope = committing.scope_now(connection, session)
    return version > 0 and (made is None or (made.version, made.scope) != (version, scope))


def is_behind(session: Session) -> bool:
    """Whether an epoch that has begun still lacks something of the list: its reads may match what is to come.

    A version that is not witnessed, as far as is known here, may take effect at any moment.
    """
    now = session.now()
    begun = [epoch for epoch in due_epochs(session, now) if epoch.start() <= now]
    return any(_due(session, epoch, now, waiting_since=now) for epoch in begun)


def kept_back(session: Session) -> int:
    """How many answers are to be left unacknowledged: what they hold may match what is still to be uploaded."""
    now = session.now()
    half = any(is_half_published(session, day, now) for day in days_to_open(session, now, delayed=False))
    return _KEPT_BACK if half or is_behind(session) else 0


def due_epochs(session: Session, now: float) -> list[Epoch]:
    """The epochs the list is to be uploaded for."""
    return epochs_due(
        session.rule,
        now,
        ahead=session.settings.epochs_ahead,
        hold_seconds=session.hold_seconds,
        begins=session.begins,
        ends=session.ends,
    )


def _uploads(session: Session, now: float) -> Iterator[tuple[Stage, list[Due]]]:
    """What is due, epoch by epoch; what is to be opened comes after what is to be matched as reads come in."""
    for epoch in due_epochs(session, now):
        yield session.stage, _due(session, epoch, now)
    for day in days_to_open(session, now):
        yield Stage.OPEN, openings_due(session, day, now)


def _due(session: Session, epoch: Epoch, now: float, *, waiting_since: float | None = None) -> list[Due]:
    """What an epoch lacks, by the versions that are witnessed; with ``waiting_since`` by all, the rest as of then."""
    reach = session.reach(epoch)
    with session.store.reading() as connection:
        versions = commitments.witnessed_versions(connection, reach, waiting_since=waiting_since)
        removals = segments.removals(connection)
        current = segments.current_in(connection, reach, session.stage)
    due = segments_due(epoch, now, versions, removals, current)
    if session.stage is Stage.KEEP and is_free(calendar_day(epoch.index)):
        # Its list is empty whatever is listed: one will do.
        return [] if current else due[:1]
    return due


def _reconcile(session: Session, now: float) -> None:
    """Settle what an interruption left open, and see whether the matcher still has what it should have.

    Keys are kept either way: a segment that only seems lost may still be answered.
    """
    with session.store.reading() as connection:
        uploading = segments.in_states(connection, SegmentState.UPLOADING)
        live = segments.in_states(connection, SegmentState.LIVE)
    request = v1.SegmentsRequest(list_id=session.grant.list_id)
    with remote_errors("matcher"):
        response = ListsStub(session.matcher).Segments(request, timeout=_CALL_SECONDS)
    held = {one.segment_id for one in response.segments}
    # The matcher lists what is in force or to come: of an epoch that is over it says nothing.
    expected = uploading + [one for one in live if one.epoch_ends > now]
    lost = [one for one in expected if one.segment_id not in held]
    with session.store.writing() as connection:
        for one in uploading:
            if one.segment_id in held:
                segments.finish_upload(connection, one)
        for one in lost:
            segments.lose(connection, one)
        if lost:
            # Its database may have been made anew, and count answers from 1 again.
            ask_from_the_first(connection)
    if lost:
        log().warning("segments-lost", count=len(lost))
