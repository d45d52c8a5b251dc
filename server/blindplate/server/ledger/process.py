"""The ledger's process: its parts put together and served until it is told to stop.

Guarantees that it serves only files that fit its head, under the pinned key, and ends when it is proven to have been set
back. Restarts in any order with the other parties. Protocol section 7.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from blindplate.core.errors import BlindplateError
from blindplate.core.ledger.checkpoints import Checkpoint
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.merkle import root
from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.logs import configure, log
from blindplate.server.authorization import Access, Role
from blindplate.server.ledger import appends, metrics
from blindplate.server.ledger.appends import LedgerServicer
from blindplate.server.ledger.head import Head
from blindplate.server.ledger.http import PublicServer
from blindplate.server.ledger.sequencer import Sequencer
from blindplate.server.ledger.settings import LedgerSettings, read_signer
from blindplate.server.ledger.storage import Storage
from blindplate.server.ledger.witness_client import WitnessClient
from blindplate.server.ledger.witnesses import Witnesses
from blindplate.server.limits import RateLimiter
from blindplate.server.monitoring import serve_metrics
from blindplate.server.serving import Service, build_server, serve_until_signal
from blindplate.v1 import ledger_pb2_grpc

_HEALTH_ACCESS: Final[Access] = {"/grpc.health.v1.Health/Check": frozenset(Role)}
OnFatal = Callable[[BlindplateError], None]


@dataclass(frozen=True, slots=True)
class Running:
    """A ledger ready to be served. ``port`` is where appends are taken, ``http_port`` where the files are read."""

    server: grpc.Server
    port: int
    http_port: int
    storage: Storage
    sequencer: Sequencer
    witnesses: Witnesses
    public: PublicServer

    @property
    def size(self) -> int:
        """How many entries the ledger has."""
        return self.storage.head.checkpoint.size

    def start(self) -> None:
        """Start everything."""
        self.begin()
        self.server.start()

    def begin(self) -> None:
        """Start all but the gRPC server."""
        self.sequencer.start()
        self.public.start()
        self.witnesses.start()

    def close(self) -> None:
        """Stop everything, in order."""
        self.server.stop(None).wait()
        self.sequencer.stop()
        self.witnesses.stop()
        self.public.stop()
        self.storage.close()


def build(settings: LedgerSettings, clock: Clock, on_fatal: OnFatal | None = None) -> Running:
    """Open everything ``settings`` name; ``on_fatal`` is called if the ledger must not go on.

    Raises as opening ``Storage`` does, and SettingsError for a key that is not pinned or an address that is taken.
    """
    on_fatal = on_fatal or _log_fatal
    signer, keys = read_signer(settings), settings.ledger_keys.keys()
    storage = Storage(settings.public, settings.head, keys, settings.max_unpublished)
    addresses = {Custodian.A: settings.witness_a, Custodian.B: settings.witness_b}
    clients = {
        custodian: WitnessClient(custodian, address, settings.tls, storage, keys)
        for custodian, address in addresses.items()
    }
    witnesses = Witnesses(storage, clients, clock, settings.rewitness_seconds, on_fatal)
    sequencer = Sequencer(storage, signer, settings.trust.parties(), clock, witnesses.notify, on_fatal)
    servicer = LedgerServicer(sequencer, RateLimiter(clock), witnesses.require_confirmed)
    server, port = build_server(settings.listen, settings.tls, _services(servicer))
    public = PublicServer(settings.http, settings.public)
    metrics.SIZE.set(storage.head.checkpoint.size)
    return Running(server, port, public.port, storage, sequencer, witnesses, public)


def run(settings: LedgerSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises as ``build`` does, and what made it end by itself."""
    configure("ledger")
    fatal: list[BlindplateError] = []
    once = threading.Lock()

    def end(error: BlindplateError) -> None:
        with once:
            fatal.append(error)
        _log_fatal(error)
        os.kill(os.getpid(), signal.SIGTERM)

    running = build(settings, SystemClock(), end)
    if settings.metrics is not None:
        serve_metrics(settings.metrics)

    def ready() -> None:
        running.begin()
        log().info("ready", port=running.port, http_port=running.http_port, size=running.size)

    serve_until_signal(running.server, [running.close], on_ready=ready)
    if fatal:
        raise fatal[0]


def create_genesis(
    settings: LedgerSettings, entries: Sequence[Statement], documents: Sequence[Statement], moment: int
) -> None:
    """Make a new ledger that begins with ``entries``, signed by the ledger alone as of ``moment`` (seconds since 1970).

    Raises SettingsError when there is one already, what an entry is refused for, StorageError.
    """
    signer, keys = read_signer(settings), settings.ledger_keys.keys()
    empty = signer.sign(Checkpoint(settings.origin, 0, root(())), moment)
    Head.create(settings.head, empty.to_bytes()).close()
    storage = Storage(settings.public, settings.head, keys, settings.max_unpublished)
    try:
        sequencer = Sequencer(storage, signer, settings.trust.parties(), _Moment(moment))
        sequencer.start()
        if entries:
            sequencer.append(
                [entry_bytes(entry) for entry in entries], [document_bytes(one) for one in documents]
            )
        sequencer.stop()
        storage.publish()
    finally:
        storage.close()


@dataclass(frozen=True, slots=True)
class _Moment:
    moment: int

    def now(self) -> float:
        return self.moment


def _services(servicer: LedgerServicer) -> tuple[Service, ...]:
    status = health.HealthServicer()
    status.set("", health_pb2.HealthCheckResponse.SERVING)
    return (
        Service(
            lambda server: ledger_pb2_grpc.add_LedgerServicer_to_server(servicer, server), appends.ACCESS
        ),
        # grpc_health ships no types.
        Service(
            lambda server: health_pb2_grpc.add_HealthServicer_to_server(status, server),  # pyright: ignore[reportUnknownMemberType]
            _HEALTH_ACCESS,
        ),
    )


def _log_fatal(error: BlindplateError) -> None:
    log().error("ledger-must-end", error=error)
