"""One upload: the entries that are due, encrypted, behind a signed manifest and the checkpoint that witnessed them.

Guarantees a fresh key an upload, stored before the first byte leaves, and that the manifest names the list version
under which its entries are witnessed, with the very checkpoint that says so. Protocol section 5; docs/spec/owner.md
section 4.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import IO, Final

from sqlalchemy import ColumnElement, Connection, and_, or_

from blindplate.client.owner import commitments, roster, segments
from blindplate.client.owner import progress as progressing
from blindplate.client.owner.charging.lists import pseudonyms_due
from blindplate.client.owner.commitments import Commitment
from blindplate.client.owner.coverage import Due
from blindplate.client.owner.progress import Progress
from blindplate.client.owner.pseudonymise import pseudonyms_of
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries
from blindplate.core.domains import Domain
from blindplate.core.errors import QuotaError, StorageError
from blindplate.core.signing import Statement
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.edge.logs import log
from blindplate.edge.statuses import remote_errors
from blindplate.psi.layout import Layout, plan
from blindplate.psi.owner import Upload, build_upload
from blindplate.psi.parameters import ParameterSet
from blindplate.psi.selftest import tested_set
from blindplate.v1 import lists_pb2 as v1
from blindplate.v1.lists_pb2_grpc import ListsStub

_UPLOAD_SECONDS: Final = 600.0


def upload(session: Session, due: Due, stage: Stage, progress: Progress) -> None:
    """Make the segment that is due in that stage and send it.

    Raises QuotaError when the list is larger than the grant's capacity, StorageError for a full disk, and what the
    matcher answered.
    """
    grant, parameters = session.grant, tested_set(session.grant.parameter_set)
    with session.store.reading() as connection:
        # What was taken off by its date still counts for the day that is opened: a hit may be of any entry.
        as_of = 0 if stage is Stage.OPEN else roster.latest_version(connection)
        reach = session.reach(due.epoch)
        witnessed = commitments.covering(connection, reach, due.last_version)
        places = reach.made(witnessed.scope)
        listed = _listed(connection, session, due, stage, reach.domains(places))
        number = 0 if due.base else segments.next_delta(connection, due.epoch, stage)
        used = 0 if due.base else segments.capacity_used(connection, due.epoch, stage)
    layout = plan(len(listed), parameters)
    if used + layout.bins * layout.degree > grant.capacity:
        if due.base:
            raise QuotaError("The list is larger than the grant's capacity.", "Ask for an amended grant.")
        # One base takes less room than a base and its deltas.
        upload(session, replace(due, base=True, first_version=1), stage, progress)
        return
    built = build_upload(listed, layout, parameters)
    with _disk(), tempfile.TemporaryFile(dir=session.store.folder) as spool:
        blobs_digest = _spool(built, spool, progress)
        manifest = Manifest(
            grant_id=grant.grant_id,
            list_id=grant.list_id,
            list_version=witnessed.version,
            epoch=EpochPart.of(due.epoch),
            number=number,
            parameter_set=parameters.name,
            parameter_digest=parameters.digest,
            bins=layout.bins,
            degree=layout.degree,
            salt=built.salt,
            ciphertexts=layout.blobs,
            blobs_sha256=blobs_digest,
            matches_from=due.matches_from,
            made_at=int(session.now()),
            stage=stage,
        )
        statement = manifest.statement(session.signing_key)
        with session.store.writing() as connection:
            segment = segments.start_upload(
                connection,
                due,
                statement.statement_id,
                manifest,
                scope=reach.scope(places),
                as_of=as_of,
                secret=built.secret,
            )
        _send(session, statement, witnessed, _blobs(spool, layout, parameters), layout.blobs, progress)
    with session.store.writing() as connection:
        segments.finish_upload(connection, segment)
    log().info("uploaded", epoch=due.epoch.index, stage=stage.value, number=number, entries=len(listed))


def _listed(
    connection: Connection, session: Session, due: Due, stage: Stage, domains: tuple[Domain, ...]
) -> list[bytes]:
    if stage is not Stage.MATCH:
        return pseudonyms_due(connection, domains, due, stage, session.settings.charging.grace_until)
    covered = _covered(due)
    return [y for domain in domains for y in pseudonyms_of(connection, domain, due.epoch, covered)]


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


def _spool(built: Upload, spool: IO[bytes], progress: Progress) -> bytes:
    """Write the ciphertexts out: the manifest, which is sent first, holds the digest of them all."""
    hashed = sha256()
    for done, blob in enumerate(built.body, start=1):
        hashed.update(blob)
        spool.write(blob)
        progress(progressing.Stage.ENCRYPTING, done, built.layout.blobs)
    spool.seek(0)
    return hashed.digest()


def _blobs(spool: IO[bytes], layout: Layout, parameters: ParameterSet) -> Iterator[bytes]:
    for _ in range(layout.blobs):
        yield spool.read(parameters.blob_bytes)


def _send(
    session: Session,
    statement: Statement,
    witnessed: Commitment,
    blobs: Iterator[bytes],
    total: int,
    progress: Progress,
) -> None:
    def parts() -> Iterator[v1.UploadPart]:
        yield v1.UploadPart(manifest=statement.to_proto())
        yield v1.UploadPart(checkpoint=witnessed.checkpoint or b"")
        for done, blob in enumerate(blobs, start=1):
            yield v1.UploadPart(ciphertext=blob)
            progress(progressing.Stage.UPLOADING, done, total)

    with remote_errors("matcher"):
        ListsStub(session.matcher).Upload(parts(), timeout=_UPLOAD_SECONDS)
