"""A charging authority's owner at work on paper: weeks pass by a clock that is moved, nothing serves, nothing is encrypted.

The matcher here does what the real one does with reads of a charging day, by their pseudonyms in the clear; custodians
approve whatever they may. Both refuse what comes before payment has closed.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest

from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.client.owner import answers, publish, release, reveal, roster, upload
from blindplate.client.owner.charging.charges import record_charges
from blindplate.client.owner.charging.days import charging_day
from blindplate.client.owner.charging.run import ask_for_day, reveal_approved
from blindplate.client.owner.entries import Details
from blindplate.client.owner.hits import find_hit
from blindplate.client.owner.listfile import listed_vehicle
from blindplate.client.owner.requests import Reply, Standing
from blindplate.client.owner.session import Session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.charging import payment_closes, retention_token
from blindplate.core.domains import CHARGING_DAY
from blindplate.core.errors import GoneError, TooEarlyError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.sealing import Read, SealingContext, SealingRandomness, assemble
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import ChargingTerms
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.edge.settings import load
from blindplate.psi.layout import Layout
from blindplate.psi.owner import Opened, Upload
from blindplate.psi.parameters import ParameterSet, load_set
from blindplate.v1 import answers_pb2, lists_pb2, records_pb2
from tests.unit.client.owner.scene import Clock, PaperCustodians, PaperLedger, f_of, opened, signing_key

PAYMENT_DAYS = 3
WINDOW_SECONDS = 6 * 86_400


class WitnessedLedger(PaperLedger):
    """Both custodians cosign whatever is entered, at once."""

    clock: Clock

    def enter(self, statement: Statement, document: Statement | None = None) -> int:
        index = super().enter(statement, document)
        self.witness(self.clock.moment, self.clock.moment)
        return index


@dataclass
class PaperRead:
    """A read at the matcher."""

    record: SealedRecord
    y: bytes
    match_secret: bytes = field(repr=False)
    epoch: int
    kept: bool = False
    claimed: bool = False
    waiting: set[bytes] = field(default_factory=set[bytes])
    offered: set[int] = field(default_factory=set[int])
    answered: set[bytes] = field(default_factory=set[bytes])


@dataclass
class PaperMatcher:
    """Lists and Answers as the owner calls them. ``contents`` has what was built, by salt."""

    clock: Clock
    contents: dict[bytes, frozenset[bytes]] = field(default_factory=dict[bytes, frozenset[bytes]])
    manifests: dict[bytes, Manifest] = field(default_factory=dict[bytes, Manifest])
    reads: list[PaperRead] = field(default_factory=list[PaperRead])
    offers: dict[int, tuple[bytes, dict[int, PaperRead]]] = field(
        default_factory=dict[int, tuple[bytes, dict[int, PaperRead]]]
    )
    given: set[bytes] = field(default_factory=set[bytes])
    sequence: int = 0

    def Segments(self, request: lists_pb2.SegmentsRequest, timeout: float) -> lists_pb2.SegmentsResponse:  # noqa: N802
        found = [lists_pb2.Segment(segment_id=one) for one in self.manifests]
        return lists_pb2.SegmentsResponse(segments=found)

    def Upload(self, parts: Iterator[lists_pb2.UploadPart], timeout: float) -> lists_pb2.UploadResponse:  # noqa: N802
        statement = Statement.from_proto(next(iter(parts)).manifest)
        manifest = Manifest.parsed(statement.payload)
        epoch = manifest.epoch.epoch()
        if manifest.stage is Stage.OPEN and self.clock.moment < payment_closes(epoch, PAYMENT_DAYS):
            raise TooEarlyError("Payment has not closed.")
        if manifest.number == 0:
            gone = [
                one
                for one, made in self.manifests.items()
                if (made.epoch, made.stage) == (manifest.epoch, manifest.stage)
                and made.matches_from >= manifest.matches_from
            ]
            for one in gone:
                del self.manifests[one]
        self.manifests[statement.statement_id] = manifest
        for read in self.reads:
            self._join(read, statement.statement_id)
        return lists_pb2.UploadResponse(segment_id=statement.statement_id, stored=True)

    def submit(self, read: PaperRead) -> None:
        """A camera hands a read in."""
        self.reads.append(read)
        for segment_id in self.manifests:
            self._join(read, segment_id)

    def match(self) -> None:
        """Answer every read that waits, segment by segment."""
        for segment_id, manifest in list(self.manifests.items()):
            found = [read for read in self.reads if segment_id in read.waiting]
            if not found:
                continue
            self.sequence += 1
            self.offers[self.sequence] = (segment_id, dict(enumerate(found)))
            for read in found:
                read.waiting.discard(segment_id)
                read.answered.add(segment_id)
                read.offered.add(self.sequence)
                if manifest.stage is Stage.OPEN and read.y in self.contents[manifest.salt]:
                    self.given.add(read.record.header.record_id)

    def Next(self, request: answers_pb2.NextRequest, timeout: float) -> answers_pb2.NextResponse:  # noqa: N802
        waiting = [one for one in sorted(self.offers) if one > request.after]
        if not waiting:
            return answers_pb2.NextResponse()
        segment_id, held = self.offers[waiting[0]]
        listed = (
            self.contents[self.manifests[segment_id].salt] if segment_id in self.manifests else frozenset()
        )
        body = [
            (slot, self._shown(segment_id, read).hex()) for slot, read in held.items() if read.y in listed
        ]
        answer = answers_pb2.Answer(
            sequence=waiting[0], segment_id=segment_id, body=json.dumps(body).encode()
        )
        return answers_pb2.NextResponse(answer=answer)

    def Claim(self, request: answers_pb2.ClaimRequest, timeout: float) -> answers_pb2.ClaimResponse:  # noqa: N802
        segment_id, held = self.offers[request.sequence]
        return answers_pb2.ClaimResponse(
            results=[self._claimed(segment_id, held[claim.slot], claim) for claim in request.claims]
        )

    def Acknowledge(  # noqa: N802
        self, request: answers_pb2.AcknowledgeRequest, timeout: float
    ) -> answers_pb2.AcknowledgeResponse:
        _, held = self.offers.pop(request.sequence, (b"", {}))
        for read in held.values():
            read.offered.discard(request.sequence)
            if read.answered and not (read.claimed or read.waiting or read.offered) and read in self.reads:
                self.reads.remove(read)
        return answers_pb2.AcknowledgeResponse()

    def _claimed(
        self, segment_id: bytes, read: PaperRead, claim: answers_pb2.Claim
    ) -> answers_pb2.ClaimResult:
        if claim.match_secret != self._shown(segment_id, read):
            return answers_pb2.ClaimResult(slot=claim.slot, code=GoneError.code, what="Gone.", remedy="None.")
        if self.manifests[segment_id].stage is Stage.OPEN:
            if read not in self.reads:
                return answers_pb2.ClaimResult(
                    slot=claim.slot, code=GoneError.code, what="Gone.", remedy="None."
                )
            read.claimed = True
            return answers_pb2.ClaimResult(slot=claim.slot, record=read.record.to_proto())
        if not read.kept and read in self.reads:
            self._keep(read)
        return answers_pb2.ClaimResult(slot=claim.slot, kept=True)

    def _keep(self, read: PaperRead) -> None:
        stays = [
            one
            for one in self.reads
            if one.kept and (one.y, one.epoch) == (read.y, read.epoch) and (one.claimed or not one.answered)
        ]
        if stays:
            self.reads.remove(read)
            return
        read.kept, read.waiting, read.offered, read.answered = True, set(), set(), set()
        for one in self.manifests:
            self._join(read, one)

    def _join(self, read: PaperRead, segment_id: bytes) -> None:
        manifest = self.manifests[segment_id]
        wanted = Stage.OPEN if read.kept else Stage.KEEP
        header = read.record.header
        latest = (header.capture_time_ms + header.time_granularity_ms) / 1000
        if (
            manifest.stage is wanted
            and manifest.epoch.epoch().index == read.epoch
            and latest > manifest.matches_from
            and not read.claimed
            and segment_id not in read.answered
        ):
            read.waiting.add(segment_id)

    def _shown(self, segment_id: bytes, read: PaperRead) -> bytes:
        if segment_id in self.manifests and self.manifests[segment_id].stage is Stage.OPEN:
            return read.match_secret
        return retention_token(read.match_secret, read.record.header.digest())


@dataclass
class ChargingScene:
    """Everything, and the open session of the emissions list's owner."""

    deployment: Deployment
    ledger: WitnessedLedger
    clock: Clock
    custodians: PaperCustodians
    matcher: PaperMatcher
    session: Session
    payloads: dict[bytes, records_pb2.Payload] = field(default_factory=dict[bytes, records_pb2.Payload])

    @contextmanager
    def started_again(self) -> Generator[None]:
        """The owner's next process: the one before was killed."""
        before = self.session
        with opened(settings_of(self.deployment), self.clock, self.ledger, self.custodians) as session:
            self.session = session
            yield
        self.session = before

    def put(self, plate: str, country: str = "GB", **details: Any) -> None:
        vehicle = listed_vehicle(plate, country, Details(**details))
        with self.session.store.writing() as connection:
            roster.add_vehicle(connection, vehicle, self.clock.moment, 1_000)

    def seal(
        self, plate: str, captured_at: float, country: str = "GB", *, alternate: bool = False
    ) -> PaperRead:
        """A read as a camera seals it, to be handed in now or later."""
        session = self.session
        domain = session.grant.domains()[0]
        epoch = CHARGING_DAY.at(captured_at)
        keys = [OpeningKey.from_seed(generate_seed()).sealing_key() for _ in range(2)]
        granularity = 1000 * session.grant.disclosure.time_granularity_seconds
        context = SealingContext(domain, epoch, keys[0], keys[1], granularity, discloses_camera=False)
        encoded = canonicalize(plate, country).encode()
        y, captured_ms = pseudonym(f_of(domain, encoded), epoch), int(captured_at * 1000)
        payload = records_pb2.Payload(
            plate=encoded,
            capture_time_ms=captured_ms,
            plate_patch=b"\xff\xd8patch",
            plate_patch_type="image/jpeg",
        )
        one = assemble(
            context, Read(payload, y, captured_ms, "camera-1", alternate), SealingRandomness.fresh()
        )
        self.payloads[one.record.header.record_id] = payload
        return PaperRead(one.record, y, one.match_secret, epoch.index)

    def publish(self) -> None:
        with self.session.store.publishing(wait=True):
            while publish.publish(self.session).waiting:
                pass

    def step(self) -> None:
        """What the daemon and the others do until nothing is left to be done now."""
        self.ledger.witness(self.clock.moment, self.clock.moment)
        self.publish()
        for _ in range(2):
            self.matcher.match()
            answers.acknowledge_stored(self.session, publish.kept_back(self.session))
            while answers.take_next(self.session, 0, publish.kept_back) is not None:
                pass
        for index in range(
            CHARGING_DAY.at(self.clock.moment).index - 8, CHARGING_DAY.at(self.clock.moment).index
        ):
            day = charging_day(self.session.grant, roster.london_day(self.session.epoch(index).start()))
            if day.may_be_opened(self.clock.moment):
                ask_for_day(self.session, day)
                reveal_approved(self.session, day)
        record_charges(self.session)


def settings_of(deployment: Deployment) -> OwnerSettings:
    settings = load(OwnerSettings, deployment.settings("owner-emissions"))
    access = settings.ledger.model_copy(update={"url": str(deployment.ledger)})
    return settings.model_copy(update={"ledger": access, "automatic_release": True})


@contextmanager
def make_charging_scene(
    folder: Path, monkeypatch: pytest.MonkeyPatch, begins: float
) -> Generator[ChargingScene]:
    """A deployment of one camera and zone, under charging terms since a minute before ``begins``."""
    deployment = create_deployment(folder, default_plan(int(begins) - 86_400, cameras=1))
    clock = Clock(begins - 60)
    ledger = WitnessedLedger(deployment)
    ledger.clock = clock
    ledger.witness(clock.moment, clock.moment)
    custodians, matcher = PaperCustodians(deployment), PaperMatcher(clock)
    history = ledger._state.grants["emissions-1"].latest
    amended = history.model_copy(
        update={
            "amendment": 1,
            "charging": ChargingTerms(payment_days=PAYMENT_DAYS),
            "window_seconds": WINDOW_SECONDS,
        }
    )
    signers = (signing_key(deployment, one) for one in ("operator", "custodian-a", "custodian-b"))
    ledger.enter(amended.statement(*signers))
    clock.moment = begins
    ledger.witness(begins, begins)

    def built(pseudonyms: Sequence[bytes], layout: Layout, parameters: ParameterSet) -> Upload:
        salt = sha512(b"".join(sorted(pseudonyms))).digest()[:16]
        matcher.contents[salt] = frozenset(pseudonyms)
        return Upload(layout, salt, (bytes(parameters.blob_bytes) for _ in range(layout.blobs)), b"secret")

    def ask(session: Session, request: Any, reply: Reply) -> Reply:
        with session.store.reading() as connection:
            header = find_hit(connection, request.hit_id).record.header
        if clock.moment < payment_closes(header.epoch, PAYMENT_DAYS):
            raise TooEarlyError("Payment has not closed.")
        return Reply(reply.custodian, Standing.APPROVED, sealed_share=b"share")

    def opened_answer(_secret: bytes, body: bytes) -> list[Opened]:
        return [Opened(slot, bytes.fromhex(shown)) for slot, shown in json.loads(body)]

    for module in (publish, upload):
        monkeypatch.setattr(module, "ListsStub", lambda _channel: matcher)
    monkeypatch.setattr(upload, "build_upload", built)
    monkeypatch.setattr(upload, "tested_set", load_set)
    monkeypatch.setattr(answers, "_stub", lambda _session: matcher)
    monkeypatch.setattr(answers, "open_answer", opened_answer)
    monkeypatch.setattr(release, "candidates_of", lambda _session, _sealed: b"")
    monkeypatch.setattr(release, "ask_custodian", ask)
    with opened(settings_of(deployment), clock, ledger, custodians) as session:
        scene = ChargingScene(deployment, ledger, clock, custodians, matcher, session)
        monkeypatch.setattr(
            reveal,
            "unseal",
            lambda _session, sealed, _request: scene.payloads[sealed.record.header.record_id],
        )
        yield scene
