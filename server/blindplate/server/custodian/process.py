"""The custodian's process: its parts put together, served, and kept up to date until it is told to stop.

Guarantees that it serves only with its own pinned keys, an intact record of decisions, and a release key in force.
Restarts in any order with the other parties; all that must outlive it is in ``data``. Protocol sections 3, 6 and 7.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial

import grpc
from sqlalchemy import Engine

from blindplate.core.errors import UnavailableError
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.parties import Custodian
from blindplate.core.statements.release_entries import RequestEntry
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import LedgerSource, open_source
from blindplate.edge.logs import configure, log
from blindplate.server.custodian.approvals import Approvals
from blindplate.server.custodian.catching_up import CatchingUp
from blindplate.server.custodian.clerk import Clerk
from blindplate.server.custodian.cosigning import Cosigning
from blindplate.server.custodian.counts import CountEntries
from blindplate.server.custodian.decisions import DecisionRecord
from blindplate.server.custodian.docket import Docket
from blindplate.server.custodian.evaluation import Pseudonyms
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.grants import current_permissions
from blindplate.server.custodian.keeper import Keeper
from blindplate.server.custodian.key_entries import KeyEntries
from blindplate.server.custodian.keys import CustodianKeys
from blindplate.server.custodian.local_keys import LocalKeys
from blindplate.server.custodian.other_custodian import OtherCustodian
from blindplate.server.custodian.policies import policy_folder, policy_problems
from blindplate.server.custodian.release import Release
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.retention import RetentionCheck
from blindplate.server.custodian.settings import (
    CustodianSettings,
    read_cosigner,
    read_pseudonym_seed,
    read_signing_key,
)
from blindplate.server.custodian.storage import open_database, reading
from blindplate.server.custodian.subject_keys import SubjectKeys
from blindplate.server.custodian.subject_tags import SubjectTags
from blindplate.server.custodian.subjects import SubjectAccess
from blindplate.server.custodian.submissions import Submissions
from blindplate.server.custodian.voting import Voting
from blindplate.server.custodian.witness import Witness
from blindplate.server.custodian.witnessed import FRESH_SECONDS
from blindplate.server.limits import RateLimiter
from blindplate.server.monitoring import serve_metrics
from blindplate.server.serving import build_server, serve_until_signal


@dataclass(frozen=True, slots=True)
class Running:
    """A custodian ready to be served. ``port`` is where its server is bound."""

    server: grpc.Server
    port: int
    keeper: Keeper
    clerk: Clerk
    evaluator: Evaluator
    engine: Engine
    replica: Replica
    opened: ExitStack

    def close(self) -> None:
        """End its threads and processes and close its files; the server must have stopped."""
        self.opened.close()


def build(settings: CustodianSettings, clock: Clock, on_death: Callable[[], None] = lambda: None) -> Running:
    """Open everything ``settings`` name; ``on_death`` is called if keeper or clerk end by themselves.

    Raises SettingsError, StorageError, or ChainError on a broken record or copy of the ledger.
    """
    with ExitStack() as opened:
        running = _build(settings, clock, on_death, opened)
        # All went well: what was opened is closed by ``Running.close``.
        return replace(running, opened=opened.pop_all())


def run(settings: CustodianSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises as ``build`` does, and UnavailableError when a thread of its own ended."""
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


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The ledger as far as this custodian has cosigned it, and as the ledger shows it."""

    replica: Replica
    source: LedgerSource
    follower: Follower

    def request_entry(self, request_id: bytes) -> tuple[int, int, RequestEntry] | None:
        return self.replica.request_entry(request_id)

    def require_witnessed(self, index: int, max_age_seconds: int = FRESH_SECONDS) -> object:
        return self.follower.require_witnessed(index, max_age_seconds)


def _build(
    settings: CustodianSettings, clock: Clock, on_death: Callable[[], None], opened: ExitStack
) -> Running:
    custodian, signer = settings.custodian, read_signing_key(settings)
    engine = open_database(settings.data / "custodian.sqlite")
    opened.callback(engine.dispose)
    ledger = _open_ledger(settings, clock, opened)
    permissions = partial(current_permissions, custodian, signer.public, ledger.replica, engine)
    release_keys = ReleaseKeys(
        settings.data / "release-keys", custodian, signer, settings.release_key_seconds
    )
    record = DecisionRecord(custodian, signer, lambda: ledger.replica.state.last_decisions.get(custodian))
    with reading(engine) as connection:
        log().info("record-verified", decisions=record.verify(connection))
    officers = {officer.name: officer.public for officer in settings.officers}
    subjects = _subject_tags(settings)
    docket = Docket(custodian, officers, release_keys, record, ledger, subjects, engine, clock)
    evaluator = Evaluator(read_pseudonym_seed(settings), settings.evaluation_workers)
    opened.callback(evaluator.close)
    policies = policy_folder(settings.policies, settings.trust)
    for problem in policy_problems(policies, custodian, evaluator.public):
        log().warning("policy-skipped", file=problem.file, error=problem.error)
    services = [
        Pseudonyms(permissions, evaluator, engine, clock).service(),
        CustodianKeys(custodian, signer, release_keys, evaluator, permissions, clock).service(),
        LocalKeys(custodian, permissions, policies, evaluator, engine, clock).service(),
        Release(Submissions(docket, permissions, RateLimiter(clock))).service(),
        Approvals(Voting(docket, permissions)).service(),
        SubjectAccess(permissions, evaluator, subjects, settings.subject_officers, engine, clock).service(),
        Witness(_cosigning(settings, ledger, clock, opened)).service(),
    ]
    server, port = build_server(settings.listen, settings.tls, services, record_to=settings.record_messages)
    duties = [
        KeyEntries(custodian, signer, evaluator.public, permissions, engine).enter,
        CountEntries(custodian, signer, engine, settings.counts_seconds).enter,
        RetentionCheck(settings.data, engine, docket.remains, settings.subject_retention_days).daily,
    ]
    keeper = Keeper(permissions, release_keys, docket, clock, duties, on_death)
    clerk = Clerk(engine, _appending(settings, ledger, clock, opened), clock, on_death)
    for thread in (clerk, keeper):
        opened.callback(thread.stop)
        thread.start()
    return Running(server, port, keeper, clerk, evaluator, engine, ledger.replica, opened)


def _subject_tags(settings: CustodianSettings) -> SubjectTags | None:
    # Of both custodians only the independent one can tell which releases were of whom.
    if settings.custodian is Custodian.A:
        return None
    return SubjectTags(SubjectKeys(settings.data / "subject-keys", settings.subject_retention_days))


def _open_ledger(settings: CustodianSettings, clock: Clock, opened: ExitStack) -> _Ledger:
    keys, access = settings.ledger.keys.keys(), settings.ledger
    source = opened.enter_context(closing(open_source(access.url)))
    replica = opened.enter_context(
        closing(
            Replica(
                settings.data / "ledger.sqlite",
                keys,
                settings.trust.parties(),
                decisions=True,
                source=source,
            )
        )
    )
    # Cosigning alone extends what this custodian has read.
    return _Ledger(
        replica,
        source,
        Follower(replica, source, keys, clock, extends=False, evidence=settings.data / "evidence"),
    )


def _cosigning(settings: CustodianSettings, ledger: _Ledger, clock: Clock, opened: ExitStack) -> Cosigning:
    keys = settings.ledger.keys.keys()
    which = Custodian.B if settings.custodian is Custodian.A else Custodian.A
    other = opened.enter_context(closing(OtherCustodian(which, settings.other_custodian, settings.tls)))
    return Cosigning(
        settings.custodian,
        read_cosigner(settings),
        keys,
        ledger.replica,
        ledger.source,
        CatchingUp(settings.custodian, keys, ledger.source, other.head),
        settings.data / "evidence",
        clock,
    )


def _appending(settings: CustodianSettings, ledger: _Ledger, clock: Clock, opened: ExitStack) -> LedgerClient:
    access = settings.ledger

    def keep(signed: SignedCheckpoint) -> None:
        ledger.replica.keep_receipt(signed, clock.now())

    return opened.enter_context(LedgerClient(access.address, settings.tls, access.keys.keys(), keep))
