"""Engines' own messages through a whole camera: what is stored opens, and nothing of them is on the disk (G1, G8)."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.integration.camera.plate_search import plates_below
from tests.integration.camera.site import Site, marks
from tests.integration.camera.test_disk import _push, process, spooled_ids
from tests.integration.camera.test_misfortunes import wait_for
from tests.unit.client.camera import engine_samples as engines
from tests.unit.client.camera.engine_samples import CANARY
from tests.unit.client.camera.mqtt_broker import broker


def hikvision(plate: str) -> bytes:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    xml = engines.HIKVISION_XML.replace(b"KT21ABC", plate.encode())
    return engines.hikvision_push(xml.replace(b"2026-03-01T08:15:30.250+01:00", moment.encode()))


def genetec(plate: str) -> bytes:
    now = datetime.now(UTC)
    xml = engines.GENETEC.replace(b"KT21ABC", plate.encode())
    xml = xml.replace(b"2026:03:01", now.strftime("%Y:%m:%d").encode())
    return xml.replace(b"07:15:30.250", now.strftime("%H:%M:%S.%f").encode())


def frigate(plate: str) -> bytes:
    return json.dumps(engines.FRIGATE | {"plate": plate, "id": plate, "timestamp": time.time()}).encode()


def holding(folder: Path, said: bytes) -> list[Path]:
    """The files below ``folder`` that hold ``said``."""
    return [path for path in folder.rglob("*") if path.is_file() and said in path.read_bytes()]


@pytest.mark.parametrize("make", [hikvision, genetec])
def test_nothing_of_a_push_is_on_the_disk_and_what_was_answered_200_arrives(
    site: Site, make: Callable[[str], bytes]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    folder, plates = site.deployment.folder / "camera-1", marks(8)
    with process(site, "--push", "--format", make.__name__, BLINDPLATE_PUSH__LISTEN=address) as camera:
        wait_for(partial(_is_stored, address, make, plates[0]), 60)
        # Keys are known: sealing goes on, and all stays on the disk.
        site.matcher.stop()
        for plate in plates[1:]:
            wait_for(partial(_is_stored, address, make, plate), 60)
        camera.send_signal(signal.SIGKILL)
        camera.wait()
    assert plates_below(folder, set(plates)) == {}
    assert holding(folder, CANARY.encode()) == []
    assert len(spooled_ids(site)) >= 2 * (len(plates) - 1)
    site.start_matcher()
    site.run(site.camera(), b"")
    assert spooled_ids(site) == set()


def _is_stored(address: str, make: Callable[[str], bytes], plate: str) -> bool:
    return _push(address, make(plate)) == 200


def test_a_publication_that_was_acknowledged_survives_a_kill(site: Site) -> None:
    plates = marks(5)
    with broker() as made:
        options = {"BLINDPLATE_MQTT__PORT": str(made.port), "BLINDPLATE_MQTT__TLS": "false"}
        with process(site, "--mqtt", "--format", "frigate", **options) as camera:
            made.publish(frigate(plates[0]))
            wait_for(lambda: len(made.acknowledged) == 1, 60)
            site.matcher.stop()
            for plate in plates[1:]:
                made.publish(frigate(plate))
            wait_for(lambda: len(made.acknowledged) == 5, 60)
            camera.send_signal(signal.SIGKILL)
            camera.wait()
        assert made.sessions[0].client_id == "blindplate-camera-1"
    assert len(spooled_ids(site)) >= 2 * 4
    assert plates_below(site.deployment.folder / "camera-1", set(plates)) == {}
