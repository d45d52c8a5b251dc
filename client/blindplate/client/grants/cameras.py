"""The operator's word on a camera, for the ledger, and what ledger and matcher say of all of them.

Guarantees that identity and key of a camera spoken of are those of the zone's newest register in the ledger that names
it, never as they were typed: a slip would suspect or revoke nothing, or another camera. In force once both custodians
have witnessed it. Protocol section 7; docs/spec/camera.md section 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blindplate.core.errors import NotFoundError, StateError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.policies import RegisteredCamera
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import cameras_pb2 as v1
from blindplate.v1.cameras_pb2_grpc import CamerasStub

_CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SeenCamera:
    """What the matcher has heard of a camera. Times are seconds since 1970 (UTC), 0 for never; rates below 0 unknown."""

    seen_at: float
    alarm: str
    since: float
    passes_per_hour: float
    usual_per_hour: float


@dataclass(frozen=True, slots=True)
class ListedCamera:
    """A camera as the newest register that names it has it; ``state`` is enrolled, suspect, revoked or dropped."""

    zone: str
    generation: int
    name: str
    identity: str
    state: str
    seen: SeenCamera | None


def status(
    camera: RegisteredCamera,
    zone: str,
    standing: CameraStanding,
    reason: str,
    operator: SigningKey,
    moment: float,
) -> Statement:
    """The signed word on a camera at ``moment`` (seconds since 1970, UTC)."""
    return CameraStatus(
        camera_id=camera.camera_id,
        zone=zone,
        identity=camera.identity,
        signing_key=camera.signing_key,
        standing=standing,
        reason=reason,
        made_at=int(moment),
    ).statement(operator)


def find(name: str, state: LedgerState, zone: str | None = None) -> tuple[str, RegisteredCamera]:
    """Zone and camera of that name, in the newest register that names it. Raises NotFoundError."""
    found = [
        (register.generation, register.zone, camera)
        for register in state.registers.values()
        for camera in register.cameras
        if camera.camera_id == name and zone in (None, register.zone)
    ]
    zones = {one for _, one, _ in found}
    if len(zones) != 1:
        raise NotFoundError(
            f"{len(zones)} zones of the ledger have a camera {name}.",
            "Compare its name with `camera list`, and name its zone where two have one of that name.",
        )
    # A key that the zone's present register has dropped is still one of earlier grants.
    _, of_zone, camera = max(found, key=lambda one: one[0])
    return of_zone, camera


def listed(state: LedgerState, seen: Mapping[str, SeenCamera]) -> list[ListedCamera]:
    """Every camera that a register ever named, by zone and name. ``seen`` is by SPIFFE id."""
    newest: dict[str, ListedCamera] = {}
    for register in sorted(state.registers.values(), key=lambda one: one.generation):
        for camera in register.cameras:
            newest[camera.identity] = ListedCamera(
                register.zone,
                register.generation,
                camera.camera_id,
                camera.identity,
                _state(camera, register.zone, register.generation, state),
                seen.get(camera.identity),
            )
    return sorted(newest.values(), key=lambda one: (one.zone, one.name))


def seen_by_matcher(address: str, tls: TlsFiles) -> dict[str, SeenCamera]:
    """What the matcher at ``host:port`` has heard of each camera, by SPIFFE id, asked as the operator.

    Raises UnavailableError and what else it answers.
    """
    with open_channel(address, "matcher", tls) as channel, remote_errors("matcher"):
        answer = CamerasStub(channel).Seen(v1.SeenRequest(), timeout=_CALL_SECONDS)
    return {
        one.identity: SeenCamera(one.seen_at, one.alarm, one.since, one.passes_per_hour, one.usual_per_hour)
        for one in answer.cameras
    }


def require_last_word(identity: str, standing: CameraStanding, state: LedgerState) -> None:
    """Raise StateError where the ledger's last word on a camera is ``standing`` already, or that it is revoked."""
    last = state.camera_statuses.get(identity)
    revoked = identity in state.revoked
    if last is not None and (last.standing is standing or revoked):
        raise StateError(
            f"The ledger says already that camera {last.camera_id} is {last.standing}.",
            "A revoked camera comes back by being enrolled, with a new key.",
        )


def _state(camera: RegisteredCamera, zone: str, generation: int, state: LedgerState) -> str:
    if camera.identity in state.revoked or camera.signing_key in state.revoked_keys:
        return CameraStanding.REVOKED.value
    current = state.current_register(zone)
    if current is not None and current.generation > generation:
        return "dropped"
    return (CameraStanding.SUSPECT if camera.identity in state.suspected else CameraStanding.ENROLLED).value
