"""A ledger of a real deployment, in this process over real HTTP and mutual TLS, and who may stand in for its witnesses.

``RunningLedger`` is the real one. ``PlayedWitnesses`` cosign whatever the ledger shows them, for tests of parties
that need no custodian.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc

from blindplate.cli.deployment import Deployment
from blindplate.cli.deployment.witnessing import witness_name
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.witness_messages import parse_add_checkpoint
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.policies import ZoneRegister, register_digest
from blindplate.edge.clock import Clock
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.settings import LedgerAccess, TlsFiles, load
from blindplate.edge.tls import server_credentials
from blindplate.server.ledger.process import Running, build
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1 import witness_pb2_grpc as rpc

WAIT_SECONDS = 60.0


class MovedClock:
    """The machine's clock, moved by ``offset`` seconds."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def move_to(self, moment: float) -> None:
        self.offset = moment - time.time()


@dataclass
class RunningLedger:
    """The ledger of a deployment, started and stopped by hand; under the clock given."""

    deployment: Deployment
    clock: Clock
    running: Running | None = None

    def start(self) -> None:
        settings = load(LedgerSettings, self.deployment.settings("ledger"))
        self.running = build(settings, self.clock)
        self.running.start()

    def stop(self) -> None:
        running, self.running = self.running, None
        if running is not None:
            running.close()

    def access(self) -> LedgerAccess:
        """How a party reaches it."""
        settings = load(LedgerSettings, self.deployment.settings("ledger"))
        return LedgerAccess(address=settings.listen, url=f"http://{settings.http}", keys=settings.ledger_keys)

    def enter(self, *statements: Statement, by: str = "operator", documents: Sequence[Statement] = ()) -> int:
        """Append as a party; the last entry's index. What is entered is in force once it is witnessed."""
        client = LedgerClient(
            self.access().address, party_tls(self.deployment, by), self.access().keys.keys()
        )
        try:
            return client.append(list(statements), list(documents))[-1].index
        finally:
            client.close()

    def enter_register(self, register: ZoneRegister) -> bytes:
        """Sign and enter a zone's register as the operator; its digest."""
        operator = party_key(self.deployment, "operator")
        document = register.statement(operator)
        entry = RegisterEntry(
            zone=register.zone,
            generation=register.generation,
            cameras=len(register.cameras),
            register_digest=register_digest(document.payload),
            made_at=int(self.clock.now()),
        )
        self.enter(entry.statement(operator), documents=[document])
        return entry.register_digest


@dataclass
class PlayedWitnesses:
    """Both custodians as witnesses, at their addresses, cosigning everything at once by the clock given."""

    deployment: Deployment
    clock: Clock
    servers: list[grpc.Server] = field(default_factory=list)

    def start(self) -> None:
        for custodian in Custodian:
            party = f"custodian-{custodian}"
            server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
            rpc.add_WitnessServicer_to_server(self._witness(custodian), server)
            server.add_secure_port(
                self.deployment.plan.addresses[party], server_credentials(party_tls(self.deployment, party))
            )
            server.start()
            self.servers.append(server)

    def stop(self) -> None:
        for server in self.servers:
            server.stop(None).wait()
        self.servers.clear()

    def _witness(self, custodian: Custodian) -> _Witness:
        seed = read_secret(self.deployment.home(f"custodian-{custodian}") / "witness.key", 32)
        return _Witness(Cosigner.from_seed(witness_name(custodian), seed), self.clock)


@dataclass
class _Witness(rpc.WitnessServicer):
    cosigner: Cosigner
    clock: Clock
    size: int = 0
    checkpoint: bytes = b""

    def AddCheckpoint(  # noqa: N802
        self, request: v1.AddCheckpointRequest, context: grpc.ServicerContext
    ) -> v1.AddCheckpointResponse:
        old, _, data = parse_add_checkpoint(request.body)
        if old != self.size:
            return v1.AddCheckpointResponse(conflict=self.size)
        note = Note.from_bytes(data)
        checkpoint = Checkpoint.from_body(note.text)
        signatures = self.cosigner.cosign(checkpoint, int(self.clock.now()))
        self.size, self.checkpoint = checkpoint.size, note.with_signatures(signatures).to_bytes()
        return v1.AddCheckpointResponse(cosignatures="".join(one.to_line() for one in signatures).encode())

    def Head(self, request: v1.HeadRequest, context: grpc.ServicerContext) -> v1.HeadResponse:  # noqa: N802
        return v1.HeadResponse(checkpoint=self.checkpoint)


def party_tls(deployment: Deployment, party: str) -> TlsFiles:
    """A party's certificate files."""
    folder = deployment.home(party)
    return TlsFiles(certificate=folder / "tls.crt", key=folder / "tls.key", authority=folder / "ca.crt")


def party_key(deployment: Deployment, party: str) -> SigningKey:
    """A party's signing key."""
    return SigningKey.from_seed(read_secret(deployment.home(party) / "signing.key", 32))


def until(holds: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait until ``holds``; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.02)
