"""A still, a clip and a sound from a folder of an engine to an officer's files, through real processes that are killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blindplate.cli.demonstration.processes import Process, Processes
from blindplate.cli.deployment import Deployment, Plan
from blindplate.cli.traffic.recordings import clip, sound, still
from blindplate.client.owner import commands
from blindplate.client.owner.settings import OwnerSettings
from blindplate.edge.settings import load
from tests.integration.conftest import small_plan
from tests.integration.test_by_hand import request_of, shown_until, typed

pytestmark = [pytest.mark.timeout(300)]
LISTED, OTHER = "AB12 CDE", "KL63 XYZ"
CAMERA = "camera-1"
CONTENTS = {"jpg": still(77), "mp4": clip(77, 5 << 20), "wav": sound(77, 20)}
# Nowhere but in the contents.
MARKS = [content[-2000:-1936] for content in (CONTENTS["mp4"], CONTENTS["wav"])]


@pytest.fixture
def running(make_deployment: Callable[[Plan], Deployment]) -> Iterator[tuple[Deployment, Processes]]:
    deployment = make_deployment(small_plan())
    with Processes(deployment) as processes:
        for process in [
            processes.serve(party) for party in ("custodian-a", "custodian-b", "ledger", "matcher")
        ]:
            process.wait_for("ready", 60)
        processes.own("owner-police").wait_for("ready", 60)
        yield deployment, processes


def start_camera(running: tuple[Deployment, Processes], inbox: Path, poll_seconds: float) -> Process:
    deployment, processes = running
    settings = deployment.settings(CAMERA)
    text = settings.read_text().partition("[media]")[0]
    settings.write_text(f"{text}\n[media]\nmedia_poll_seconds = {poll_seconds}\n")
    process = processes.start(CAMERA, "camera", "run", settings, "--folder", inbox)
    time.sleep(0.5)
    return process


def drop(inbox: Path, name: str, plate: str, contents: dict[str, bytes]) -> None:
    """As an engine does: media first, the event after them."""
    for suffix, content in contents.items():
        (inbox / f"{name}.{suffix}").write_bytes(content)
    event = {"plate": plate, "captured_at": datetime.now(UTC).isoformat(), "country": "GB"}
    (inbox / f"{name}.json").write_text(json.dumps(event))


def found_below(folder: Path, marks: list[bytes]) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(mark in path.read_bytes() for mark in marks)
    ]


def wait_for(look: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.2)


def test_media_are_captured_sealed_pulled_after_the_claim_released_and_revealed(
    running: tuple[Deployment, Processes], tmp_path: Path
) -> None:
    deployment, _ = running
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    police = deployment.settings("owner-police")
    typed("hotlist", "add", police, "--reason", "stolen", stdin=LISTED + "\n")
    camera = start_camera(running, inbox, 3600)
    # A version matches what is captured from the second after it was witnessed on.
    time.sleep(3)
    drop(inbox, "1", LISTED, CONTENTS)
    drop(inbox, "2", OTHER, {"mp4": clip(78, 1 << 20)})
    assert "media not here yet" in shown_until("hit 1", "hits", "watch", police, "--once")
    wait_for(lambda: not list(inbox.iterdir()))
    camera.kill()

    # Without its camera a hit is released and revealed like any other, and says what is still to come.
    asked = request_of(typed("release", "request", police, "1", "--purpose", "vehicle-crime", "--case", "7"))
    for officer in ("officer-a-1", "officer-b-1"):
        typed("custodian", "approve", deployment.settings(officer), asked, "--reason", "seen the file")
    revealed = typed("release", "reveal", police, "1")
    assert "AB12CDE" in revealed
    assert revealed.count("not here yet") == 3

    # What lies on the camera's disk, and what the matcher then holds, is sealed; of the other vehicle it gets nothing.
    sealed = sorted((deployment.home(CAMERA)).rglob("*.sealed"))
    assert len(sealed) == 4
    camera = start_camera(running, inbox, 0.2)
    shown_until("media here", "hits", "watch", police, "--once")
    held = list(deployment.home("matcher").rglob("*.sealed"))
    assert len(held) == 1
    for party in (CAMERA, "matcher", "custodian-a", "custodian-b", "ledger"):
        assert found_below(deployment.home(party), MARKS) == []

    typed("release", "reveal", police, "1")
    sight = commands.sight(load(OwnerSettings, police), 1)
    assert sight is not None
    assert [one.media_type for one in sight.evidence] == ["image/jpeg", "video/mp4", "audio/wav"]
    for one, content in zip(sight.evidence, CONTENTS.values(), strict=True):
        assert one.path is not None
        assert one.path.read_bytes() == content
        assert one.path.stat().st_mode & 0o777 == 0o600
        assert one.path.name.startswith("hit-1-")
    # The search finds what is there.
    assert len(found_below(deployment.home("owner-police"), MARKS)) == 2
    assert camera.popen.poll() is None


def test_a_camera_killed_while_it_hands_over_does_so_again(
    running: tuple[Deployment, Processes], tmp_path: Path
) -> None:
    deployment, _ = running
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    police = deployment.settings("owner-police")
    typed("hotlist", "add", police, stdin=LISTED + "\n")
    camera = start_camera(running, inbox, 0.05)
    time.sleep(3)
    drop(inbox, "1", LISTED, {"mp4": clip(79, 30 << 20)})
    parts = deployment.home("matcher")
    for _ in range(3):
        # In the middle of a delivery if one is seen, else whenever it is.
        deadline = time.monotonic() + 5
        while not list(parts.rglob("*.part")) and time.monotonic() < deadline:
            time.sleep(0.002)
        camera.kill()
        camera = start_camera(running, inbox, 0.05)
    shown_until("media here", "hits", "watch", police, "--once")
    (held,) = deployment.home("matcher").rglob("*.sealed")
    (fetched,) = deployment.home("owner-police").rglob("*.sealed")
    assert held.read_bytes() == fetched.read_bytes()
    assert held.stat().st_size > 30 << 20
    # Nobody has released it: the owner has what it cannot open.
    assert found_below(deployment.folder, [clip(79, 30 << 20)[-2000:-1936]]) == []
