"""What a person types, command by command: list a vehicle, let a camera see it, see the hit, have it released, reveal it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blindplate.cli.demonstration.processes import Processes, command
from blindplate.cli.deployment import Deployment, Plan
from blindplate.cli.deployment.plan import LEDGER_HTTP, SERVERS
from blindplate.core.statements.policies import PseudonymMode

from .conftest import small_plan

pytestmark = [pytest.mark.timeout(300)]
PLATE = "AB12 CDE"


@pytest.fixture
def running(
    request: pytest.FixtureRequest, make_deployment: Callable[[Plan], Deployment]
) -> Iterator[Deployment]:
    """Every server and the police's daemon, running; cameras in the mode the test asks for, or oblivious."""
    mode = getattr(request, "param", PseudonymMode.OBLIVIOUS)
    deployment = make_deployment(replace(small_plan(), mode=mode))
    with Processes(deployment) as processes:
        for process in [processes.serve(party) for party in SERVERS]:
            process.wait_for("ready", 60)
        processes.own("owner-police").wait_for("ready", 60)
        yield deployment


def typed(*words: str | Path, stdin: str = "", expected: int = 0) -> str:
    done = subprocess.run(command(*words), input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


def shown_until(text: str, *words: str | Path) -> str:
    """Type it again until ``text`` is shown."""
    deadline, shown = time.monotonic() + 90, ""
    while time.monotonic() < deadline:
        shown = typed(*words)
        if text in shown:
            return shown
        time.sleep(0.5)
    raise AssertionError(f"{text!r} was never shown; last: {shown}")


def seen_at(deployment: Deployment, camera: str) -> None:
    event = {"plate": PLATE, "captured_at": datetime.now(UTC).isoformat(), "country": "GB"}
    settings = deployment.settings(camera)
    typed("camera", "run", settings, "--exit-when-drained", stdin=json.dumps(event) + "\n")


def seen_by_openalpr_at(deployment: Deployment, camera: str) -> None:
    event = {
        "data_type": "alpr_group",
        "epoch_start": int(time.time() * 1000),
        "best_plate_number": PLATE.replace(" ", ""),
        "best_confidence": 93.5,
        "country": "eu-gb",
        "candidates": [{"plate": PLATE.replace(" ", ""), "confidence": 93.5}],
        "best_plate": {"plate": PLATE.replace(" ", ""), "region": "gb"},
        "best_uuid": "group-1",
    }
    settings = deployment.settings(camera)
    options = ("--format", "openalpr", "--exit-when-drained")
    typed("camera", "run", settings, *options, stdin=json.dumps(event) + "\n")


def request_of(shown: str) -> str:
    found = re.search(r"request ([0-9a-f]{64})", shown)
    assert found
    return found[1]


def test_from_a_listed_vehicle_to_a_revealed_plate(running: Deployment) -> None:
    police, camera = running.settings("owner-police"), "camera-1"
    officer_a, officer_b = running.settings("officer-a-1"), running.settings("officer-b-2")

    typed("hotlist", "add", police, "--reason", "stolen", stdin=PLATE + "\n")
    assert "1 of 200" in typed("hotlist", "status", police)
    seen_at(running, camera)
    watched = shown_until("hit 1", "hits", "watch", police, "--once")
    assert "sealed" in watched
    assert PLATE not in watched
    assert "NotFound" not in typed("release", "list", police)

    asked = typed("release", "request", police, "1", "--purpose", "vehicle-crime", "--case", "case 7")
    request = request_of(asked)
    assert "pending" in asked
    waiting = typed("custodian", "pending", officer_a)
    assert request in waiting
    assert "case 7" in waiting
    typed("custodian", "approve", officer_a, request[:12], "--reason", "seen the file")
    assert "Custodian B has not decided yet" in typed("release", "reveal", police, "1", expected=2)
    typed("custodian", "approve", officer_b, request[:12], "--reason", "agreed")

    revealed = typed("release", "reveal", police, "1")
    assert "AB12CDE" in revealed
    assert camera in revealed
    assert "stolen" in revealed
    assert "compare before acting" in revealed
    assert "compare before acting" in typed("hits", "watch", police, "--once")
    for officer in (officer_a, officer_b):
        assert "approved (ok)" in typed("custodian", "decisions", officer)

    keeper = ("audit", "subject", running.settings("officer-b-1"))
    told = typed(*keeper, stdin=PLATE + "\n")
    assert "vehicle-crime" in told
    assert "Releases of this vehicle: 1." in told
    assert "Releases of this vehicle: 0." in typed(*keeper, stdin="XY34 ZZZ\n")
    # Custodian A's officers are named by neither.
    typed("audit", "subject", running.settings("officer-a-1"), stdin=PLATE + "\n", expected=2)


def test_what_an_officer_denies_stays_closed_and_a_removed_vehicle_is_hit_no_more(
    running: Deployment,
) -> None:
    police = running.settings("owner-police")
    typed("hotlist", "add", police, stdin=PLATE + "\n")
    seen_at(running, "camera-2")
    shown_until("hit 1", "hits", "watch", police, "--once")
    asked = typed("release", "request", police, "1", "--purpose", "murder", "--case", "case 8")
    request = request_of(asked)
    typed("custodian", "deny", running.settings("officer-b-1"), request, "--reason", "no such case")
    refused = typed("release", "reveal", police, "1", expected=2)
    assert "Custodian B refused the release" in refused
    assert "no such case" in refused

    typed("hotlist", "remove", police, stdin=PLATE + "\n")
    assert "0 of 200" in typed("hotlist", "status", police)


def test_a_grant_is_shown_suspended_and_ended_a_camera_revoked_and_anyone_may_watch(
    running: Deployment, tmp_path: Path
) -> None:
    operator, custodian = running.settings("operator"), running.settings("custodian-b")
    ledger = ("--ledger", f"http://{running.plan.addresses[LEDGER_HTTP]}", "--keys", running.keys)
    watch = ("audit", "watch", *ledger, "--state", tmp_path / "seen.json", "--once")
    assert "entries verified" in typed(*watch)
    assert "Find vehicles sought" in typed("grant", "show", operator, "police-1")

    typed("custodian", "suspend", custodian, "police-1", "--reason", "Quota doubled.")
    shown_until("Custodian B suspends grant police-1", *watch)
    typed("custodian", "resume", custodian, "police-1", "--reason", "Quota mended.")
    shown_until("Custodian B acts again on grant police-1", *watch)
    for camera, exit_status, told in (
        ("camera-9", 2, "have a camera camera-9"),
        ("camera-1", 0, "by entry"),
    ):
        papers = ("--papers", tmp_path / "papers")
        revoke = ("camera", "revoke", operator, camera, "--reason", "Stolen.", *papers)
        assert told in typed(*revoke, expected=exit_status)
    assert "is ended by entry" in typed("grant", "end", operator, "police-1", "--reason", "Not needed.")
    shown_until("grant police-1 ends", *watch)
    for arguments in ((operator, "police-1"), ("police-1", *ledger)):
        shown = typed("grant", "show", *arguments)
        assert "ENDED" in shown
        assert "Not needed." in shown
    assert "GREEN" in typed("audit", "verify", *ledger)


@pytest.mark.parametrize("running", [PseudonymMode.LOCAL], indirect=True)
def test_a_camera_in_local_mode_fed_by_openalpr_is_hit_and_revealed_alike(running: Deployment) -> None:
    police = running.settings("owner-police")
    typed("hotlist", "add", police, stdin=PLATE + "\n")
    seen_by_openalpr_at(running, "camera-1")
    shown_until("hit 1", "hits", "watch", police, "--once")
    request = request_of(typed("release", "request", police, "1", "--purpose", "murder", "--case", "case 9"))
    for officer in ("officer-a-1", "officer-b-1"):
        typed("custodian", "approve", running.settings(officer), request, "--reason", "seen the file")
    assert "AB12CDE" in typed("release", "reveal", police, "1")
    assert "local-key-handed-out" in (running.folder / "custodian-a" / "log.jsonl").read_text()


def test_a_plate_is_never_taken_from_the_arguments(deployment: Deployment) -> None:
    done = typed("hotlist", "add", deployment.settings("owner-police"), PLATE, expected=2)
    assert "unexpected extra argument" in done


def test_an_error_is_two_sentences_and_no_traceback(tmp_path: Path) -> None:
    shown = typed("matcher", "serve", tmp_path / "nowhere.toml", expected=2)
    assert "cannot be read" in shown
    assert "blindplate init" in shown
    assert "Traceback" not in shown


def test_a_list_file_with_a_bad_row_changes_nothing_and_names_the_line(
    running: Deployment, tmp_path: Path
) -> None:
    police = running.settings("owner-police")
    file = tmp_path / "list.csv"
    file.write_text("vrm,country\nAB12CDE,GB\n!!,GB\n")
    shown = typed("hotlist", "submit", police, file, expected=1)
    assert "line 3" in shown
    assert "0 of 200" in typed("hotlist", "status", police)
    assert "the list is as it was" in typed("hotlist", "submit", police, file, "--strict", expected=1)
    assert "Version 1" in typed("hotlist", "submit", police, file, "--skip-bad", expected=3)


def test_a_list_in_the_uk_form_is_followed_by_its_deltas_in_order(
    running: Deployment, tmp_path: Path
) -> None:
    police, file = running.settings("owner-police"), tmp_path / "list.csv"
    row = "{},FORD,FOCUS,BLUE,Stop,FI,Stolen,E41,Detain,43,31/12/2099,P1,R,C1,,"
    file.write_text(f"Revision,7\n{row.format(PLATE)}\n")
    assert "Version 1" in typed("hotlist", "submit", police, file, "--format", "uk", "--priority", "high")
    shown = typed("hotlist", "status", police)
    assert "revision 7" in shown
    assert "1 high" in shown

    file.write_text(f"Revision,9,Builds on,8\n{row.format('KL63XYZ')},add\n")
    assert "one is missing" in typed("hotlist", "submit", police, file, "--delta", expected=2)
    file.write_text(f"Revision,8,Builds on,7\n{row.format('KL63XYZ')},add\n{PLATE}{',' * 15},delete\n")
    assert "is a delta" in typed("hotlist", "submit", police, file, expected=2)
    assert "Version 2" in typed("hotlist", "submit", police, file, "--delta")
    assert "so already" in typed("hotlist", "submit", police, file, "--delta")
    shown = typed("hotlist", "status", police)
    assert "revision 8" in shown
    assert "1 of 200" in shown
