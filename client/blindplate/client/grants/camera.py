"""The operator's word that a camera is revoked, for the ledger.

Guarantees that identity and key are those of the zone's newest register in the ledger that names the camera, never as
they were typed: a slip would revoke nothing, or another camera. In force once both custodians have witnessed it.
Protocol section 7.
"""

from __future__ import annotations

from blindplate.core.errors import NotFoundError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.policies import RegisteredCamera


def revocation(
    zone: str, camera_id: str, reason: str, operator: SigningKey, state: LedgerState, moment: float
) -> Statement:
    """The signed revocation of a zone's camera at ``moment`` (seconds since 1970, UTC). Raises NotFoundError."""
    camera = _registered(zone, camera_id, state)
    return CameraStatus(
        camera_id=camera_id,
        zone=zone,
        identity=camera.identity,
        signing_key=camera.signing_key,
        standing=CameraStanding.REVOKED,
        reason=reason,
        made_at=int(moment),
    ).statement(operator)


def _registered(zone: str, camera_id: str, state: LedgerState) -> RegisteredCamera:
    registers = [register for register in state.registers.values() if register.zone == zone]
    # The newest that names it: a key that the zone's present register has dropped is still one of earlier grants.
    for register in sorted(registers, key=lambda one: one.generation, reverse=True):
        for camera in register.cameras:
            if camera.camera_id == camera_id:
                return camera
    raise NotFoundError(
        f"No register of zone {zone} in the ledger names a camera {camera_id}.",
        "Compare both names with the zone's register.",
    )
