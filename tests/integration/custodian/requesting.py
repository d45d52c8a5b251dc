"""What an owner and a camera do around a release, small enough to be varied by each test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from blindplate.client.officer import OfficerSettings
from blindplate.core.domains import Domain
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.reply import Reply, open_reply
from blindplate.core.records.sealing import Read, Sealed, SealingContext, attest, seal
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import request_entry
from blindplate.core.statements.releases import Decision, ReleaseRequest
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import load
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import spiffe_id
from blindplate.v1 import records_pb2
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ReleaseStub
from tests.integration.ledger_site import party_key, until

from .conftest import Custodians
from .listing import CommittedList, output_of

PLATE = b"GB|current|AB12CDE"
LISTED = (PLATE, b"GB|current|AB12CDF", b"GB|current|AB12CDG")


@dataclass
class Case:
    """One list of a running deployment, its owner, and what is needed to seal and ask.

    When it is made, the owner has committed to a list of ``listed`` that is in force since.
    """

    custodians: Custodians
    list_id: str
    zone: str = "inner"
    camera: str = "camera-1"
    listed: Sequence[bytes] = LISTED
    reply_seed: bytes = field(default_factory=generate_seed)

    def __post_init__(self) -> None:
        if not self.custodians.running[Custodian.A].replica.state.list_versions.get(self.grant.grant_id):
            self.commit(1, self.listed)

    @property
    def owner(self) -> str:
        return f"owner-{self.list_id}"

    @property
    def grant(self) -> Grant:
        return self.custodians.grant(f"{self.list_id}-1")

    @property
    def domain(self) -> Domain:
        return Domain(self.list_id, self.zone, 1)

    def output(self, plate: bytes = PLATE, domain: Domain | None = None) -> bytes:
        """F_D of a plate, as both custodians together would evaluate it."""
        home = self.custodians.deployment.home
        seed_a, seed_b = (read_secret(home(f"custodian-{one}") / "pseudonyms.seed") for one in Custodian)
        return output_of(seed_a, seed_b, domain or self.domain, plate)

    def committed(self, plates: Sequence[bytes] | None = None) -> CommittedList:
        """A list in all of the grant's zones; the one this case began with if none is given."""
        chosen = self.listed if plates is None else plates
        return CommittedList(chosen, self.grant.domains(), lambda domain, plate: self.output(plate, domain))

    def commit(self, number: int, plates: Sequence[bytes], before: int = 0) -> None:
        """Commit to a version in place of one of ``before`` vehicles, and let the second pass before it is in force."""
        made = self.committed(plates)
        version = ListVersion(
            grant_id=self.grant.grant_id,
            list_id=self.list_id,
            list_version=number,
            entries=len(plates),
            leaves=len(made.leaves),
            added=len(plates),
            removed=before,
            root=made.root,
            made_at=int(self.custodians.clock.now()),
        )
        statement = version.statement(party_key(self.custodians.deployment, self.owner))
        self.custodians.enter(statement, by=self.owner)
        self.custodians.clock.offset += 2

    def candidates(self, number: int = 1, plates: Sequence[bytes] | None = None) -> bytes:
        """Every entry of a version in this case's zone, opened and proved."""
        version = self.committed(plates).candidates(number, self.domain)
        return v1.Candidates(versions=[version]).SerializeToString()

    def sealed(
        self,
        *,
        captured: float | None = None,
        alternate: bool = False,
        signer: str | None = None,
        plate: bytes = PLATE,
        **context: Any,
    ) -> Sealed:
        """A record as a camera makes it, one of a batch of three; keyword arguments change its context."""
        moment = self.custodians.clock.now() if captured is None else captured
        key_a, key_b = self.custodians.pair(self.owner).release_keys(self.custodians.clock.now())
        epoch = self.grant.epoch.rule().at(moment)
        disclosure = self.grant.disclosure
        settings: dict[str, Any] = {
            "domain": self.domain,
            "epoch": epoch,
            "custodian_a": SealingKey.from_public(key_a.public),
            "custodian_b": SealingKey.from_public(key_b.public),
            "time_granularity_ms": disclosure.time_granularity_seconds * 1000,
            "discloses_camera": not disclosure.camera_withheld,
        }
        made = SealingContext(**(settings | context))
        captured_ms = int(moment * 1000)
        read = Read(
            payload=records_pb2.Payload(plate=plate, capture_time_ms=captured_ms),
            pseudonym=pseudonym(self.output(plate), made.epoch),
            capture_time_ms=captured_ms,
            camera_id=self.camera,
            alternate=alternate,
        )
        batch = [seal(made, read) for _ in range(3)]
        signed_by = party_key(self.custodians.deployment, signer or self.camera)
        records = attest(made, [one.record for one in batch], signed_by)
        return Sealed(records[1], batch[1].pseudonym, batch[1].match_secret)

    def request(self, sealed: Sealed, candidates: bytes | None = None, **changed: Any) -> ReleaseRequest:
        """The owner's request for a record; keyword arguments change its fields."""
        record, now = sealed.record, int(self.custodians.clock.now())
        purpose = Purpose.UNPAID_CHARGE if self.list_id == "emissions" else Purpose.MURDER
        fields: dict[str, Any] = {
            "grant_id": self.grant.grant_id,
            "requester": spiffe_id("owner", self.owner),
            "record": record.without_ciphertext().to_bytes(),
            "ciphertext_digest": record.ciphertext_digest,
            "match_proof": match_proof(sealed.match_secret, record.header.digest()),
            "purpose": purpose,
            "lawful_basis": self.grant.lawful_basis,
            "case_reference": "case 1",
            "case_salt": os.urandom(16),
            "candidates_digest": candidates_digest(self.candidates() if candidates is None else candidates),
            "reply_key": OpeningKey.from_seed(self.reply_seed).public,
            "nonce": os.urandom(16),
            "made_at": now,
            "expires_at": now + 3600,
        }
        return ReleaseRequest(**(fields | changed))

    def signed(self, request: ReleaseRequest) -> Statement:
        return request.statement(party_key(self.custodians.deployment, self.owner))

    def enter(self, *statements: Statement) -> None:
        """Enter the requests in the ledger, and wait until both custodians have witnessed them."""
        self.custodians.enter(*(self._entry(statement) for statement in statements), by=self.owner)

    def asked(self, sealed: Sealed, **changed: Any) -> Statement:
        """A request made, signed, entered and witnessed; not yet handed in."""
        statement = self.signed(self.request(sealed, **changed))
        self.enter(statement)
        return statement

    def submit(
        self,
        custodian: Custodian,
        statement: Statement,
        party: str | None = None,
        candidates: bytes | None = None,
    ) -> v1.ReleaseStatus:
        sent = self.candidates() if candidates is None else candidates
        message = v1.SubmitReleaseRequest(request=statement.to_proto(), candidates=sent)
        with remote_errors("custodian"):
            return self._stub(custodian, party).Submit(message, timeout=20)

    def check(self, custodian: Custodian, statement: Statement, party: str | None = None) -> v1.ReleaseStatus:
        message = v1.CheckReleaseRequest(request_id=statement.statement_id)
        with remote_errors("custodian"):
            return self._stub(custodian, party).Check(message, timeout=20)

    def released(self, custodian: Custodian, statement: Statement) -> v1.ReleaseStatus:
        """Hand a request in, and wait until its approval stands in the ledger."""
        self.submit(custodian, statement)
        return self.approved(custodian, statement)

    def approved(self, custodian: Custodian, statement: Statement) -> v1.ReleaseStatus:
        """Wait until the approval of a request handed in before stands in the ledger."""
        until(lambda: self.check(custodian, statement).state != v1.RELEASE_STATE_PENDING, 20)
        status = self.check(custodian, statement)
        assert status.state == v1.RELEASE_STATE_APPROVED
        return status

    def reply(self, custodian: Custodian, statement: Statement, status: v1.ReleaseStatus) -> Reply:
        key = OpeningKey.from_seed(self.reply_seed)
        return open_reply(status.sealed_share, key, custodian, statement.statement_id)

    def decision(self, custodian: Custodian, status: v1.ReleaseStatus) -> Decision:
        pinned = self.custodians.trust.parties().custodian(custodian)
        return Decision.verified(Statement.from_proto(status.decision), [pinned])

    def refusal(self, statement: Statement, custodian: Custodian = Custodian.A) -> str:
        """Submit, expect a signed denial, and give its code."""
        status = self.submit(custodian, statement)
        assert status.state == v1.RELEASE_STATE_DENIED
        assert not status.sealed_share
        decision = self.decision(custodian, status)
        assert decision.request_id == statement.statement_id
        assert decision.verdict == "denied"
        return decision.code

    def _entry(self, statement: Statement) -> Statement:
        request = ReleaseRequest.parsed(statement.payload)
        record = SealedRecord.from_bytes(request.record, request.ciphertext_digest)
        entry = request_entry(statement.statement_id, request, record.header)
        return entry.statement(party_key(self.custodians.deployment, self.owner))

    def _stub(self, custodian: Custodian, party: str | None) -> ReleaseStub:
        return ReleaseStub(self.custodians.channel(custodian, party or self.owner))


def officer(case: Case, custodian: Custodian, name: str = "1") -> OfficerSettings:
    """An officer of a custodian, where that now listens."""
    settings = load(OfficerSettings, case.custodians.deployment.settings(f"officer-{custodian}-{name}"))
    return settings.model_copy(update={"address": case.custodians.address(custodian)})


def altered(record: SealedRecord, **changed: Any) -> SealedRecord:
    """The record as a request carries it, with fields changed after it was signed."""
    return replace(record.without_ciphertext(), **changed)
