"""One custodian's desk without a server: its docket over a real database, real keys and a ledger of real entries."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, update

from blindplate.core.domains import Domain
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.sealing import Read, Sealed, SealingContext, attest, seal
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import ReleaseKey
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import DecisionEntry, request_entry
from blindplate.core.statements.releases import Approval, Decision, ReleaseRequest, Verdict
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian.decisions import DecisionRecord
from blindplate.server.custodian.docket import Docket, Standing
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.storage import reading, writing
from blindplate.server.custodian.stored import from_stored_form
from blindplate.server.custodian.subject_keys import SubjectKeys
from blindplate.server.custodian.subject_tags import SubjectTags
from blindplate.server.custodian.submissions import Submissions
from blindplate.server.custodian.tables import OUTBOX
from blindplate.server.custodian.voting import Voting
from blindplate.server.limits import RateLimiter
from blindplate.v1 import records_pb2, release_pb2

from .books import Book, Committed, output
from .statements import OWNER, Signatories, grant

# In the middle of an hour; and a day before.
NOW = 1_790_253_000
BEGAN = NOW - 86_400
DOMAIN = Domain("police", "inner", 1)
LISTED, STRANGER, LATER = b"plate one", b"plate two", b"plate three"


@dataclass
class SetClock:
    """A clock that stands where it is put."""

    moment: float = float(NOW)

    def now(self) -> float:
        return self.moment


@dataclass
class Desk:
    """Custodian A's desk, or B's. The list's version 1 holds LISTED; it is in force since yesterday."""

    folder: Path
    engine: Engine
    custodian: Custodian = Custodian.A
    terms: dict[str, Any] = field(default_factory=dict)
    clock: SetClock = field(default_factory=SetClock)
    officers: dict[str, SigningKey] = field(
        default_factory=lambda: {name: SigningKey.generate() for name in ("anna", "ben")}
    )
    reply_key: OpeningKey = field(default_factory=lambda: OpeningKey.from_seed(generate_seed()))

    def __post_init__(self) -> None:
        self.who = Signatories()
        self.book = Book(self.who)
        self.camera, self.stranger = SigningKey.generate(), SigningKey.generate()
        self.signer = self.who.custodian_a if self.custodian is Custodian.A else self.who.custodian_b
        self.book.enter_register(self.register(), BEGAN)
        self.grant = self.amended()
        self.book.enter_grant(self.grant, BEGAN)
        self.version = Committed(1, DOMAIN, (LISTED, b"another", b"a third"))
        self.book.commit(self.grant, self.version, BEGAN)
        self.keys = ReleaseKeys(self.folder / "release-keys", self.custodian, self.signer, 86_400)
        self.keys.maintain(NOW, 7_200)
        self.subjects = None
        if self.custodian is Custodian.B:
            self.subjects = SubjectTags(SubjectKeys(self.folder / "subject-keys", 365))
        self.docket = Docket(
            self.custodian,
            {name: key.public for name, key in self.officers.items()},
            self.keys,
            DecisionRecord(self.custodian, self.signer),
            self.book,
            self.subjects,
            self.engine,
            self.clock,
        )
        self.submissions = Submissions(self.docket, self.permissions, RateLimiter(self.clock))
        self.voting = Voting(self.docket, self.permissions)

    def permissions(self) -> Permissions:
        return Permissions(self.custodian, self.book.state, {})

    def register(self) -> ZoneRegister:
        return ZoneRegister(
            zone="inner",
            generation=1,
            cameras=(
                RegisteredCamera(
                    camera_id="camera-1",
                    identity=spiffe_id("camera", "camera-1"),
                    signing_key=self.camera.public,
                    latitude=51.5,
                    longitude=-0.1,
                ),
            ),
        )

    def amended(self, **changed: Any) -> Grant:
        """The desk's grant, or an amendment of it."""
        times = {"not_before": BEGAN, "not_after": NOW + 30 * 86_400, "notice_seconds": 60}
        fields = {"owner_key": self.book.owner.public, **times, **self.terms, **changed}
        return grant(self.register(), self.who.operator, **fields)

    def sealed(
        self,
        plate: bytes = LISTED,
        *,
        captured: float = NOW - 60,
        alternate: bool = False,
        signer: SigningKey | None = None,
        **context: Any,
    ) -> Sealed:
        """A record as a camera makes it."""
        mine = SealingKey.from_public(
            ReleaseKey.parsed(self.keys.announcements(self.clock.now())[0].payload).public
        )
        foreign = OpeningKey.from_seed(generate_seed()).sealing_key()
        epoch = self.grant.epoch.rule().at(captured)
        disclosure = self.grant.disclosure
        fields: dict[str, Any] = {
            "domain": DOMAIN,
            "epoch": epoch,
            "custodian_a": mine if self.custodian is Custodian.A else foreign,
            "custodian_b": mine if self.custodian is Custodian.B else foreign,
            "time_granularity_ms": disclosure.time_granularity_seconds * 1000,
            "discloses_camera": not disclosure.camera_withheld,
        }
        made = SealingContext(**(fields | context))
        captured_ms = int(captured * 1000)
        read = Read(
            payload=records_pb2.Payload(plate=plate, capture_time_ms=captured_ms),
            pseudonym=pseudonym(output(made.domain, plate), made.epoch),
            capture_time_ms=captured_ms,
            camera_id="camera-1",
            alternate=alternate,
        )
        sealed = seal(made, read)
        (record,) = attest(made, [sealed.record], signer or self.camera)
        return Sealed(record, sealed.pseudonym, sealed.match_secret)

    def candidates(self, *versions: release_pb2.VersionCandidates) -> bytes:
        chosen = versions or (self.version.candidates(),)
        return release_pb2.Candidates(versions=chosen).SerializeToString()

    def request(self, sealed: Sealed, candidates: bytes | None = None, **changed: Any) -> ReleaseRequest:
        """The owner's request; keyword arguments change its fields."""
        sent = self.candidates() if candidates is None else candidates
        now = int(self.clock.now())
        fields: dict[str, Any] = {
            "grant_id": self.grant.grant_id,
            "requester": OWNER,
            "record": sealed.record.without_ciphertext().to_bytes(),
            "ciphertext_digest": sealed.record.ciphertext_digest,
            "match_proof": match_proof(sealed.match_secret, sealed.record.header.digest()),
            "purpose": Purpose.MURDER,
            "lawful_basis": self.grant.lawful_basis,
            "case_reference": "case 1",
            "case_salt": os.urandom(16),
            "candidates_digest": candidates_digest(sent),
            "reply_key": self.reply_key.public,
            "nonce": os.urandom(16),
            "made_at": now,
            "expires_at": now + 3600,
        }
        return ReleaseRequest(**(fields | changed))

    def signed(self, request: ReleaseRequest) -> Statement:
        return request.statement(self.book.owner)

    def enter(self, sealed: Sealed, statement: Statement, **changed: Any) -> None:
        """Have a request's entry witnessed; keyword arguments change what it says."""
        request = ReleaseRequest.parsed(statement.payload)
        entry = request_entry(statement.statement_id, request, sealed.record.header)
        entry = entry.model_copy(update=changed)
        index = self.book.enter(entry, self.book.owner, at=int(self.clock.now()))
        self.book.requests[statement.statement_id] = (index, int(self.clock.now()), entry)

    def ask(self, sealed: Sealed, candidates: bytes | None = None, **changed: Any) -> Standing:
        """Request, enter, submit."""
        sent = self.candidates() if candidates is None else candidates
        statement = self.signed(self.request(sealed, sent, **changed))
        self.enter(sealed, statement)
        return self.submit(statement, sent)

    def submit(self, statement: Statement, candidates: bytes | None = None) -> Standing:
        sent = self.candidates() if candidates is None else candidates
        return self.submissions.submit(statement, sent, OWNER)

    def say(self, officer: str, request_id: bytes, verdict: Verdict = Verdict.APPROVED) -> Standing:
        word = Approval(
            custodian=self.custodian,
            request_id=request_id,
            officer=officer,
            verdict=Verdict.APPROVED if verdict is Verdict.APPROVED else Verdict.DENIED,
            reason="Seen.",
            made_at=int(self.clock.now()),
        )
        return self.voting.decide(word.statement(self.officers[officer]), officer)

    def receipts(self) -> None:
        """The ledger took everything that waited."""
        with writing(self.engine) as connection:
            connection.execute(update(OUTBOX).values(ledger_index=1_000 + OUTBOX.c.number))

    def decision(self, standing: Standing) -> Decision:
        assert standing.decision is not None
        return Decision.verified(standing.decision, [self.signer.public])

    def entries(self) -> list[DecisionEntry]:
        """The decisions that are on their way into the ledger."""
        with reading(self.engine) as connection:
            stored = connection.execute(select(OUTBOX.c.statement).order_by(OUTBOX.c.number)).scalars()
            statements = [from_stored_form(one) for one in stored]
        return [DecisionEntry.verified(one, [self.signer.public]) for one in statements]

    def outcome(self, standing: Standing) -> str:
        """How a request was decided."""
        return self.decision(standing).code
