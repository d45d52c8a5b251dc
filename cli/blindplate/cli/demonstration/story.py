"""The demonstration's course: start everything, publish lists, let traffic pass, release, refuse, erase.

Every step is what a person would do with the command line. It judges nothing: what came of it is collected and
``verdict`` compares it with what had to come.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from blindplate.cli.demonstration.in_force import wait_until_in_force
from blindplate.cli.demonstration.processes import Process, Processes
from blindplate.cli.demonstration.scenario import EMISSIONS, POLICE, Scenario
from blindplate.cli.traffic import Simulation
from blindplate.client import officer as officers
from blindplate.client.officer import OfficerSettings
from blindplate.client.owner import commands
from blindplate.client.owner.evidence import Evidence
from blindplate.client.owner.hits import Hit, HitState
from blindplate.client.owner.requests import Standing
from blindplate.client.owner.reveal import Revealed
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import BlindplateError, PendingError, PolicyError, UnavailableError
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Decision, Verdict
from blindplate.edge.settings import load

# Custodians first: the ledger asks them for their cosignatures, and grants are in force once it has them.
_SERVERS: Final = ("custodian-a", "custodian-b", "ledger", "matcher")
_SETTLE_SECONDS: Final = 150.0
_FOOTAGE_SECONDS: Final = 60.0
_QUIET_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.25


@dataclass(slots=True)
class Collected:
    """What passed, and what came of it. ``seconds`` is how long each step took; refusals are the errors' texts.

    ``footage`` is what came with each revealed police hit that had any, ``audit`` what `audit verify` said, ``report``
    the folder of the public report.
    """

    simulation: Simulation
    seconds: dict[str, float]
    hits: dict[str, list[Hit]] = field(default_factory=dict[str, list[Hit]])
    revealed: dict[str, list[Revealed]] = field(default_factory=dict[str, list[Revealed]])
    refusals: list[tuple[str, BlindplateError]] = field(default_factory=list[tuple[str, BlindplateError]])
    decisions: dict[str, list[Decision]] = field(default_factory=dict[str, list[Decision]])
    cameras: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    footage: list[tuple[Evidence, ...]] = field(default_factory=list[tuple[Evidence, ...]])
    audit: str = ""
    report: Path | None = None


Say = Callable[[str], None]


class Story:
    """One run of the demonstration over the running processes of a scenario."""

    collected: Collected

    def __init__(self, scenario: Scenario, processes: Processes, say: Say) -> None:
        self._scenario = scenario
        self._processes = processes
        self._say = say
        self._seconds: dict[str, float] = {}
        settings = scenario.deployment.settings
        self._owners = {name: load(OwnerSettings, settings(f"owner-{name}")) for name in (EMISSIONS, POLICE)}
        self._officers = {
            which: load(OfficerSettings, settings(f"officer-{which}-1")) for which in ("a", "b")
        }

    def tell(self) -> Collected:
        """Run it. Raises UnavailableError when a process ends early or something does not come in time."""
        self._step(
            "Custodians, ledger and matcher start; both custodians witness the grants", self._start_servers
        )
        self._step("Owners turn their lists into pseudonyms and upload them encrypted", self._publish)
        self.collected = Collected(self._scenario.traffic_from(time.time()), self._seconds)
        self._step("Cameras seal what they read and hand it in", self._drive)
        self._step("The matcher answers under encryption; owners claim their hits", self._settle)
        self._step(
            "The emissions list is released automatically, by both custodians", self._release_emissions
        )
        self._step("Officers of both custodians decide on the police's requests", self._release_police)
        self._step("Cameras hand over the footage of what was claimed, and of nothing else", self._footage)
        self._step("What is refused", self._refusals)
        self._step("An auditor verifies the whole ledger and draws its report", self._audit)
        for which, officer in self._officers.items():
            self.collected.decisions[which] = officers.decisions(officer)
        return self.collected

    def _step(self, title: str, run: Callable[[], None]) -> None:
        self._say(title)
        begun = time.monotonic()
        run()
        self._seconds[title] = time.monotonic() - begun
        self._say(f"  [dim]{self._seconds[title]:.1f} s[/]")

    def _start_servers(self) -> None:
        for process in [self._processes.serve(party) for party in _SERVERS]:
            process.wait_for("ready")
        wait_until_in_force(self._scenario.deployment, _SETTLE_SECONDS)

    def _publish(self) -> None:
        def submit(list_id: str) -> None:
            settings = self._scenario.deployment.settings(f"owner-{list_id}")
            command = "hotlist" if list_id == POLICE else "emissions"
            self._processes.run(command, "submit", settings, self._scenario.list_file(list_id))

        with ThreadPoolExecutor(2) as both:
            list(both.map(submit, self._owners))
        for process in [self._processes.own(f"owner-{list_id}") for list_id in self._owners]:
            process.wait_for("ready")
        # What is read before both custodians have witnessed a list is not matched.
        deadline = time.monotonic() + _SETTLE_SECONDS
        while any(_not_in_force(settings) for settings in self._owners.values()):
            if time.monotonic() > deadline:
                raise UnavailableError("The lists did not come into force.", "Look at the owners' logs.")
            time.sleep(_POLL_SECONDS)

    def _drive(self) -> None:
        started = [
            self._processes.camera(camera.name, self._scenario.events(camera.name), "--exit-when-drained")
            for camera in self._scenario.deployment.plan.cameras
        ]
        for process in started:
            if process.popen.wait(_SETTLE_SECONDS):
                process.wait_for("drained", 0.0)
            self.collected.cameras[process.party] = _last_counts(process)

    def _settle(self) -> None:
        """Wait until no hit has come for a while and at least as many as are expected are there."""
        truth = self.collected.simulation.truth
        expected = {
            list_id: sum(1 for hit in truth.hits if hit.list_id == list_id) for list_id in self._owners
        }
        deadline = time.monotonic() + _SETTLE_SECONDS
        counts: dict[str, int] = {}
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            found = {list_id: len(self._all_hits(list_id)) for list_id in self._owners}
            if found != counts:
                counts, quiet_since = found, time.monotonic()
            enough = all(counts[list_id] >= expected[list_id] for list_id in expected)
            if enough and time.monotonic() - quiet_since >= _QUIET_SECONDS:
                break
            time.sleep(_POLL_SECONDS)
        self.collected.hits = {list_id: self._all_hits(list_id) for list_id in self._owners}

    def _release_emissions(self) -> None:
        """The daemon asks by itself; what both custodians released is opened. Alternates are never asked for."""
        owner = self._owners[EMISSIONS]
        wanted = {hit.hit_id for hit in self.collected.hits[EMISSIONS] if not hit.alternate}
        opened: dict[int, Revealed] = {}
        deadline = time.monotonic() + _SETTLE_SECONDS
        while wanted - set(opened) and time.monotonic() < deadline:
            for request in commands.releases(owner):
                if request.hit_id in wanted - set(opened) and request.standing is Standing.APPROVED:
                    opened[request.hit_id] = commands.reveal(owner, request.hit_id)
            time.sleep(_POLL_SECONDS)
        self.collected.revealed[EMISSIONS] = list(opened.values())

    def _release_police(self) -> None:
        """All but the last hit are approved at both custodians; the last is denied by one."""
        owner = self._owners[POLICE]
        asked = [hit for hit in self.collected.hits[POLICE] if not hit.alternate]
        for number, hit in enumerate(asked):
            request = commands.request(
                owner, hit.hit_id, Purpose.VEHICLE_CRIME, f"demonstration {hit.hit_id}"
            )
            self._decide("a", request.request_id, Verdict.APPROVED)
            if number == 0:
                # With one custodian's word only, nothing opens.
                self._refused("reveal with custodian A's approval alone", POLICE, hit.hit_id, PendingError)
            verdict = Verdict.DENIED if number == len(asked) - 1 else Verdict.APPROVED
            self._decide("b", request.request_id, verdict)
        revealed = [commands.reveal(owner, hit.hit_id) for hit in asked[:-1]]
        self.collected.revealed[POLICE] = revealed

    def _footage(self) -> None:
        """Cameras that ended run again, as they do day and night, until the owner has what they kept sealed."""
        cameras = [
            self._processes.camera(camera.name, None) for camera in self._scenario.deployment.plan.cameras
        ]
        owner, deadline = self._owners[POLICE], time.monotonic() + _FOOTAGE_SECONDS
        waiting = {one.hit_id for one in self.collected.revealed[POLICE]}
        while waiting and time.monotonic() < deadline:
            for hit_id in sorted(waiting):
                sight = commands.sight(owner, hit_id)
                if sight is None or not any(one.path is None for one in sight.evidence):
                    waiting.discard(hit_id)
                    if sight is not None and sight.evidence:
                        self.collected.footage.append(sight.evidence)
            time.sleep(_POLL_SECONDS)
        for process in cameras:
            process.stop()

    def _refusals(self) -> None:
        asked = [hit for hit in self.collected.hits[POLICE] if not hit.alternate]
        if asked:
            self._refused("reveal what custodian B denied", POLICE, asked[-1].hit_id, PolicyError)
        alternates = [hit for hit in self.collected.hits[EMISSIONS] if hit.alternate]
        sealed = [hit for hit in alternates if hit.state is HitState.SEALED]
        if sealed:
            self._request_refused("release an alternate reading automatically", EMISSIONS, sealed[0])

    def _refused(self, what: str, list_id: str, hit_id: int, kind: type[BlindplateError]) -> None:
        try:
            commands.reveal(self._owners[list_id], hit_id)
        except kind as error:
            self.collected.refusals.append((what, error))
            return
        raise UnavailableError(f"What had to be refused was not: {what}.")

    def _request_refused(self, what: str, list_id: str, hit: Hit) -> None:
        request = commands.request(self._owners[list_id], hit.hit_id, Purpose.UNPAID_CHARGE, "demonstration")
        if any(reply.standing is not Standing.PENDING for reply in request.replies):
            raise UnavailableError(f"What had to be refused was not: {what}.")
        self._refused(what, list_id, hit.hit_id, PendingError)

    def _decide(self, which: str, request_id: bytes, verdict: Verdict) -> None:
        officers.decide(
            self._officers[which],
            request_id,
            Verdict.APPROVED if verdict is Verdict.APPROVED else Verdict.DENIED,
            "demonstration",
        )

    def _audit(self) -> None:
        """The police say what came of a release; then anyone with the public keys checks everything, over HTTP."""
        police = self._scenario.deployment.settings(f"owner-{POLICE}")
        for revealed in self.collected.revealed[POLICE][:1]:
            self._processes.run("release", "outcome", police, str(revealed.hit_id), "confirmed")
        self._wait_for_counts()
        deployment = self._scenario.deployment
        source = ("--ledger", self._owners[POLICE].ledger.url, "--keys", deployment.keys)
        self.collected.audit = self._processes.run("audit", "verify", *source)
        self.collected.report = deployment.folder / "report"
        self._processes.run("audit", "report", *source, "--out", self.collected.report)

    def _wait_for_counts(self) -> None:
        """Until the matcher has entered counts made after everything else that happened."""
        deadline, since = time.monotonic() + _SETTLE_SECONDS, time.time()
        matcher = self._scenario.deployment.home("matcher") / "log.jsonl"
        while time.monotonic() < deadline:
            entered = [line for line in matcher.read_text().splitlines() if '"counts-entered"' in line]
            if any(_made(line) >= since for line in entered):
                return
            time.sleep(_POLL_SECONDS)
        raise UnavailableError("The matcher entered no counts in the ledger.", "Look at its log.")

    def _all_hits(self, list_id: str) -> list[Hit]:
        found: list[Hit] = []
        while page := commands.hits(self._owners[list_id], after=found[-1].hit_id if found else 0):
            found += page
        return found


def _made(line: str) -> float:
    return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()


def _not_in_force(owner: OwnerSettings) -> bool:
    standing = commands.status(owner)
    return standing.in_force is None or standing.in_force.version < standing.version


def _last_counts(process: Process) -> dict[str, Any]:
    counts = [event for event in process.events() if event.get("event") == "counts"]
    return counts[-1] if counts else {}
