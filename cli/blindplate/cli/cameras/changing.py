"""Changes of a zone's cameras as the operator makes them: entered in the ledger, and the next key generation prepared.

Guarantees that a camera's revocation is entered before anything else is tried: what follows may fail, and it is cut off all
the same. docs/operations.md, a camera's life.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from blindplate.cli.cameras.enrolling import NewCamera, make_camera
from blindplate.cli.cameras.papers import next_steps, register_file, write_papers
from blindplate.client.grants import cameras
from blindplate.client.grants.party import GrantPartySettings
from blindplate.client.grants.renewal import Renewal, present_cameras, renewal
from blindplate.client.ledger_entries import enter
from blindplate.core.errors import IdentityError, SettingsError
from blindplate.core.signing import Statement
from blindplate.core.statements.cameras import CameraStanding
from blindplate.core.statements.policies import RegisteredCamera
from blindplate.edge.clock import SystemClock
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.ledger.snapshot import read_ledger
from blindplate.edge.tls import spiffe_id

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A camera to be, and how its key comes about: ``public_key`` (hexadecimal), or made in ``folder``."""

    camera: NewCamera
    zone: str
    public_key: str | None
    folder: Path | None
    authority: Path | None
    like: Path | None
    old_certificate_gone: bool
    reason: str


def tell(
    operator: Path, name: str, zone: str | None, standing: CameraStanding, reason: str
) -> tuple[str, RegisteredCamera]:
    """Enter the operator's word on a camera; its zone and what the register has of it.

    Raises NotFoundError, StateError where that is the last word already, and what the ledger answers.
    """
    settings = GrantPartySettings.read(operator)
    with read_ledger(settings.ledger, settings.trust) as state:
        of_zone, camera = cameras.find(name, state, zone)
        cameras.require_last_word(camera.identity, standing, state)
    status = cameras.status(camera, of_zone, standing, reason, settings.key(), SystemClock().now())
    (index,) = _append(settings, [status])
    _say(f"Camera {name} of zone {of_zone} is {standing} by entry {index}, as soon as that is witnessed.")
    return of_zone, camera


def begin_without(operator: Path, zone: str, gone: RegisteredCamera, papers: Path, margin: float) -> None:
    """Prepare the zone's next key generation without a camera. Raises GrantError, and what the ledger answers."""
    settings = GrantPartySettings.read(operator)
    with read_ledger(settings.ledger, settings.trust) as state:
        left = [one for one in present_cameras(zone, state) if one.identity != gone.identity]
        if not left:
            _say(f"Zone {zone} has no other camera: its next key generation begins when one is enrolled.")
            return
        prepared = renewal(zone, left, state, settings.key(), SystemClock().now(), margin)
    _begin(operator, settings, papers, prepared, [])


def begin_with(operator: Path, enrolment: Enrolment, papers: Path, margin: float) -> None:
    """Enrol a camera and prepare its zone's next key generation with it.

    Raises IdentityError for the name of a camera that was revoked while its certificate may still be used, SettingsError,
    GrantError, and what the ledger answers.
    """
    settings, now, new = GrantPartySettings.read(operator), SystemClock().now(), enrolment.camera
    identity = spiffe_id("camera", new.name)
    with read_ledger(settings.ledger, settings.trust) as state:
        if identity in state.revoked and not enrolment.old_certificate_gone:
            raise IdentityError(
                f"A camera {new.name} was revoked: who has the old device may still have a certificate of that name.",
                "Give the new one another name, or say --old-certificate-gone once that certificate is of no use.",
            )
        others = [one for one in present_cameras(enrolment.zone, state) if one.camera_id != new.name]
        camera = RegisteredCamera(
            camera_id=new.name,
            identity=identity,
            signing_key=_key(enrolment),
            latitude=new.latitude,
            longitude=new.longitude,
            evaluations_per_hour=new.evaluations_per_hour,
        )
        prepared = renewal(enrolment.zone, [*others, camera], state, settings.key(), now, margin)
    status = cameras.status(
        camera, enrolment.zone, CameraStanding.ENROLLED, enrolment.reason, settings.key(), now
    )
    _begin(operator, settings, papers, prepared, [status])


def _key(enrolment: Enrolment) -> bytes:
    if enrolment.public_key is not None:
        return _hexadecimal(enrolment.public_key)
    if enrolment.folder is None or enrolment.authority is None or enrolment.like is None:
        raise SettingsError(
            "Neither is a public key given, nor where to make one.",
            "Say --public-key; or --out, --authority and --like.",
        )
    return make_camera(enrolment.folder, enrolment.camera, enrolment.authority, enrolment.like)


def _begin(
    operator: Path,
    settings: GrantPartySettings,
    papers: Path,
    prepared: Renewal,
    statements: Sequence[Statement],
) -> None:
    files = write_papers(papers, prepared)
    enter(settings, [register_file(papers, prepared)], SystemClock().now())
    if statements:
        _append(settings, statements)
    for line in next_steps(operator, papers, prepared, files):
        _say(line)


def _append(settings: GrantPartySettings, statements: Sequence[Statement]) -> list[int]:
    client = LedgerClient(settings.ledger.address, settings.tls, settings.ledger.keys.keys())
    with closing(client):
        return [receipt.index for receipt in client.append(list(statements))]


def _hexadecimal(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise SettingsError("The public key is not of 64 hexadecimal digits.", "Have it looked up again.")
    return key


def _say(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
