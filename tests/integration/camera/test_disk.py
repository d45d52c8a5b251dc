"""A camera's disk: no plate on it (G1), and nothing acknowledged missing from it after a kill (G8)."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from blindplate.client.custodians import CustodianPair
from blindplate.core.domains import Domain
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.wire import Wire
from tests.integration.camera.plate_search import encodings, plates_below, plates_in
from tests.integration.camera.site import LiveSource, Site, marks, plain_events, tls_files
from tests.integration.camera.test_misfortunes import running, wait_for


@pytest.mark.parametrize("form", encodings("KA01AAA"))
def test_the_search_finds_a_planted_plate_in_every_form(tmp_path: Path, form: str) -> None:
    plate = "KA01AAA"
    noise = os.urandom(5001)
    for at in (0, 1, 2, 3, 2500):
        content = noise[:at] + b"\0" + encodings(plate)[form] + b"\0" + noise[at:]
        (tmp_path / "canary").write_bytes(content)
        assert list(plates_below(tmp_path, {plate}).values()) == [{plate}]
    assert plates_in(canonicalize(plate, "GB").encode(), {plate}) == {plate}
    (tmp_path / "canary").write_bytes(noise)
    assert plates_below(tmp_path, {plate}) == {}


def test_no_plate_is_on_the_disk_while_the_matcher_is_away(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    plates = marks(1_500)
    settings, source = site.camera(), LiveSource()
    folder = site.deployment.folder / "camera-1"
    with running(settings, source):
        wait_for(lambda: site.matcher.keys_asked > 0)
        site.matcher.stop()
        source.put(plain_events(plates[:1_000]))
        # At least so many bytes are 2,000 sealed records.
        wait_for(lambda: site.spooled(settings) > 2_000 * 6_000, 120)
        assert plates_below(folder, set(plates)) == {}
        # And with reads that wait in memory for a custodian.
        site.stop_custodian(Custodian.B)
        source.put(plain_events(plates[1_000:]))
        time.sleep(1)
        assert plates_below(folder, set(plates)) == {}
        (folder / "state" / "canary").write_bytes(encodings(plates[700])["base64 shifted once"])
        assert plates_below(folder, set(plates)) == {str(folder / "state" / "canary"): {plates[700]}}
        (folder / "state" / "canary").unlink()
    assert plates_below(folder, set(plates)) == {}
    shown = "".join(capfd.readouterr()).encode()
    assert b"sealing-waits" in shown
    assert plates_in(shown, set(plates)) == set()


@contextmanager
def process(site: Site, *options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A camera in a process of its own; killed at the end if it still runs."""
    command = [
        str(Path(sys.executable).with_name("blindplate-camera")),
        "run",
        str(site.deployment.settings("camera-1")),
        *options,
    ]
    camera = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    try:
        yield camera
    finally:
        camera.kill()
        camera.wait()


def spooled_ids(site: Site) -> set[bytes]:
    """The records in the spool of a camera that is not running."""
    with sqlite3.connect(site.camera().data / "spool.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        wires = [Wire.from_bytes(row[0]) for row in connection.execute("SELECT wire FROM wires")]
    connection.close()
    return {wire.record.header.record_id for wire in wires}


def test_a_killed_camera_loses_nothing_that_was_sealed(site: Site, tmp_path: Path) -> None:
    events = tmp_path / "events"
    log = site.camera().data / "spool.sqlite-wal"
    for number in range(4):
        events.write_bytes(plain_events(marks(400, 400 * number)))
        asked, before = site.matcher.keys_asked, len(site.matcher.taken)
        with process(site, "--input", str(events)) as camera:
            wait_for(partial(_exceeds, lambda: site.matcher.keys_asked, asked))
            if number % 2:
                # The matcher dies first, so that the kill finds a full spool.
                site.matcher.stop()
                wait_for(partial(_exceeds, lambda: log.stat().st_size, 300_000))
            else:
                wait_for(partial(_exceeds, lambda: len(site.matcher.taken), before))
            time.sleep(random.uniform(0.0, 0.5))
            camera.send_signal(signal.SIGKILL)
            camera.wait()
        left = spooled_ids(site)
        assert left or number % 2 == 0
        if number % 2:
            site.start_matcher()
        site.run(site.camera(), b"")
        assert left <= set(site.matcher.taken)
        assert spooled_ids(site) == set()


def _exceeds(measure: Callable[[], int], bound: int) -> bool:
    return measure() > bound


def test_an_event_that_was_answered_200_survives_a_kill(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    stored: list[str] = []
    plates = iter(marks(5_000))
    for away in (False, True, False):
        with process(site, "--push", BLINDPLATE_PUSH__LISTEN=address) as camera:
            _push_until_stored(address, plates, stored, 1)
            if away:
                # Keys are known: sealing goes on, and nothing leaves the spool.
                site.matcher.stop()
            _push_until_stored(address, plates, stored, random.randint(1, 5))
            camera.send_signal(signal.SIGKILL)
            camera.wait()
        if away:
            site.start_matcher()
    site.run(site.camera(), b"")
    arrived = {taken.y for taken in site.matcher.taken.values() if taken.list_id == "police"}
    assert all(not possible.isdisjoint(arrived) for possible in _pseudonyms(site, stored))


def _push_until_stored(address: str, plates: Iterator[str], stored: list[str], number: int) -> None:
    wanted, deadline = len(stored) + number, time.monotonic() + 60
    while len(stored) < wanted:
        assert time.monotonic() < deadline, "Nothing is stored."
        plate = next(plates)
        if _push(address, plain_events([plate])) == 200:
            stored.append(plate)


def _push(address: str, body: bytes) -> int:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("POST", "/", body)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        time.sleep(0.05)
        return 0
    finally:
        connection.close()


def _pseudonyms(site: Site, plates: list[str]) -> list[set[bytes]]:
    """Each plate's, as the police force computes them, in every epoch that was seen."""
    settings, domain = site.camera(), Domain("police", "inner", 1)
    tls = tls_files(site.deployment, "owner-police")
    encoded = [canonicalize(plate, "GB").encode() for plate in plates]
    with CustodianPair(settings.custodian_a, settings.custodian_b, tls, settings.trust) as pair:
        fs = pair.evaluate(domain, encoded, *pair.evaluation_keys(domain))
    taken = [one for one in site.matcher.taken.values() if one.list_id == "police"]
    epochs = {one.wire.record.header.epoch for one in taken}
    return [{pseudonym(f, epoch) for epoch in epochs} for f in fs]
