"""An owner at work on paper: a real ledger as files, custodians and matcher as far as an owner can tell.

Nothing serves: entries are appended to files and cosigned by hand, custodians evaluate with keys made up here, the
matcher keeps what it is sent.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha512
from pathlib import Path
from typing import Any, cast

import pytest

from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.cli.deployment.witnessing import ORIGIN, witness_name
from blindplate.client.owner import publish, roster, upload
from blindplate.client.owner.entries import Details
from blindplate.client.owner.generations import Reach
from blindplate.client.owner.listfile import listed_vehicle
from blindplate.client.owner.session import Session, open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core import merkle
from blindplate.core.domains import Domain
from blindplate.core.ledger.bundles import decode_bundle, encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LogSigner
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.ledger.layout import (
    CHECKPOINT,
    TILE_WIDTH,
    bundles_between,
    document_path,
    entries_path,
    witnessed_path,
)
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.cameras import RegisterEntry
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import register_digest
from blindplate.core.statements.uploads import Manifest
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import load
from blindplate.psi.layout import Layout
from blindplate.psi.owner import Upload
from blindplate.psi.parameters import ParameterSet, load_set
from blindplate.v1 import lists_pb2 as v1

# Ten minutes into an hour.
NOW = 1_700_000_000 // 3600 * 3600 + 600
PLATES = ("AB12CDE", "KL63XYZ", "MN20PRS", "GH19JKL")


@dataclass
class Clock:
    """Stands still until it is moved."""

    moment: float = NOW

    def now(self) -> float:
        return self.moment


class PaperLedger:
    """The ledger of a deployment as the files it publishes; a bad entry is refused, as by a real one."""

    def __init__(self, deployment: Deployment) -> None:
        self.folder = deployment.ledger
        self._log = LogSigner.from_seed(ORIGIN, _seed(deployment, "ledger", "signing.key"))
        self._witnesses = {
            one: Cosigner.from_seed(witness_name(one), _seed(deployment, f"custodian-{one}", "witness.key"))
            for one in Custodian
        }
        trust = load(OwnerSettings, deployment.settings("owner-police")).trust
        self._state = LedgerState(trust.parties())
        self.entries: list[bytes] = []
        (bundle,) = (self.folder / "tile" / "entries").glob("*.p/*")
        for entry in decode_bundle(bundle.read_bytes()):
            named = self._state.document_named(entry)
            document = named and (self.folder / document_path(named)).read_bytes()
            applied = self._state.apply(len(self.entries), entry, NOW, document or None)
            assert applied.error is None
            self.entries.append(entry)

    def append(self, statements: list[Statement]) -> list[Any]:
        """What ``LedgerClient.append`` does, without a receipt's proof."""
        return [cast("Any", Receipt(self.enter(statement))) for statement in statements]

    def enter(self, statement: Statement, document: Statement | None = None) -> int:
        entry = entry_bytes(statement)
        if entry in self.entries:
            return self.entries.index(entry)
        named = None if document is None else entry_bytes(document)
        self._state.check(entry, named)
        index = len(self.entries)
        self._state.apply(index, entry, NOW, named)
        if named is not None and document is not None:
            (self.folder / document_path(register_digest(document.payload))).write_bytes(named)
        self.entries.append(entry)
        for bundle in bundles_between(index, len(self.entries)):
            start = bundle.index * TILE_WIDTH
            file = self.folder / entries_path(bundle.index, bundle.width)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_bundle(self.entries[start : start + bundle.width]))
        return index

    def witness(self, a: float | None, b: float | None = None) -> None:
        """Publish a checkpoint of all entries, cosigned by A and B at these moments; by A alone where B's is None."""
        checkpoint = Checkpoint(ORIGIN, len(self.entries), merkle.root(self.entries))
        note = self._log.sign(checkpoint, NOW)
        for custodian, moment in ((Custodian.A, a), (Custodian.B, b)):
            if moment is not None:
                note = note.with_signatures(self._witnesses[custodian].cosign(checkpoint, int(moment)))
        (self.folder / CHECKPOINT).write_bytes(note.to_bytes())
        for index in range(len(self.entries) if b is not None and a is not None else 0):
            record = self.folder / witnessed_path(index)
            if not record.exists():
                record.parent.mkdir(parents=True, exist_ok=True)
                record.write_bytes(note.to_bytes())

    def close(self) -> None:
        pass


@dataclass
class Receipt:
    index: int


class PaperCustodians:
    """Evaluates at once, with F that is a hash of domain and plate."""

    def __init__(self, deployment: Deployment) -> None:
        self.asked: list[tuple[Domain, int]] = []
        self.seeds = [_seed(deployment, f"custodian-{one}", "pseudonyms.seed") for one in Custodian]

    def evaluation_keys(self, domain: Domain) -> tuple[bytes, bytes]:
        public_a, public_b = (DomainKey.derive(seed, domain).public for seed in self.seeds)
        return public_a, public_b

    def evaluate(self, domain: Domain, plates: list[bytes], _a: bytes, _b: bytes) -> list[bytes]:
        self.asked.append((domain, len(plates)))
        return [f_of(domain, plate) for plate in plates]


@dataclass
class PaperMatcher:
    """Keeps manifests and checkpoints of uploads, and has every segment it was sent."""

    manifests: list[Manifest] = field(default_factory=list)
    checkpoints: list[bytes] = field(default_factory=list)
    held: list[v1.Segment] = field(default_factory=list)

    def Segments(self, request: v1.SegmentsRequest, timeout: float) -> v1.SegmentsResponse:  # noqa: N802
        return v1.SegmentsResponse(segments=self.held)

    def Upload(self, parts: Iterator[v1.UploadPart], timeout: float) -> v1.UploadResponse:  # noqa: N802
        kinds = list(parts)
        assert [one.WhichOneof("part") for one in kinds[:3]] == ["manifest", "checkpoint", "ciphertext"]
        statement = Statement.from_proto(kinds[0].manifest)
        self.manifests.append(Manifest.parsed(statement.payload))
        self.checkpoints.append(kinds[1].checkpoint)
        self.held.append(v1.Segment(segment_id=statement.statement_id))
        return v1.UploadResponse(segment_id=statement.statement_id, stored=True)


@dataclass
class Scene:
    """Everything, and the open session of the police list's owner."""

    deployment: Deployment
    ledger: PaperLedger
    clock: Clock
    custodians: PaperCustodians
    matcher: PaperMatcher
    session: Session

    def settings(self, **changes: object) -> OwnerSettings:
        return settings_of(self.deployment, **changes)

    @contextmanager
    def another_session(self, **changes: object) -> Generator[Session]:
        """A further process of the owner, or the owner started again."""
        with opened(self.settings(**changes), self.clock, self.ledger, self.custodians) as session:
            yield session

    def put(self, *plates: str, **details: Any) -> int:
        """List vehicles by one change; gives the version."""
        listed = [listed_vehicle(plate, "GB", Details(**details)) for plate in plates]
        with self.session.store.writing() as connection:
            if len(listed) == 1:
                roster.add_vehicle(connection, listed[0], self.clock.moment, 1_000)
            else:
                changing = roster.Changing()
                for vehicle in listed:
                    changing.list_one(connection, vehicle.plate.encode(), vehicle.details, self.clock.moment)
                changing.write(connection, self.clock.moment)
            return roster.latest_version(connection)

    def take_off(self, plate: str) -> int:
        vehicle = listed_vehicle(plate, "GB", Details())
        with self.session.store.writing() as connection:
            roster.remove_vehicle(connection, vehicle.plate, self.clock.moment)
            return roster.latest_version(connection)

    def publish(self) -> publish.Published:
        with self.session.store.publishing(wait=True):
            return publish.publish(self.session)

    def witness(self) -> None:
        """Both custodians cosign now."""
        self.ledger.witness(self.clock.moment, self.clock.moment)

    def in_force(self, *plates: str) -> int:
        """List vehicles, if any, commit, witness, upload; ten seconds pass. Gives the version."""
        version = self.put(*plates) if plates else 0
        self.publish()
        self.witness()
        self.publish()
        self.clock.moment += 10
        return version

    def amend(self, **changes: object) -> Grant:
        """Enter an amendment of the grant; in force a second after it is witnessed."""
        before = self.session.history.latest
        after = before.model_copy(update={"amendment": before.amendment + 1, **changes})
        self.ledger.enter(self.sign(after))
        return after

    def renew(self, begins: int) -> None:
        """Enter another key generation of the zone, with the same cameras, and an amendment that brings it; witnessed now."""
        (zone,) = self.session.history.latest.zones
        before = self.session.ledger.state.registers[zone.register_digest]
        register = before.model_copy(update={"generation": zone.generation + 1})
        operator = signing_key(self.deployment, "operator")
        document = register.statement(operator)
        digest = register_digest(document.payload)
        entry = RegisterEntry(
            zone=register.zone,
            generation=register.generation,
            cameras=len(register.cameras),
            register_digest=digest,
            made_at=begins,
        )
        self.ledger.enter(entry.statement(operator), document)
        named = zone.model_copy(update={"generation": register.generation, "register_digest": digest})
        self.amend(zones=(named,), not_before=begins)
        self.witness()
        self.session.ledger.refresh()

    def reach(self) -> Reach:
        """What reads of the running epoch can be of."""
        return self.session.reach(self.session.rule.at(self.clock.moment))

    def sign(self, grant: Grant) -> Statement:
        signers = ("operator", "custodian-a", "custodian-b")
        return grant.statement(*(signing_key(self.deployment, party) for party in signers))


def f_of(domain: Domain, plate: bytes) -> bytes:
    return sha512(domain.encode() + plate).digest()


def signing_key(deployment: Deployment, party: str) -> SigningKey:
    return SigningKey.from_seed(_seed(deployment, party, "signing.key"))


def settings_of(deployment: Deployment, **changes: object) -> OwnerSettings:
    settings = load(OwnerSettings, deployment.settings("owner-police"))
    access = settings.ledger.model_copy(update={"url": str(deployment.ledger)})
    return settings.model_copy(update={"ledger": access, "poll_seconds": 0.01, **changes})


@contextmanager
def opened(
    settings: OwnerSettings, clock: Clock, ledger: PaperLedger, custodians: PaperCustodians
) -> Generator[Session]:
    with open_session(settings, clock) as session:
        session.ledger._client.close()
        session.ledger._client = cast("Any", ledger)
        yield replace(session, custodians=cast("Any", custodians))


def built(pseudonyms: Sequence[bytes], layout: Layout, parameters: ParameterSet) -> Upload:
    """What ``build_upload`` gives, of the right form, without encrypting anything: a second faster."""
    salt = sha512(b"".join(pseudonyms)).digest()[:16]
    blobs = (bytes(parameters.blob_bytes) for _ in range(layout.blobs))
    return Upload(layout, salt, blobs, b"secret")


@contextmanager
def make_scene(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Scene]:
    """A deployment of one camera and zone whose grants both custodians witnessed a minute ago."""
    deployment = create_deployment(folder, default_plan(NOW - 3600, cameras=1))
    ledger, clock, custodians, matcher = (
        PaperLedger(deployment),
        Clock(NOW - 60),
        PaperCustodians(deployment),
        PaperMatcher(),
    )
    ledger.witness(clock.moment, clock.moment)
    for module in (publish, upload):
        monkeypatch.setattr(module, "ListsStub", lambda _channel: matcher)
    monkeypatch.setattr(upload, "build_upload", built)
    monkeypatch.setattr(upload, "tested_set", load_set)
    with opened(settings_of(deployment), clock, ledger, custodians) as session:
        clock.moment = NOW
        ledger.witness(NOW, NOW)
        yield Scene(deployment, ledger, clock, custodians, matcher, session)


def _seed(deployment: Deployment, party: str, name: str) -> bytes:
    return read_secret(deployment.home(party) / name, 32)
