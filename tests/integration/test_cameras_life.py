"""A camera's life, typed: seen, suspected, revoked, its zone renewed without a gap, and another one enrolled."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import tomli_w

from blindplate.cli.demonstration.processes import Process, Processes, command
from blindplate.cli.deployment import Deployment, Plan
from blindplate.cli.deployment.plan import police_list
from blindplate.core.domains import HOURLY
from blindplate.core.records.record import SealedRecord
from blindplate.core.statements.policies import ZonePolicy
from blindplate.edge.keyfiles import read_statement

from .conftest import small_plan

pytestmark = [pytest.mark.timeout(420)]
PLATE = "AB12 CDE"
# A quarter of a minute for countersigning, on a busy machine; the notice period is a second.
MARGIN_HOURS = "0.011"


@pytest.fixture
def deployment(make_deployment: Callable[[Plan], Deployment]) -> Deployment:
    """Two cameras in the inner zone, one in the outer; the police's list, and the railway police's."""
    police = police_list(list_size=200, epoch=HOURLY, window_seconds=7200)
    railway = replace(police, owner="owner-railway", list_id="railway")
    made = make_deployment(replace(small_plan(), lists=(police, railway), counts_seconds=3600.0))
    for camera in ("camera-1", "camera-3"):
        path = made.settings(camera)
        settings = tomllib.loads(path.read_text())
        # The same vehicle passes again and again.
        path.write_text(tomli_w.dumps({**settings, "pass_seconds": 0.2}))
    return made


@pytest.fixture
def processes(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    with ExitStack() as stack:
        running = stack.enter_context(Processes(deployment))
        start = running.start

        def started(party: str, *arguments: str | Path, pipe: bool = False) -> Process:
            process = start(party, *arguments, pipe=pipe)
            if process.popen.stdin is not None:
                stack.callback(process.popen.stdin.close)
            return process

        monkeypatch.setattr(running, "start", started)
        for process in [
            running.serve(party) for party in ("custodian-a", "custodian-b", "ledger", "matcher")
        ]:
            process.wait_for("ready", 90)
        yield running


def typed(*words: str | Path, stdin: str = "", expected: int = 0) -> str:
    done = subprocess.run(command(*words), input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


def until(what: Callable[[], bool], seconds: float, told: str) -> float:
    """Wait for it; how long it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if what():
            return time.monotonic() - begun
        time.sleep(0.2)
    raise AssertionError(f"{told} not within {seconds} s")


def sees(camera: Process) -> float:
    """The vehicle passes now; when."""
    now = time.time()
    event = {"plate": PLATE, "captured_at": datetime.fromtimestamp(now, UTC).isoformat(), "country": "GB"}
    assert camera.popen.stdin is not None
    camera.popen.stdin.write(json.dumps(event).encode() + b"\n")
    camera.popen.stdin.flush()
    return now


def hits(deployment: Deployment, owner: str) -> int:
    return typed("hits", "watch", deployment.settings(owner), "--once").count("hit ")


def uploaded(deployment: Deployment, owner: str, generation: int) -> bool:
    """Whether the owner's list is in force in this epoch and the next for that generation of the zone."""
    (database,) = (deployment.home(owner) / "state").glob("owner.sqlite")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT scope, epoch_index FROM segments WHERE state = 'live'").fetchall()
    now = HOURLY.at(time.time()).index
    wanted = f"inner/{generation}"
    return {epoch for scope, epoch in rows if wanted in scope.split()} >= {now, now + 1}


def renew(deployment: Deployment, papers: Path, generation: int) -> float:
    """What remains after ``camera revoke`` or ``camera enrol``, as it says; when the generation begins."""
    operator = deployment.settings("operator")
    grants = sorted(papers.glob("grant-*.json"))
    assert len(grants) == 2
    for grant in grants:
        for custodian in ("custodian-a", "custodian-b"):
            typed("grant", "countersign", deployment.settings(custodian), grant, "--short-notice")
    typed("ledger", "enter", operator, *grants)
    policy = papers / "policy.json"
    draft = ("zone", "policy", "draft", operator, "inner", "--out", policy)

    def drafted() -> bool:
        # Once custodians have witnessed the grants they enter the keys of the new domains.
        return subprocess.run(command(*draft), capture_output=True, timeout=60).returncode == 0

    until(drafted, 40, "the policy was drafted")
    typed("zone", "policy", "sign", deployment.settings("custodian-a"), policy)
    assert "Signed by both" in typed("zone", "policy", "sign", deployment.settings("custodian-b"), policy)
    typed("ledger", "enter", operator, policy)
    present = deployment.public / "policies" / "inner.json"
    following = deployment.public / "policies" / "inner.next.json"
    if following.exists():
        following.replace(present)
    shutil.copy(policy, following)
    signed = ZonePolicy.parsed(read_statement(policy).payload)
    assert {entry.generation for entry in signed.lists} == {generation}
    return float(signed.not_before)


def test_a_camera_is_revoked_and_no_hit_is_lost_when_its_zones_keys_change(
    deployment: Deployment, processes: Processes, tmp_path: Path
) -> None:
    operator, papers = deployment.settings("operator"), tmp_path / "papers"
    police, railway = processes.own("owner-police"), processes.own("owner-railway")
    for owner, process in (("owner-police", police), ("owner-railway", railway)):
        process.wait_for("ready", 90)
        typed("hotlist", "add", deployment.settings(owner), stdin=PLATE + "\n")
    for owner in ("owner-police", "owner-railway"):
        until(partial(uploaded, deployment, owner, 1), 60, "a list in force")
    time.sleep(2.0)
    stolen, kept = (processes.camera(name, None, "--follow") for name in ("camera-1", "camera-3"))
    for camera in (stolen, kept):
        camera.wait_for("ready", 60)
    seen = [sees(stolen), sees(kept)]
    until(lambda: hits(deployment, "owner-police") == 2, 60, "hits of both cameras")
    shown = typed("camera", "list", operator)
    assert shown.count("enrolled") == 3
    assert "ago" in shown
    assert "camera-3" in typed("matcher", "cameras", deployment.settings("matcher"))

    revoked_at = time.monotonic()
    typed(
        "camera", "revoke", operator, "camera-1", "--reason", "Stolen.", "--papers", papers,
        "--margin-hours", MARGIN_HOURS,
    )  # fmt: skip
    matcher = Process("matcher", deployment.home("matcher") / "log.jsonl", stolen.popen)

    def refused() -> bool:
        # Its cache of pseudonyms lets it seal without custodians: the matcher has to refuse it by itself.
        sees(stolen)
        return any(
            line.get("event") == "records-refused" and line.get("camera") == "camera-1"
            and "identity" in line["codes"] for line in matcher.events()
        )  # fmt: skip

    took = until(refused, 20, "the revoked camera was refused")
    print(
        f"refused {took:.1f} s after the command ended, {time.monotonic() - revoked_at:.1f} s after it began"
    )
    begins = renew(deployment, papers, 2)
    assert begins > time.time(), "countersigned too late: the machine is too slow for this margin"

    # The railway's owner prepares for the next generation, then is away while it begins.
    for owner in ("owner-railway", "owner-police"):
        until(partial(uploaded, deployment, owner, 2), 60, "lists for both generations")
    railway.stop()
    before, after = hits(deployment, "owner-police"), list[float]()
    while time.time() < begins + 8:
        after.append(sees(kept))
        time.sleep(0.4)
    assert sum(moment < begins for moment in after) >= 3
    assert sum(moment >= begins for moment in after) >= 3
    until(
        lambda: hits(deployment, "owner-police") == before + len(after), 90,
        f"all of {len(after)} hits from before, during and after the change",
    )  # fmt: skip
    processes.own("owner-railway")
    until(lambda: hits(deployment, "owner-railway") >= len(after) + len(seen), 90, "the railway catching up")
    generations = _generations(deployment)
    assert generations == {1, 2}
    listed = typed("camera", "list", operator)
    assert "revoked" in listed
    assert listed.count("enrolled") == 2


def _generations(deployment: Deployment) -> set[int]:
    path = deployment.home("matcher") / "state" / "matcher.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT record FROM records WHERE zone = 'inner'").fetchall()
    return {SealedRecord.from_bytes(row[0]).header.domain.generation for row in rows}


def test_a_camera_is_enrolled_from_the_command_line_and_reads(
    deployment: Deployment, processes: Processes, tmp_path: Path
) -> None:
    operator, papers = deployment.settings("operator"), tmp_path / "papers"
    police = processes.own("owner-police")
    police.wait_for("ready", 90)
    typed("hotlist", "add", deployment.settings("owner-police"), stdin=PLATE + "\n")
    until(lambda: uploaded(deployment, "owner-police", 1), 60, "a list in force")
    shown = typed(
        "camera", "enrol", operator, "camera-4", "--zone", "inner", "--latitude", "51.5", "--longitude", "-0.1",
        "--out", deployment.folder / "camera-4", "--authority", deployment.folder / "ca",
        "--like", deployment.settings("camera-1"), "--papers", papers, "--margin-hours", MARGIN_HOURS,
    )  # fmt: skip
    assert "grant countersign" in shown
    begins = renew(deployment, papers, 2)
    until(lambda: uploaded(deployment, "owner-police", 2), 60, "a list for both generations")
    time.sleep(max(0.0, begins + 1 - time.time()))
    camera = processes.camera("camera-4", None, "--follow")
    camera.wait_for("ready", 60)
    sees(camera)
    until(lambda: hits(deployment, "owner-police") == 1, 60, "the new camera's hit")

    typed("camera", "suspect", operator, "camera-4", "--reason", "Reads far less than usual.")
    until(lambda: "suspect" in typed("camera", "list", operator), 30, "the suspicion")
    time.sleep(0.3)
    sees(camera)
    until(lambda: hits(deployment, "owner-police") == 2, 60, "a suspected camera's hit")
    typed("camera", "clear", operator, "camera-4", "--reason", "The lens was cleaned.")
    until(lambda: "suspect" not in typed("camera", "list", operator), 30, "the end of the suspicion")
