"""A matcher served over real mutual TLS, and a camera and an owner who do by hand what their programs would do.

The ledger is the real one, in this process; both custodians as its witnesses are played.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest

from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import NotFoundError
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import WindowKey, current
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest
from blindplate.edge.keyfiles import read_statement
from blindplate.edge.ledger.source import open_source
from blindplate.edge.settings import load
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.psi.layout import plan
from blindplate.psi.owner import build_upload
from blindplate.psi.parameters import load_set
from blindplate.server.matcher import records_store
from blindplate.server.matcher.evaluator import Evaluator, LocalEvaluator
from blindplate.server.matcher.service import Matcher, open_matcher
from blindplate.server.matcher.settings import MatcherSettings
from blindplate.server.serving import build_server
from blindplate.v1 import (
    answers_pb2,
    answers_pb2_grpc,
    intake_pb2,
    intake_pb2_grpc,
    lists_pb2,
    lists_pb2_grpc,
    records_pb2,
)
from tests.integration.conftest import small_plan
from tests.integration.ledger_site import PlayedWitnesses, RunningLedger, party_key, party_tls, until


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time


@dataclass
class Served:
    """A matcher that serves; its threads run only when a test starts them."""

    matcher: Matcher
    server: grpc.Server
    port: int

    def stop(self) -> None:
        self.server.stop(0).wait()
        self.matcher.close()


def serve(
    settings: MatcherSettings, clock: SetClock, evaluator: Evaluator | None = None, **changes: Any
) -> Served:
    changed = settings.model_copy(update={"listen": "127.0.0.1:0", "min_free_bytes": 0, **changes})
    matcher = open_matcher(changed, evaluator or LocalEvaluator(1 << 30), clock)
    server, port = build_server(changed.listen, changed.tls, matcher.services)
    server.start()
    return Served(matcher, server, port)


@dataclass
class Party:
    """A client's folder, and the channel it opened."""

    deployment: Deployment
    name: str
    channel: grpc.Channel | None = None

    @property
    def signing_key(self) -> SigningKey:
        return party_key(self.deployment, self.name)

    def connect(self, port: int) -> grpc.Channel:
        self.close()
        self.channel = open_channel(f"127.0.0.1:{port}", "matcher", party_tls(self.deployment, self.name))
        return self.channel

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None


@dataclass
class SealedRead:
    """What the camera knows of one read it has sealed."""

    wire: records_pb2.Wire
    y: bytes
    s: bytes
    record_id: bytes


@dataclass
class Camera(Party):
    """Seals reads without custodians: the pseudonym is handed in, the release keys are its own."""

    release: tuple[SealingKey, SealingKey] = field(
        default_factory=lambda: (
            OpeningKey.from_seed(generate_seed()).sealing_key(),
            OpeningKey.from_seed(generate_seed()).sealing_key(),
        )
    )

    def window_key(self, port: int, moment: float) -> SealingKey:
        stub = intake_pb2_grpc.IntakeStub(self.connect(port))
        with remote_errors("matcher"):
            response = stub.WindowKeys(intake_pb2.WindowKeysRequest())
        public = party_key(self.deployment, "matcher").public
        keys = [WindowKey.verified(Statement.from_proto(one), [public]) for one in response.statements]
        return SealingKey.from_public(current(keys, moment).public)

    def seal(
        self,
        window: SealingKey,
        grant: Grant,
        zone: str,
        moment: float,
        pseudonyms: Sequence[bytes],
        *,
        alternate: bool = False,
    ) -> list[SealedRead]:
        domain = next(domain for domain in grant.domains() if domain.zone == zone)
        context = SealingContext(
            domain,
            grant.epoch.rule().at(moment),
            *self.release,
            1000 * grant.disclosure.time_granularity_seconds,
            discloses_camera=not grant.disclosure.camera_withheld,
        )
        now_ms = int(moment * 1000)
        sealed = [
            seal(
                context,
                Read(
                    records_pb2.Payload(plate=b"x", capture_time_ms=now_ms), y, now_ms, self.name, alternate
                ),
            )
            for y in pseudonyms
        ]
        attested = attest(context, [one.record for one in sealed], self.signing_key)
        return [
            SealedRead(
                to_wire(record, one.pseudonym, one.match_secret, window).to_proto(),
                one.pseudonym,
                one.match_secret,
                record.header.record_id,
            )
            for one, record in zip(sealed, attested, strict=True)
        ]

    def submit(self, port: int, wires: Sequence[records_pb2.Wire]) -> list[intake_pb2.Receipt]:
        stub = intake_pb2_grpc.IntakeStub(self.channel or self.connect(port))
        with remote_errors("matcher"):
            return list(stub.Submit(intake_pb2.SubmitRequest(wires=wires)).receipts)


@dataclass
class Segment:
    """An upload ready to be sent, and the secret that opens its answers."""

    statement: Statement
    blobs: list[bytes]
    secret: bytes


@dataclass
class Owner(Party):
    """Builds, uploads, opens, claims. ``checkpoint`` goes with its uploads."""

    checkpoint: bytes = b""

    def build(
        self, grant: Grant, epoch: Epoch, pseudonyms: Sequence[bytes], *, now: float, **changes: Any
    ) -> Segment:
        parameters = load_set(grant.parameter_set)
        layout = plan(grant.list_size, parameters)
        upload = build_upload(pseudonyms, layout, parameters)
        blobs = list(upload.body)
        manifest = Manifest(
            **{
                "grant_id": grant.grant_id,
                "list_id": grant.list_id,
                "list_version": 1,
                "epoch": EpochPart.of(epoch),
                "number": 0,
                "parameter_set": parameters.name,
                "parameter_digest": parameters.digest,
                "bins": layout.bins,
                "degree": layout.degree,
                "salt": upload.salt,
                "ciphertexts": len(blobs),
                "blobs_sha256": sha256(b"".join(blobs)).digest(),
                "matches_from": int(epoch.start()),
                "made_at": int(now),
                **changes,
            }
        )
        return Segment(manifest.statement(self.signing_key), blobs, upload.secret)

    def upload(self, port: int, segment: Segment) -> lists_pb2.UploadResponse:
        return self.send(port, segment.statement, segment.blobs)

    def send(self, port: int, statement: Statement, blobs: Sequence[bytes]) -> lists_pb2.UploadResponse:
        parts = [
            lists_pb2.UploadPart(manifest=statement.to_proto()),
            lists_pb2.UploadPart(checkpoint=self.checkpoint),
            *(lists_pb2.UploadPart(ciphertext=blob) for blob in blobs),
        ]
        stub = lists_pb2_grpc.ListsStub(self.channel or self.connect(port))
        with remote_errors("matcher"):
            return stub.Upload(iter(parts))

    def segments(self, port: int, list_id: str) -> list[lists_pb2.Segment]:
        stub = lists_pb2_grpc.ListsStub(self.channel or self.connect(port))
        with remote_errors("matcher"):
            return list(stub.Segments(lists_pb2.SegmentsRequest(list_id=list_id)).segments)

    def next(self, port: int, list_id: str, after: int, wait_ms: int = 0) -> answers_pb2.NextResponse:
        stub = answers_pb2_grpc.AnswersStub(self.channel or self.connect(port))
        with remote_errors("matcher"):
            return stub.Next(answers_pb2.NextRequest(list_id=list_id, after=after, wait_ms=wait_ms))

    def claim(
        self, port: int, list_id: str, sequence: int, claims: Sequence[tuple[int, bytes]]
    ) -> list[answers_pb2.ClaimResult]:
        stub = answers_pb2_grpc.AnswersStub(self.channel or self.connect(port))
        with remote_errors("matcher"):
            request = answers_pb2.ClaimRequest(
                list_id=list_id,
                sequence=sequence,
                claims=[answers_pb2.Claim(slot=slot, match_secret=s) for slot, s in claims],
            )
            return list(stub.Claim(request).results)

    def acknowledge(self, port: int, list_id: str, sequence: int) -> None:
        stub = answers_pb2_grpc.AnswersStub(self.channel or self.connect(port))
        with remote_errors("matcher"):
            stub.Acknowledge(answers_pb2.AcknowledgeRequest(list_id=list_id, sequence=sequence))


@dataclass
class World:
    """One deployment, one clock, one ledger, one matcher, and its clients."""

    deployment: Deployment
    settings: MatcherSettings
    clock: SetClock
    ledger: RunningLedger
    served: Served
    police: Grant
    emissions: Grant
    camera: Camera
    owner: Owner

    @property
    def port(self) -> int:
        return self.served.port

    def held(self) -> int:
        """How many records the matcher holds."""
        with self.served.matcher.database.read() as connection:
            return records_store.held(connection)

    @property
    def data(self) -> Path:
        return self.settings.data

    def restart(self, **changes: Any) -> None:
        """Close everything and open it again over the same folder."""
        self.served.stop()
        self.served = serve(self.settings, self.clock, **changes)
        for party in (self.camera, self.owner):
            party.close()

    def reads(
        self,
        pseudonyms: Sequence[bytes],
        *,
        moment: float | None = None,
        grant: Grant | None = None,
        alternate: bool = False,
    ) -> list[SealedRead]:
        at = self.clock.now() if moment is None else moment
        window = self.camera.window_key(self.port, at)
        return self.camera.seal(window, grant or self.police, "inner", at, pseudonyms, alternate=alternate)

    def tick(self) -> int:
        """One second later, one tick, and its answers' batches entered; how many answers there were."""
        self.clock.time += 1.0
        stored = self.served.matcher.ticker.tick()
        self.served.matcher.clerk.step()
        return stored

    def enter(self, *statements: Statement, by: str) -> bytes:
        """Enter statements and wait until the matcher has read them; the checkpoint that covers them."""
        index = self.ledger.enter(*statements, by=by)
        checkpoint = witnessed(self.ledger, index)
        self.served.matcher.ledger.refresh()
        return checkpoint

    def epoch(self, offset: int = 0) -> Epoch:
        now = self.police.epoch.rule().at(self.clock.now())
        return replace(now, index=now.index + offset)


def pseudonym() -> bytes:
    return secrets.token_bytes(32)


def domain_of(grant: Grant, zone: str) -> Domain:
    return next(domain for domain in grant.domains() if domain.zone == zone)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The small deployment, made once: every test works on a copy."""
    return create_deployment(tmp_path_factory.mktemp("template") / "deployment", small_plan())


@pytest.fixture
def deployment(template: Deployment, tmp_path: Path) -> Deployment:
    """A copy of the small deployment."""
    copy = replace(template, folder=tmp_path / "deployment")
    shutil.copytree(template.folder, copy.folder)
    return copy


def witnessed(ledger: RunningLedger, index: int) -> bytes:
    """Wait until both custodians have cosigned entry ``index``; the checkpoint."""
    access = ledger.access()
    found: list[bytes] = []

    def covered() -> bool:
        with suppress(NotFoundError), closing(open_source(access.url)) as source:
            found.append(source.get(CHECKPOINT))
        signed = verify_checkpoint(found[-1], access.keys.keys()) if found else None
        return signed is not None and signed.checkpoint.size > index and len(signed.witnessed) == 2

    until(covered)
    return found[-1]


def commitment(grant: Grant, number: int, moment: float) -> ListVersion:
    """A list version of a grant, each of one entry that takes the place of the one before."""
    return ListVersion(
        grant_id=grant.grant_id,
        list_id=grant.list_id,
        list_version=number,
        entries=1,
        leaves=1,
        added=1,
        removed=int(number > 1),
        root=bytes(32),
        made_at=int(moment),
    )


@contextmanager
def open_world(deployment: Deployment) -> Generator[World]:
    """Everything running, the grants in force and three versions of the police's list witnessed long ago."""
    # The middle of an hour, so that no test meets an epoch's end by chance.
    now = time.time() // 3600 * 3600 + 1800
    clock = SetClock(now - 7200)
    police, emissions = (
        Grant.parsed(read_statement(deployment.public / "grants" / f"{name}.json").payload)
        for name in ("police", "emissions")
    )
    owner = Owner(deployment, "owner-police")
    witnesses, ledger = PlayedWitnesses(deployment, clock), RunningLedger(deployment, clock)
    try:
        witnesses.start()
        ledger.start()
        # Before that, it takes nothing.
        witnessed(ledger, 0)
        versions = [
            commitment(police, number, clock.now()).statement(owner.signing_key) for number in (1, 2, 3)
        ]
        owner.checkpoint = witnessed(ledger, ledger.enter(*versions, by=owner.name))
        clock.time = now
        settings = load(MatcherSettings, deployment.settings("matcher"))
        settings = settings.model_copy(update={"window_keys_ahead": 2})
        served, camera = serve(settings, clock), Camera(deployment, "camera-1")
        world = World(deployment, settings, clock, ledger, served, police, emissions, camera, owner)
        yield world
        for party in (camera, owner):
            party.close()
        world.served.stop()
    finally:
        witnesses.stop()
        ledger.stop()


@pytest.fixture
def world(deployment: Deployment) -> Iterator[World]:
    with open_world(deployment) as opened:
        yield opened
