"""A camera's settings: who it is, whom it trusts, where it hands in, and how much it may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from blindplate.client.camera.http_push import PushSettings
from blindplate.client.camera.media.settings import MediaSettings
from blindplate.client.camera.mqtt import MqttSettings
from blindplate.core.plates import DEFAULT_RULES, MAX_ALTERNATES, AlternateRules
from blindplate.core.statements.model import Name, Part, Text
from blindplate.edge.settings import LedgerAccess, ProcessSettings, TlsFiles, TrustedKeys


class AlternateSettings(Part):
    """Which alternates a read gets: ``most`` of them at most, from characters read with a confidence ``doubted_below``,
    and from candidates with one of ``candidates_from`` or more. Each is another read in every match.
    """

    most: Annotated[int, Field(ge=0, le=MAX_ALTERNATES)] = DEFAULT_RULES.most
    doubted_below: Annotated[float, Field(ge=0, le=1)] = DEFAULT_RULES.doubted_below
    candidates_from: Annotated[float, Field(ge=0, le=1)] = DEFAULT_RULES.candidates_from

    def rules(self) -> AlternateRules:
        """The rules by which plates are read."""
        return AlternateRules(self.most, self.doubted_below, self.candidates_from)


class CameraSettings(ProcessSettings):
    """``policy`` is the zone policy both custodians signed; ``zone``, where given, the only one it may be of.

    ``engine_camera`` is what the engine calls this camera, where it serves several: events of others are left alone.
    ``spool_limit`` counts sealed records on disk, ``memory_limit`` reads in memory that cannot be sealed yet.
    ``country`` is assumed where an engine names none; ``alternates`` fit the engine's habits. ``pass_seconds``: events
    of one plate closer than this are one pass. ``media`` says what else comes with events. ``push`` is where events are taken over HTTP and ``mqtt`` the broker
    they are taken from, if asked for. ``oldest_event_seconds`` should be the longest window of the zone's grants: what
    is older would be refused, and a record that is refused is kept no longer. ``ledger`` is where the camera's counts
    are entered every ``counts_seconds``; unset, they are not.
    """

    camera_id: Name
    engine_camera: Text | None = None
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    policy: Path
    zone: Name | None = None
    data: Path
    matcher: str
    custodian_a: str
    custodian_b: str
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    country: str | None = None
    alternates: AlternateSettings = AlternateSettings()
    pass_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0
    oldest_event_seconds: Annotated[float, Field(gt=0, le=31 * 86_400)] = 4 * 86_400.0
    batch_size: Annotated[int, Field(ge=1, le=2_000)] = 250
    batch_wait_seconds: Annotated[float, Field(ge=0, le=10)] = 0.2
    memory_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    spool_limit: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000_000
    media: MediaSettings = MediaSettings()
    push: PushSettings = PushSettings()
    mqtt: MqttSettings = MqttSettings()
    ledger: LedgerAccess | None = None
    counts_seconds: Annotated[float, Field(gt=0, le=7 * 86_400)] = 86_400.0
