"""The custodian's process: its parts put together, served, and kept up to date until it is told to stop.

Guarantees that it serves only with its own pinned key, an intact record of decisions, and a release key in force.
Restarts in any order with the other parties; all that must outlive it is in ``data``. Protocol sections 3 and 6.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from sqlalchemy import Engine

from blindplate.core.errors import UnavailableError
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.logs import configure, log
from blindplate.server.custodian.approvals import Approvals
from blindplate.server.custodian.decisions import DecisionRecord
from blindplate.server.custodian.docket import Docket
from blindplate.server.custodian.evaluation import Pseudonyms
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.grants import PermissionFolders
from blindplate.server.custodian.keeper import Keeper
from blindplate.server.custodian.keys import CustodianKeys
from blindplate.server.custodian.local_keys import LocalKeys
from blindplate.server.custodian.policies import policy_folder, policy_problems
from blindplate.server.custodian.release import Release
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.settings import CustodianSettings, read_pseudonym_seed, read_signing_key
from blindplate.server.custodian.storage import open_database, reading
from blindplate.server.custodian.submissions import Submissions
from blindplate.server.custodian.voting import Voting
from blindplate.server.limits import RateLimiter
from blindplate.server.monitoring import serve_metrics
from blindplate.server.serving import build_server, serve_until_signal


@dataclass(frozen=True, slots=True)
class Running:
    """A custodian ready to be served. ``port`` is where its server is bound."""

    server: grpc.Server
    port: int
    keeper: Keeper
    evaluator: Evaluator
    engine: Engine

    def close(self) -> None:
        """End its thread and processes and close its database; the server must have stopped."""
        self.keeper.stop()
        self.evaluator.close()
        self.engine.dispose()


def build(settings: CustodianSettings, clock: Clock, on_death: Callable[[], None] = lambda: None) -> Running:
    """Open everything ``settings`` name; ``on_death`` is called if the keeper ends by itself.

    Raises SettingsError, StorageError, or ChainError on a broken record.
    """
    signer = read_signing_key(settings)
    seed = read_pseudonym_seed(settings)
    engine = open_database(settings.data / "custodian.sqlite")
    folders = PermissionFolders(
        settings.grants, settings.registers, settings.data / "suspended", settings.trust
    )
    release_keys = ReleaseKeys(
        settings.data / "release-keys", settings.custodian, signer, settings.release_key_seconds
    )
    record = DecisionRecord(settings.custodian, signer)
    with reading(engine) as connection:
        log().info("record-verified", decisions=record.verify(connection))
    officers = {officer.name: officer.public for officer in settings.officers}
    docket = Docket(settings.custodian, officers, release_keys, record, engine, clock)
    evaluator = Evaluator(seed, settings.evaluation_workers)
    policies = policy_folder(settings.policies, settings.trust)
    for problem in policy_problems(policies, settings.custodian, evaluator.public):
        log().warning("policy-skipped", file=problem.file, error=problem.error)
    keys = CustodianKeys(settings.custodian, signer, release_keys, evaluator, folders, clock)
    services = [
        Pseudonyms(folders, evaluator, engine, clock).service(),
        keys.service(),
        LocalKeys(settings.custodian, folders, policies, evaluator, engine, clock).service(),
        Release(Submissions(docket, folders, RateLimiter(clock))).service(),
        Approvals(Voting(docket, folders)).service(),
    ]
    server, port = build_server(settings.listen, settings.tls, services, record_to=settings.record_messages)
    keeper = Keeper(folders, release_keys, docket, clock, on_death)
    keeper.start()
    return Running(server, port, keeper, evaluator, engine)


def run(settings: CustodianSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises as ``build`` does, and UnavailableError when its keeper ended."""
    configure(f"custodian-{settings.custodian}")
    died = threading.Event()

    def end() -> None:
        died.set()
        log().error("housekeeping-ended")
        os.kill(os.getpid(), signal.SIGTERM)

    running = build(settings, SystemClock(), end)
    # Before the first call, which would wait for them.
    running.evaluator.start()
    if settings.metrics is not None:
        serve_metrics(settings.metrics)
    serve_until_signal(
        running.server, [running.close], on_ready=lambda: log().info("ready", port=running.port)
    )
    if died.is_set():
        raise UnavailableError("The custodian's housekeeping has ended.", "Look at its log; start it again.")
