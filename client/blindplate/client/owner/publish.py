"""Publishing: brings what the matcher holds in line with the list, epoch by epoch.

Guarantees that every upload has a key of its own, stored before the first byte leaves, that one process at a time
publishes, and that an interrupted run is finished by the next without ever offering two uploads under one number.
What can be published is published first; what keeps the rest from it is raised afterwards.
Protocol section 5; docs/spec/owner.md section 4.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import IO

from sqlalchemy import ColumnElement, and_, or_

from blindplate.client.owner import roster, segments
from blindplate.client.owner.answers import ask_from_the_first, forget_answers
from blindplate.client.owner.coverage import Due, Removal, Version, epochs_due, segments_due
from blindplate.client.owner.progress import Progress, Stage, silent
from blindplate.client.owner.pseudonymise import evaluate_missing, first_missing_version, pseudonyms_of
from blindplate.client.owner.segments import SegmentState
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries
from blindplate.core.domains import Epoch
from blindplate.core.errors import BlindplateError, QuotaError, StateError, StorageError
from blindplate.core.signing import Statement
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest
from blindplate.edge.logs import log
from blindplate.edge.statuses import remote_errors
from blindplate.psi.layout import Layout, plan
from blindplate.psi.owner import Upload, build_upload
from blindplate.psi.parameters import ParameterSet
from blindplate.psi.selftest import tested_set
from blindplate.v1 import lists_pb2 as v1
from blindplate.v1.lists_pb2_grpc import ListsStub

_UPLOAD_SECONDS = 600.0
_CALL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Published:
    """What one run did: plates evaluated, counted once a zone, and segments uploaded."""

    evaluated: int
    uploaded: int


def publish(session: Session, progress: Progress = silent) -> Published:
    """Evaluate what is new and upload what is due. The caller holds ``store.publishing``.

    Raises QuotaError, GrantError, UnavailableError, ProofError or another typed error of a custodian or the matcher,
    after doing all that could be done without it.
    """
    now = session.now()
    with session.store.writing() as connection:
        roster.weed(connection, now)
        segments.destroy_ended(connection, session.rule, now, session.hold_seconds)
        forget_answers(connection, now - session.hold_seconds)
    troubles: list[BlindplateError] = []
    evaluated = uploaded = 0
    try:
        evaluated = evaluate_missing(session, progress)
    except BlindplateError as error:
        troubles.append(error)
    _reconcile(session, now)
    history = _publishable(session)
    for epoch in due_epochs(session, now):
        try:
            for due in _due(session, epoch, now, history):
                _upload(session, due, progress)
                uploaded += 1
        except StateError:
            raise
        except BlindplateError as error:
            # Refused for this epoch; the next one may be in order.
            log().warning("upload-refused", epoch=epoch.index, error=error)
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return Published(evaluated, uploaded)


def is_behind(session: Session) -> bool:
    """Whether an epoch that has begun still lacks something of the list: its reads may match what is to come."""
    now = session.now()
    with session.store.reading() as connection:
        history = _History(segments.list_versions(connection), segments.removals(connection))
    begun = [epoch for epoch in due_epochs(session, now) if epoch.start() <= now]
    return any(_due(session, epoch, now, history) for epoch in begun)


def due_epochs(session: Session, now: float) -> list[Epoch]:
    """The epochs the list is to be uploaded for."""
    grant = session.grant
    return epochs_due(
        session.rule,
        now,
        ahead=session.settings.epochs_ahead,
        hold_seconds=session.hold_seconds,
        begins=grant.not_before,
        ends=grant.not_after,
    )


@dataclass(frozen=True, slots=True)
class _History:
    """The list's versions in order, and which removed entries of which."""

    versions: list[Version]
    removals: list[Removal]


def _publishable(session: Session) -> _History:
    """The history as far as it is evaluated: a version with entries still to be evaluated waits, and all after it."""
    with session.store.reading() as connection:
        missing = [first_missing_version(connection, domain) for domain in session.grant.domains()]
        first = min((version for version in missing if version is not None), default=None)
        versions = segments.list_versions(connection)
        removals = segments.removals(connection)
    return _History([one for one in versions if first is None or one.version < first], removals)


def _due(session: Session, epoch: Epoch, now: float, history: _History) -> list[Due]:
    with session.store.reading() as connection:
        current = segments.current_in(connection, epoch, session.grant.grant_id)
    return segments_due(epoch, now, history.versions, history.removals, current)


def _upload(session: Session, due: Due, progress: Progress) -> None:
    grant, parameters = session.grant, tested_set(session.grant.parameter_set)
    with session.store.reading() as connection:
        as_of = segments.latest_version(connection)
        covered = _covered(due)
        listed = [
            y for domain in grant.domains() for y in pseudonyms_of(connection, domain, due.epoch, covered)
        ]
        number = 0 if due.base else segments.next_delta(connection, due.epoch)
        used = 0 if due.base else segments.capacity_used(connection, due.epoch)
    layout = plan(len(listed), parameters)
    if used + layout.bins * layout.degree > grant.capacity:
        if due.base:
            raise QuotaError("The list is larger than the grant's capacity.", "Ask for an amended grant.")
        # One base takes less room than a base and its deltas.
        _upload(session, replace(due, base=True, first_version=1), progress)
        return
    upload = build_upload(listed, layout, parameters)
    with _disk(), tempfile.TemporaryFile(dir=session.store.folder) as spool:
        blobs_digest = _spool(upload, spool, progress)
        manifest = Manifest(
            grant_id=grant.grant_id,
            list_id=grant.list_id,
            list_version=due.last_version,
            epoch=EpochPart.of(due.epoch),
            number=number,
            parameter_set=parameters.name,
            parameter_digest=parameters.digest,
            bins=layout.bins,
            degree=layout.degree,
            salt=upload.salt,
            ciphertexts=layout.blobs,
            blobs_sha256=blobs_digest,
            matches_from=due.matches_from,
            made_at=int(session.now()),
        )
        statement = manifest.statement(session.signing_key)
        with session.store.writing() as connection:
            segment = segments.start_upload(
                connection, due, statement.statement_id, manifest, as_of, upload.secret
            )
        _send(session, statement, _blobs(spool, layout, parameters), layout.blobs, progress)
    with session.store.writing() as connection:
        segments.finish_upload(connection, segment)
    log().info("uploaded", epoch=due.epoch.index, number=number, entries=len(listed))


def _covered(due: Due) -> ColumnElement[bool]:
    # An entry that is past its weed date when the epoch begins has no part in it.
    day = roster.london_day(due.epoch.start())
    return and_(
        entries.c.listed_version.between(due.first_version, due.last_version),
        entries.c.removed_version.is_(None),
        or_(entries.c.weed_date.is_(None), entries.c.weed_date >= day),
    )


@contextmanager
def _disk() -> Generator[None]:
    # Around the file's whole life: a full disk shows again when its buffer is flushed on closing.
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"An upload cannot be written: {error.strerror}.", "Make room; then it is made by itself."
        ) from None


def _spool(upload: Upload, spool: IO[bytes], progress: Progress) -> bytes:
    """Write the ciphertexts out: the manifest, which is sent first, holds the digest of them all."""
    hashed = sha256()
    for done, blob in enumerate(upload.body, start=1):
        hashed.update(blob)
        spool.write(blob)
        progress(Stage.ENCRYPTING, done, upload.layout.blobs)
    spool.seek(0)
    return hashed.digest()


def _blobs(spool: IO[bytes], layout: Layout, parameters: ParameterSet) -> Iterator[bytes]:
    for _ in range(layout.blobs):
        yield spool.read(parameters.blob_bytes)


def _send(
    session: Session, statement: Statement, blobs: Iterator[bytes], total: int, progress: Progress
) -> None:
    def parts() -> Iterator[v1.UploadPart]:
        yield v1.UploadPart(manifest=statement.to_proto())
        for done, blob in enumerate(blobs, start=1):
            yield v1.UploadPart(ciphertext=blob)
            progress(Stage.UPLOADING, done, total)

    with remote_errors("matcher"):
        ListsStub(session.matcher).Upload(parts(), timeout=_UPLOAD_SECONDS)


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
    expected = uploading + [one for one in live if session.epoch(one.epoch_index).end() > now]
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
