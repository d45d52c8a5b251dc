"""Two witnesses that hold the ledger to tlog-witness, for tests of the ledger alone.

They remember the last checkpoint across the ledger's restarts, check every signature and consistency proof, and raise what
a custodian would. They do not read entries.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import grpc

from blindplate.cli.deployment import Deployment
from blindplate.cli.deployment.witnessing import witness_name
from blindplate.core.errors import BlindplateError, ForkError, ProofError
from blindplate.core.ledger.checkpoints import Cosigner, LedgerKeys, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.witness_messages import parse_add_checkpoint
from blindplate.core.merkle import verify_consistency
from blindplate.core.parties import Custodian
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import load
from blindplate.server.authorization import Role
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.server.serving import Service, build_server
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1 import witness_pb2_grpc as rpc
from tests.integration.ledger_site import party_tls

_METHODS = ("/blindplate.v1.Witness/AddCheckpoint", "/blindplate.v1.Witness/Head")


@dataclass
class StrictWitness(rpc.WitnessServicer):
    """One custodian. With ``refusal`` it refuses everything; ``defects`` are what it found."""

    custodian: Custodian
    cosigner: Cosigner
    keys: LedgerKeys
    last: SignedCheckpoint | None = None
    head: bytes = b""
    refusal: BlindplateError | None = None
    defects: list[str] = field(default_factory=list[str])
    asked: int = 0

    @property
    def size(self) -> int:
        return 0 if self.last is None else self.last.checkpoint.size

    def AddCheckpoint(  # noqa: N802  the service's name
        self, request: v1.AddCheckpointRequest, context: grpc.ServicerContext
    ) -> v1.AddCheckpointResponse:
        self.asked += 1
        if self.refusal:
            raise self.refusal
        old, proof, note = parse_add_checkpoint(request.body)
        signed = verify_checkpoint(note, self.keys)
        if old != self.size:
            return v1.AddCheckpointResponse(conflict=self.size)
        root = self.last.checkpoint.root if self.last else b""
        try:
            if self.last:
                verify_consistency(old, root, signed.checkpoint.size, signed.checkpoint.root, proof)
        except ProofError as error:
            self.defects.append(error.what)
            raise ForkError("Two histories.") from None
        lines = self.cosigner.cosign(signed.checkpoint, int(time.time()))
        self.last, self.head = signed, signed.note.with_signatures(lines).to_bytes()
        return v1.AddCheckpointResponse(cosignatures="".join(one.to_line() for one in lines).encode())

    def Head(self, request: v1.HeadRequest, context: grpc.ServicerContext) -> v1.HeadResponse:  # noqa: N802  the service's name
        if self.refusal:
            raise self.refusal
        return v1.HeadResponse(checkpoint=self.head)


class StrictWitnesses:
    """Both, at a deployment's addresses."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        keys = load(LedgerSettings, deployment.settings("ledger")).ledger_keys.keys()
        self.of = {
            custodian: StrictWitness(
                custodian,
                Cosigner.from_seed(
                    witness_name(custodian),
                    read_secret(deployment.home(f"custodian-{custodian}") / "witness.key", 32),
                ),
                keys,
            )
            for custodian in Custodian
        }
        self._servers: dict[Custodian, grpc.Server] = {}

    def start(self, custodian: Custodian) -> None:
        """Serve one."""
        witness, party = self.of[custodian], f"custodian-{custodian}"
        service = Service(
            lambda server: rpc.add_WitnessServicer_to_server(witness, server),
            dict.fromkeys(_METHODS, frozenset({Role.LEDGER})),
        )
        server, _ = build_server(
            self._deployment.plan.addresses[party], party_tls(self._deployment, party), [service]
        )
        server.start()
        self._servers[custodian] = server

    def stop(self, custodian: Custodian) -> None:
        """Stop one."""
        server = self._servers.pop(custodian, None)
        if server is not None:
            server.stop(None).wait()

    def start_both(self) -> None:
        for custodian in Custodian:
            self.start(custodian)

    def stop_both(self) -> None:
        for custodian in Custodian:
            self.stop(custodian)
