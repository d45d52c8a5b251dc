"""A hit with everything that can come of one: a request, replies, an outcome, what it revealed, an image, media."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert, select

from blindplate.client.owner.asking import Reason, new_request
from blindplate.client.owner.evidence import media_folder, sealed_path
from blindplate.client.owner.hits import HitState, SealedHit, set_hit_state
from blindplate.client.owner.outcomes import put_outcome
from blindplate.client.owner.requests import Request, keep_request
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries, hits, reveals
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome
from blindplate.v1.records_pb2 import Payload
from tests.unit.client.owner.samples import encoded, hit_on
from tests.unit.client.owner.scene import Scene

DAY = 86_400
# What is looked for on the disk afterwards; the payload's text and image hold it.
MARK = b"evidence-of-a-vehicle"


def revealed_hit(scene: Scene, plate: str, *, at: float | None = None) -> tuple[SealedHit, Request]:
    """A hit on a listed plate, released and revealed, its request entered in the ledger, its files in the folder."""
    sealed = hit_on(scene, plate, at=at)
    hit_id, session = sealed.hit.hit_id, scene.session
    request = new_request(session, sealed, b"", Reason(Purpose.MURDER, "case"))
    payload = Payload(plate=encoded(plate), text_as_read=MARK.decode(), plate_patch=MARK * 50)
    with session.store.writing() as connection:
        keep_request(connection, request, MARK)
        chosen = select(entries.c.entry_id).where(entries.c.plate == encoded(plate))
        row = {
            "hit_id": hit_id,
            "entry_id": connection.execute(chosen).scalar_one(),
            "payload": payload.SerializeToString(),
            "revealed_at": session.now(),
        }
        connection.execute(insert(reveals).values(row))
        set_hit_state(connection, hit_id, HitState.REVEALED)
        put_outcome(connection, session, request.request_id, Outcome.OPENED)
    scene.ledger.enter(request.entry)
    for path in files_of(session, hit_id):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(MARK)
    return sealed, request


def files_of(session: Session, hit_id: int) -> tuple[Path, ...]:
    """Every file that can lie there of a hit, half-written ones too."""
    folder = session.store.folder
    return (
        folder / "images" / f"hit-{hit_id}.jpg",
        folder / "images" / f".hit-{hit_id}.jpg.0a1b2c3d",
        media_folder(folder) / f"hit-{hit_id}-1.mp4",
        media_folder(folder) / f".hit-{hit_id}.sealed.part",
        sealed_path(folder, hit_id),
    )


def hit_numbers(session: Session) -> list[int]:
    with session.store.reading() as connection:
        return list(connection.execute(select(hits.c.hit_id).order_by(hits.c.hit_id)).scalars())


def marks(session: Session) -> list[str]:
    """The files of the owner's folder that still hold the mark."""
    return sorted(
        path.name for path in session.store.folder.rglob("*") if path.is_file() and MARK in path.read_bytes()
    )
