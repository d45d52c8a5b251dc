"""Custodians of a real deployment, served in this process over real TLS, under a clock the tests move."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
import pytest

from blindplate.cli.deployment import Deployment, Plan, create_deployment, default_plan
from blindplate.cli.deployment.plan import free_addresses
from blindplate.client.custodians import CustodianPair
from blindplate.core.ledger.checkpoints import Checkpoint
from blindplate.core.ledger.notes import Note
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from blindplate.edge.settings import TlsFiles, TrustedKeys, load
from blindplate.edge.tls import open_channel
from blindplate.server.custodian.process import Running, build
from blindplate.server.custodian.settings import CustodianSettings
from tests.integration.ledger_site import MovedClock, RunningLedger, party_key, party_tls, until

_BEGINS = int(time.time()) - 3600
_ADDRESSES = free_addresses()
_LEAD_SECONDS = 120.0


@dataclass
class Custodians:
    """Both custodians of a deployment with its ledger, and how to stop and start them again."""

    deployment: Deployment
    clock: MovedClock
    ledger: RunningLedger
    running: dict[Custodian, Running] = field(default_factory=dict)
    pairs: dict[tuple[str, str, str], CustodianPair] = field(default_factory=dict)
    channels: dict[tuple[str, str], grpc.Channel] = field(default_factory=dict)

    def settings(self, custodian: Custodian) -> CustodianSettings:
        return load(CustodianSettings, self.deployment.settings(f"custodian-{custodian}"))

    def start(self, custodian: Custodian) -> None:
        running = build(self.settings(custodian), self.clock)
        running.server.start()
        self.running[custodian] = running

    def stop(self, custodian: Custodian) -> None:
        running = self.running.pop(custodian)
        running.server.stop(None).wait()
        running.close()

    def restart(self, custodian: Custodian) -> None:
        self.stop(custodian)
        self.start(custodian)

    def begin(self) -> None:
        """Start custodians and ledger, the grants in force: witnessed two minutes ago, so past their notice."""
        self.clock.offset -= _LEAD_SECONDS
        for custodian in Custodian:
            self.start(custodian)
        self.ledger.start()
        until(self.all_witnessed)
        self.clock.offset += _LEAD_SECONDS
        for running in self.running.values():
            # Release keys that last as long as the grants' windows, which it did not know when it began.
            running.keeper.round()

    def all_witnessed(self) -> bool:
        """Whether both know every entry that the ledger has."""
        assert self.ledger.running is not None
        size = self.ledger.running.size
        return all(running.replica.size >= size for running in self.running.values())

    def enter(self, *statements: Statement, by: str = "operator", documents: Sequence[Statement] = ()) -> int:
        """Enter statements and wait until both have witnessed them, for everyone to see; the last one's index."""
        index = self.ledger.enter(*statements, by=by, documents=documents)
        until(lambda: self.all_witnessed() and self.published > index)
        return index

    @property
    def published(self) -> int:
        """How many entries the ledger's public checkpoint covers."""
        note = Note.from_bytes((self.deployment.ledger / "checkpoint").read_bytes())
        return Checkpoint.from_body(note.text).size

    def grant(self, grant_id: str) -> Grant:
        """A grant as the ledger has it, its last amendment."""
        return next(iter(self.running.values())).replica.state.grants[grant_id].latest

    def amend(self, grant_id: str, **changes: object) -> None:
        """Enter an amendment that everyone signed, and move the clock past its notice."""
        before = self.grant(grant_id)
        amended = before.model_copy(update={"amendment": before.amendment + 1, **changes})
        signers = [party_key(self.deployment, party) for party in ("operator", "custodian-a", "custodian-b")]
        self.enter(amended.statement(*signers))
        self.clock.offset += amended.notice_seconds + 1

    def address(self, custodian: Custodian) -> str:
        return f"127.0.0.1:{self.running[custodian].port}"

    def execute(self, custodian: Custodian, statement: str) -> int:
        """Run SQL on a custodian's database from outside, as an intruder would; the number of rows changed."""
        with closing(sqlite3.connect(self.settings(custodian).data / "custodian.sqlite")) as database:
            changed = database.execute(statement).rowcount
            database.commit()
        return changed

    def tls(self, party: str) -> TlsFiles:
        return party_tls(self.deployment, party)

    @property
    def trust(self) -> TrustedKeys:
        return self.settings(Custodian.A).trust

    def pair(self, party: str) -> CustodianPair:
        """Channels to both custodians where they now listen, as one party; closed with everything else."""
        addresses = (self.address(Custodian.A), self.address(Custodian.B))
        known = self.pairs.get((party, *addresses))
        if known is None:
            known = CustodianPair(*addresses, self.tls(party), self.trust)
            self.pairs[party, *addresses] = known
        return known

    def channel(self, custodian: Custodian, party: str) -> grpc.Channel:
        """A channel to one custodian where it now listens, as one party; closed with everything else."""
        address = self.address(custodian)
        known = self.channels.get((party, address))
        if known is None:
            known = open_channel(address, f"custodian-{custodian}", self.tls(party))
            self.channels[party, address] = known
        return known

    def close(self) -> None:
        for pair in self.pairs.values():
            pair.close()
        for channel in self.channels.values():
            channel.close()
        self.ledger.stop()
        for custodian in list(self.running):
            self.stop(custodian)


@pytest.fixture
def plan() -> Plan:
    """Two zones: camera-1 and camera-3 in ``inner``, camera-2 in ``outer``; small quotas."""
    plan = default_plan(_BEGINS)
    return replace(
        plan,
        # The same for every test of a process: its template is made once, and the addresses are in its settings.
        addresses=_ADDRESSES,
        cameras=tuple(replace(camera, evaluations_per_hour=400) for camera in plan.cameras),
    )


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plan], Path]:
    """The folder of a deployment of each plan, made once: what each test copies is far quicker than making it."""
    made: dict[str, Path] = {}

    def template(plan: Plan) -> Path:
        name = repr(plan)
        if name not in made:
            made[name] = create_deployment(tmp_path_factory.mktemp("template") / "it", plan).folder
        return made[name]

    return template


@pytest.fixture
def custodians(plan: Plan, templates: Callable[[Plan], Path], tmp_path: Path) -> Iterator[Custodians]:
    """Both custodians, running."""
    folder = Path(shutil.copytree(templates(plan), tmp_path / "deployment"))
    deployment, clock = Deployment(folder, plan), MovedClock()
    both = Custodians(deployment, clock, RunningLedger(deployment, clock))
    both.begin()
    yield both
    both.close()


@pytest.fixture
def pair_of(custodians: Custodians) -> Callable[[str], CustodianPair]:
    """Channels to both custodians as one party."""
    return custodians.pair
