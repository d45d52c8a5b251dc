"""A street under fire: real processes, a folder that fills with events all the time, and kills at chosen moments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from blindplate.cli import traffic
from blindplate.cli.demonstration.processes import Process, Processes
from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.cli.traffic import Vehicle
from blindplate.client.owner import commands
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import BlindplateError
from blindplate.core.plates import read_plates
from blindplate.edge.ledger.snapshot import read_ledger
from blindplate.edge.settings import TlsFiles, load
from tests.adversary.relay import Moment, Relay
from tests.integration.conftest import small_plan

CAMERA: Final = "camera-1"
OWNER: Final = "owner-police"
_ROOT: Final = Path(__file__).parents[2]
# Files that wait at any time: enough that a batch is always under way.
_WAITING: Final = 8
_LISTED_SHARE: Final = 0.4
_PAUSE_SECONDS: Final = 0.02
_STRUCK_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Blow:
    """Who is killed and when: ``delay`` seconds from the ``after``-th time of ``moment``, or without one, from now."""

    victims: tuple[str, ...]
    moment: Moment | None
    after: int
    delay: float


def blows(rng: Random, rounds: int) -> Iterator[Blow]:
    """As many blows, random but for their share of parties and moments."""
    victims = ((CAMERA,), ("matcher",), (CAMERA, "matcher"), (CAMERA,), ("matcher",), ("matcher", OWNER))
    for number in range(rounds):
        moment = rng.choice((*Moment, *Moment, None))
        delay = rng.uniform(0, 1.5) if moment is None else rng.choice((0.0, rng.uniform(0, 0.05)))
        yield Blow(victims[number % len(victims)], moment, rng.randint(1, 2), delay)


class Events(threading.Thread):
    """Keeps events of different vehicles waiting in ``folder``, one a file, as an engine would leave them."""

    def __init__(self, folder: Path, vehicles: Iterable[Vehicle]) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.given: dict[str, Vehicle] = {}
        self._vehicles = iter(vehicles)
        self._ending = threading.Event()
        folder.mkdir()

    def run(self) -> None:
        while not self._ending.wait(_PAUSE_SECONDS):
            for _ in range(_WAITING - len(self.waiting())):
                self._give(next(self._vehicles))

    def end(self) -> None:
        """Give no more."""
        self._ending.set()
        self.join()

    def waiting(self) -> set[str]:
        """The names of the events whose reads are not known to be durable."""
        return {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}

    def _give(self, vehicle: Vehicle) -> None:
        name = f"{len(self.given):06d}.json"
        captured = datetime.now(UTC).isoformat()
        event = {"plate": vehicle.text, "country": vehicle.country, "captured_at": captured}
        part = self.folder / f".{name}"
        part.write_text(json.dumps(event))
        # A file that was written just now is left alone by the camera, which cannot know that this one is whole.
        written = time.time() - 60
        os.utime(part, (written, written))
        self.given[name] = vehicle
        part.rename(self.folder / name)


class Street:
    """Custodians, ledger, matcher, camera and a police force's owner, all of them processes. ``light``: see ``light_matcher``."""

    def __init__(self, folder: Path, rng: Random, *, light: bool) -> None:
        plan = small_plan()
        police = replace(plan.lists[1], list_size=400, tick_seconds=0.5)
        cameras = tuple(replace(camera, evaluations_per_hour=100_000) for camera in plan.cameras)
        self.deployment = create_deployment(
            folder / "deployment", replace(plan, cameras=cameras, lists=(plan.lists[0], police))
        )
        vehicles = [one for one in traffic.population(1, 5_000) if _plain(one)]
        self.listed = vehicles[: police.list_size]
        self.events = Events(folder / "events", _mixed(rng, self.listed, vehicles[police.list_size :]))
        # Events that were waiting when their camera died: only these may have been sealed twice.
        self.exposed: set[str] = set()
        self.relay = Relay(
            plan.addresses["matcher"],
            tls_files(self.deployment, "matcher"),
            tls_files(self.deployment, CAMERA),
        )
        self._light = light
        self._processes = Processes(self.deployment)
        self._running: dict[str, Process] = {}
        settings = self.deployment.settings(CAMERA)
        settings.write_text(
            settings.read_text().replace(plan.addresses["matcher"], f"127.0.0.1:{self.relay.port}")
        )

    def __enter__(self) -> Self:
        self.relay.__enter__()
        try:
            for process in [
                self._processes.serve(party) for party in ("custodian-a", "custodian-b", "ledger")
            ]:
                process.wait_for("ready")
            self.start("matcher").wait_for("ready")
            wait_until(self._in_force)
            self._submit_list()
            for party in (OWNER, CAMERA):
                self.start(party)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        self.events.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.events.is_alive():
            self.events.end()
        for party in (CAMERA, OWNER, "matcher"):
            if party in self._running:
                self.stop(party)
        self._processes.__exit__(kind, error, trace)
        self.relay.__exit__(kind, error, trace)

    def start(self, party: str) -> Process:
        """Start a party, without waiting for it."""
        if party == CAMERA:
            process = self._processes.start(
                party, "camera", "run", self.deployment.settings(party), "--folder", self.events.folder
            )
        elif party == OWNER:
            process = self._processes.own(party)
        else:
            process = self._light_matcher() if self._light else self._processes.serve(party)
        self._running[party] = process
        return process

    def stop(self, party: str) -> None:
        """Have a party end in order."""
        self._running.pop(party).stop()

    def strike(self, blow: Blow) -> None:
        """Kill its victims at its moment, and start them again."""
        struck = threading.Event()

        def kill() -> None:
            for victim in blow.victims:
                self._running[victim].popen.kill()
            struck.set()

        def begin() -> None:
            if blow.delay:
                threading.Timer(blow.delay, kill).start()
            else:
                kill()

        if blow.moment is None:
            begin()
        elif blow.moment is Moment.SPOOLED:
            self._when_spooled(blow.after, begin)
        else:
            self.relay.strike(blow.moment, blow.after, begin)
        assert struck.wait(_STRUCK_SECONDS), f"no hand-in within {_STRUCK_SECONDS:.0f} s: {blow}"
        for victim in blow.victims:
            self._running[victim].popen.wait()
        if CAMERA in blow.victims:
            self.exposed |= self.events.waiting()
        for victim in blow.victims:
            self.start(victim)

    def drain(self) -> None:
        """Give no more events, and have all that were given handed in."""
        self.events.end()
        wait_until(lambda: not self.events.waiting())
        self.stop(CAMERA)
        settings = self.deployment.settings(CAMERA)
        self._processes.run("camera", "run", settings, "--input", os.devnull, "--exit-when-drained")

    def _when_spooled(self, after: int, run: Callable[[], None]) -> None:
        """Look at the spool's log until it has grown ``after`` times: then a batch is just being made durable."""
        log = self.deployment.folder / CAMERA / "state" / "spool.sqlite-wal"
        until = time.monotonic() + _STRUCK_SECONDS
        seen = _size(log)
        while after and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            size = _size(log)
            after -= size > seen
            seen = size
        run()

    def _submit_list(self) -> None:
        csv = self.deployment.folder / "police.csv"
        traffic.write_hotlist_csv(csv, self.listed, date(2100, 1, 1))
        changed = commands.submit(load(OwnerSettings, self.deployment.settings(OWNER)), csv).changed
        assert changed is not None
        since = changed.in_force_since
        assert since is not None
        # Only what is captured from then on is matched.
        wait_until(lambda: since < time.time())

    def _in_force(self) -> bool:
        settings = load(OwnerSettings, self.deployment.settings(OWNER))
        try:
            with read_ledger(settings.ledger, settings.trust) as state:
                return state.grants[settings.grant].in_force(time.time())
        except (BlindplateError, KeyError):
            # Not cosigned yet.
            return False

    def _light_matcher(self) -> Process:
        log = self.deployment.folder / "matcher" / "log.jsonl"
        command = [
            sys.executable,
            "-m",
            "tests.adversary.light_matcher",
            str(self.deployment.settings("matcher")),
        ]
        with log.open("ab") as file:
            popen = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        return Process("matcher", log, popen)


def tls_files(deployment: Deployment, party: str) -> TlsFiles:
    """A party's certificate, key and authority."""
    folder = deployment.folder / party
    return TlsFiles(certificate=folder / "tls.crt", key=folder / "tls.key", authority=folder / "ca.crt")


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what must come to pass."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.05)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _plain(vehicle: Vehicle) -> bool:
    # A plate that can be read in two ways gives more than one record for each list.
    return not read_plates(vehicle.text, vehicle.country, (), ()).alternates


def _mixed(rng: Random, listed: Sequence[Vehicle], others: Sequence[Vehicle]) -> Iterator[Vehicle]:
    left, strangers = list(listed), iter(others)
    while True:
        yield left.pop() if left and rng.random() < _LISTED_SHARE else next(strangers)
