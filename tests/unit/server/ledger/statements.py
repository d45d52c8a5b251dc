"""Statements that rest on each other, as parties enter them."""

from __future__ import annotations

from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import (
    CameraCounts,
    CameraStanding,
    CameraStatus,
    ListCount,
    RegisterEntry,
)
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister, register_digest
from blindplate.edge.tls import spiffe_id
from tests.unit.server.ledger.site import OPERATOR

CAMERA = SigningKey.from_seed(bytes([6]) * 32)


def register(zone: str, generation: int = 1, key: SigningKey = CAMERA) -> tuple[bytes, bytes]:
    """A register's entry and its document."""
    camera = RegisteredCamera(
        camera_id="camera-1",
        identity=spiffe_id("camera", "camera-1"),
        signing_key=key.public,
        latitude=51.5,
        longitude=-0.1,
    )
    document = ZoneRegister(zone=zone, generation=generation, cameras=(camera,)).statement(OPERATOR)
    return entry_bytes(_entry(document, zone, generation)), document_bytes(document)


def counts(zone: str, records: int, key: SigningKey = CAMERA) -> bytes:
    """A camera's counts, which only a register makes it able to enter."""
    accepted = (ListCount(list_id="police", records=records),)
    stated = CameraCounts(camera_id="camera-1", zone=zone, since=1, accepted=accepted, made_at=records)
    return entry_bytes(stated.statement(key))


def status(made_at: int, standing: CameraStanding = CameraStanding.ENROLLED) -> bytes:
    """A camera's status."""
    return entry_bytes(
        CameraStatus(
            camera_id="camera-1",
            zone="inner",
            identity=spiffe_id("camera", "camera-1"),
            signing_key=CAMERA.public,
            standing=standing,
            reason="test",
            made_at=made_at,
        ).statement(OPERATOR)
    )


def _entry(document: Statement, zone: str, generation: int) -> Statement:
    return RegisterEntry(
        zone=zone,
        generation=generation,
        cameras=1,
        register_digest=register_digest(document.payload),
        made_at=generation,
    ).statement(OPERATOR)
