"""A whole deployment in one process over real mutual TLS: custodians, matcher, an owner, and a camera's reads.

The clock is the tests' to move. The matcher ticks by itself; reads are sealed here as a camera seals them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import grpc
from sqlalchemy import func, select

from blindplate.cli.deployment import Deployment
from blindplate.client.custodians import CustodianPair
from blindplate.client.owner import answers, publish, roster
from blindplate.client.owner.entries import Details
from blindplate.client.owner.hits import Hit, hits_after
from blindplate.client.owner.listfile import listed_vehicle
from blindplate.client.owner.session import Session, open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.hpke import SealingKey
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import WindowKey, current
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.releases import Approval, Verdict
from blindplate.edge.ledger.source import open_source
from blindplate.edge.settings import TlsFiles, load
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.server.custodian.process import Running, build
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.server.matcher.evaluator import LocalEvaluator
from blindplate.server.matcher.service import Matcher, open_matcher
from blindplate.server.matcher.settings import MatcherSettings
from blindplate.server.matcher.tables import answers as answers_made
from blindplate.server.matcher.tables import waiting
from blindplate.server.serving import build_server
from blindplate.v1 import intake_pb2, intake_pb2_grpc, records_pb2, release_pb2, release_pb2_grpc
from tests.integration.ledger_site import MovedClock, RunningLedger, party_key, party_tls, until

WAIT_SECONDS = 60.0
_LEAD_SECONDS = 120.0
Word = Literal[Verdict.APPROVED, Verdict.DENIED]
_T = TypeVar("_T")


@dataclass
class World:
    """Everything that runs. ``owner`` is the party whose list it is about."""

    deployment: Deployment
    owner: str = "owner-police"
    clock: MovedClock = field(default_factory=MovedClock)
    custodians: dict[Custodian, Running] = field(default_factory=dict)
    ledger: RunningLedger = field(init=False)
    matcher: Matcher | None = None
    server: grpc.Server | None = None

    def __post_init__(self) -> None:
        self.ledger = RunningLedger(self.deployment, self.clock)

    def start(self) -> None:
        """Start everything, the grants in force: witnessed two minutes ago by the clock, so past their notice."""
        self.clock.offset -= _LEAD_SECONDS
        for custodian in Custodian:
            self.start_custodian(custodian)
        self.ledger.start()
        self.start_matcher()
        until(self.all_witnessed)
        self.clock.offset += _LEAD_SECONDS
        # A checkpoint of now, so that nobody holds one that is too old.
        until(self.fresh)

    def stop(self) -> None:
        self.stop_matcher()
        self.ledger.stop()
        for custodian in list(self.custodians):
            self.stop_custodian(custodian)

    def all_witnessed(self) -> bool:
        """Whether custodians and matcher know every entry that the ledger has."""
        assert self.ledger.running is not None
        size = self.ledger.running.size
        known = [running.replica.size for running in self.custodians.values()]
        if self.matcher is not None:
            known.append(self.matcher.ledger.size)
        return min(known) >= size

    def fresh(self) -> bool:
        """Whether the published checkpoint was cosigned by both in the last minute of the clock."""
        access = self.ledger.access()
        with closing(open_source(access.url)) as source:
            signed = verify_checkpoint(source.get("checkpoint"), access.keys.keys())
        return self.clock.now() - signed.oldest() < 50

    def enter(self, *statements: Statement, by: str = "operator", documents: Sequence[Statement] = ()) -> int:
        """Enter statements and wait until custodians and matcher know them; the last one's index."""
        index = self.ledger.enter(*statements, by=by, documents=documents)
        until(self.all_witnessed)
        return index

    def restart_ledger(self) -> None:
        self.ledger.stop()
        self.ledger.start()

    def start_custodian(self, custodian: Custodian) -> None:
        settings = load(CustodianSettings, self.deployment.settings(f"custodian-{custodian}"))
        self.custodians[custodian] = build(settings, self.clock)
        self.custodians[custodian].server.start()

    def stop_custodian(self, custodian: Custodian) -> None:
        running = self.custodians.pop(custodian)
        running.server.stop(None).wait()
        running.close()

    def start_matcher(self) -> None:
        settings = load(MatcherSettings, self.deployment.settings("matcher"))
        settings = settings.model_copy(update={"min_free_bytes": 0})
        self.matcher = open_matcher(settings, LocalEvaluator(1 << 30), self.clock)
        self.server, _ = build_server(settings.listen, settings.tls, self.matcher.services)
        self.server.start()
        self.matcher.start()

    def stop_matcher(self) -> None:
        if self.server is not None and self.matcher is not None:
            self.server.stop(None).wait()
            self.matcher.close()
        self.server = self.matcher = None

    def settings(self, **changes: object) -> OwnerSettings:
        settings = load(OwnerSettings, self.deployment.settings(self.owner))
        return settings.model_copy(update={"poll_seconds": 0.1, "wait_ms": 200, **changes})

    @contextmanager
    def session(self, **changes: object) -> Generator[Session]:
        with open_session(self.settings(**changes), self.clock) as session:
            yield session

    def tls(self, party: str) -> TlsFiles:
        return party_tls(self.deployment, party)

    def signing_key(self, party: str) -> SigningKey:
        return party_key(self.deployment, party)

    def read(
        self,
        plates: Sequence[str],
        at: float | None = None,
        *,
        sealed_for: str | None = None,
        named: str = "camera-1",
        late_ms: int = 0,
        alternate: bool = False,
    ) -> None:
        """Let camera-1 read ``plates`` at ``at`` (now) and hand them in.

        A camera that cheats makes the pseudonym of ``sealed_for`` instead, or seals another camera's name or a time
        ``late_ms`` after the one it gives the custodians.
        """
        moment = self.clock.now() if at is None else at
        grant = self.grant()
        domain = next(domain for domain in grant.domains() if domain.zone == "inner")
        encoded = [canonicalize(plate, "GB").encode() for plate in plates]
        blinded = [canonicalize(sealed_for or plate, "GB").encode() for plate in plates]
        addresses, trust = self.deployment.plan.addresses, self.settings().trust
        with CustodianPair(
            addresses["custodian-a"], addresses["custodian-b"], self.tls("camera-1"), trust
        ) as pair:
            outputs = pair.evaluate(domain, blinded, *pair.evaluation_keys(domain))
            release_a, release_b = pair.release_keys(self.clock.now())
        context = SealingContext(
            domain,
            grant.epoch.rule().at(moment),
            SealingKey.from_public(release_a.public),
            SealingKey.from_public(release_b.public),
            1000 * grant.disclosure.time_granularity_seconds,
            discloses_camera=not grant.disclosure.camera_withheld,
        )
        captured = int(moment * 1000)
        sealed = [
            seal(
                context,
                Read(
                    records_pb2.Payload(plate=plate, capture_time_ms=captured + late_ms, vehicle_make="Ford"),
                    pseudonym(f, context.epoch),
                    captured,
                    named,
                    alternate,
                ),
            )
            for plate, f in zip(encoded, outputs, strict=True)
        ]
        records = attest(context, [one.record for one in sealed], self.signing_key("camera-1"))
        with open_channel(addresses["matcher"], "matcher", self.tls("camera-1")) as channel:
            stub = intake_pb2_grpc.IntakeStub(channel)
            with remote_errors("matcher"):
                announced = stub.WindowKeys(intake_pb2.WindowKeysRequest()).statements
                keys = [WindowKey.verified(Statement.from_proto(one), [trust.matcher]) for one in announced]
                window = SealingKey.from_public(current(keys, self.clock.now()).public)
                wires = [
                    to_wire(record, one.pseudonym, one.match_secret, window).to_proto()
                    for record, one in zip(records, sealed, strict=True)
                ]
                receipts = stub.Submit(intake_pb2.SubmitRequest(wires=wires)).receipts
        assert {receipt.acceptance for receipt in receipts} == {intake_pb2.ACCEPTANCE_ACCEPTED}

    def grant(self) -> Grant:
        """The owner's grant as the ledger has it, its last amendment."""
        return next(iter(self.custodians.values())).replica.state.grants[self.settings().grant].latest

    def decide(self, custodian: Custodian, request_id: bytes, verdict: Word) -> None:
        """Let the custodian's first officer decide a request."""
        officer = f"officer-{custodian}-1"
        word = Approval(
            custodian=custodian,
            request_id=request_id,
            officer=officer,
            verdict=verdict,
            reason="Looked at.",
            made_at=int(self.clock.now()),
        ).statement(self.signing_key(officer))
        address = self.deployment.plan.addresses[f"custodian-{custodian}"]
        with open_channel(address, f"custodian-{custodian}", self.tls(officer)) as channel:
            stub = release_pb2_grpc.ApprovalsStub(channel)
            with remote_errors(f"custodian {custodian}"):
                stub.Decide(release_pb2.DecideRequest(approval=word.to_proto()))


def put_on_list(session: Session, *plates: str) -> None:
    """List vehicles by one change."""
    vehicles = [listed_vehicle(plate, "GB", Details(reason="wanted")) for plate in plates]
    with session.store.writing() as connection:
        for vehicle in vehicles:
            roster.add_vehicle(connection, vehicle, session.now(), 1_000)


def take_off_list(session: Session, plate: str) -> None:
    """Take one vehicle off."""
    with session.store.writing() as connection:
        roster.remove_vehicle(connection, canonicalize(plate, "GB"), session.now())


def publish_now(session: Session) -> publish.Published:
    """Publish until the list as it stands is in force, as the daemon or a command does; then it is a moment later."""
    with session.store.publishing(wait=True):
        done = publish.publish(session)
        deadline = time.monotonic() + WAIT_SECONDS
        while done.waiting:
            assert time.monotonic() < deadline, "the list was not witnessed in time"
            time.sleep(0.05)
            again = publish.publish(session)
            done = publish.Published(
                done.evaluated + again.evaluated, done.uploaded + again.uploaded, again.waiting
            )
    if done.uploaded and isinstance(session.clock, MovedClock):
        # A version matches what is captured from the second after it was witnessed on.
        session.clock.offset += 2
    return done


def settled_hits(world: World, session: Session) -> list[Hit]:
    """The hits once the matcher has answered every read that some segment is to match, and all answers are taken."""

    def unanswered() -> int:
        assert world.matcher is not None
        # What is answered is offered once the ledger has its batch.
        unentered = (
            select(func.count()).select_from(answers_made).where(answers_made.c.ledger_index.is_(None))
        )
        with world.matcher.database.read() as connection:
            unread = connection.execute(select(func.count()).select_from(waiting)).scalar_one()
            return unread + connection.execute(unentered).scalar_one()

    within(unanswered, lambda found: found == 0)
    while answers.take_next(session, 0) is not None:
        pass
    with session.store.reading() as connection:
        return hits_after(connection, 0)


def within(look: Callable[[], _T], wanted: Callable[[_T], bool], seconds: float = WAIT_SECONDS) -> _T:
    """What ``look`` gives once ``wanted`` holds; what it gave last when time is up."""
    until = time.monotonic() + seconds
    while not wanted(found := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def channel_ready(channel: grpc.Channel) -> None:
    """Wait until a channel whose server was away is connected again."""
    grpc.channel_ready_future(channel).result(timeout=WAIT_SECONDS)
