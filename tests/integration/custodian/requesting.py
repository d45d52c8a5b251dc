"""What an owner and a camera do around a release, small enough to be varied by each test."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

from blindplate.core.domains import Domain
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.reply import Reply, open_reply
from blindplate.core.records.sealing import Read, Sealed, SealingContext, attest, seal
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Decision, ReleaseRequest
from blindplate.edge.keyfiles import read_secret, read_statement
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import spiffe_id
from blindplate.v1 import records_pb2
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ReleaseStub

from .conftest import Custodians

PLATE = b"GB|current|AB12CDE"


@dataclass
class Case:
    """One list of a running deployment, its owner, and what is needed to seal and ask."""

    custodians: Custodians
    list_id: str
    zone: str = "inner"
    camera: str = "camera-1"
    reply_seed: bytes = field(default_factory=generate_seed)

    @property
    def owner(self) -> str:
        return f"owner-{self.list_id}"

    @property
    def grant(self) -> Grant:
        file = self.custodians.deployment.public / "grants" / f"{self.list_id}.json"
        return Grant.parsed(read_statement(file).payload)

    @property
    def domain(self) -> Domain:
        return Domain(self.list_id, self.zone, 1)

    def signing_key(self, party: str) -> SigningKey:
        return SigningKey.from_seed(read_secret(self.custodians.deployment.folder / party / "signing.key"))

    def output(self, plate: bytes = PLATE) -> bytes:
        """F_D of a plate, evaluated as the owner."""
        pair = self.custodians.pair(self.owner)
        return pair.evaluate(self.domain, [plate], *pair.evaluation_keys(self.domain))[0]

    def sealed(
        self,
        *,
        captured: float | None = None,
        alternate: bool = False,
        signer: str | None = None,
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
            payload=records_pb2.Payload(plate=PLATE, capture_time_ms=captured_ms),
            pseudonym=pseudonym(self.output(), made.epoch),
            capture_time_ms=captured_ms,
            camera_id=self.camera,
            alternate=alternate,
        )
        batch = [seal(made, read) for _ in range(3)]
        records = attest(made, [one.record for one in batch], self.signing_key(signer or self.camera))
        return Sealed(records[1], batch[1].pseudonym, batch[1].match_secret)

    def request(self, sealed: Sealed, **changed: Any) -> ReleaseRequest:
        """The owner's request for a record; keyword arguments change its fields."""
        record, now = sealed.record, int(self.custodians.clock.now())
        purpose = Purpose.UNPAID_CHARGE if self.list_id == "emissions" else Purpose.MURDER
        fields: dict[str, Any] = {
            "grant_id": f"{self.list_id}-1",
            "requester": spiffe_id("owner", self.owner),
            "record": record.without_ciphertext().to_bytes(),
            "ciphertext_digest": record.ciphertext_digest,
            "match_proof": match_proof(sealed.match_secret, record.header.digest()),
            "purpose": purpose,
            "lawful_basis": "the law",
            "case_reference": "case 1",
            "reply_key": OpeningKey.from_seed(self.reply_seed).public,
            "nonce": os.urandom(16),
            "made_at": now,
            "expires_at": now + 3600,
        }
        return ReleaseRequest(**(fields | changed))

    def signed(self, request: ReleaseRequest) -> Statement:
        return request.statement(self.signing_key(self.owner))

    def submit(
        self, custodian: Custodian, statement: Statement, party: str | None = None
    ) -> v1.ReleaseStatus:
        message = v1.SubmitReleaseRequest(request=statement.to_proto())
        with remote_errors("custodian"):
            return self._stub(custodian, party).Submit(message, timeout=20)

    def check(self, custodian: Custodian, statement: Statement, party: str | None = None) -> v1.ReleaseStatus:
        message = v1.CheckReleaseRequest(request_id=statement.statement_id)
        with remote_errors("custodian"):
            return self._stub(custodian, party).Check(message, timeout=20)

    def reply(self, custodian: Custodian, statement: Statement, status: v1.ReleaseStatus) -> Reply:
        key = OpeningKey.from_seed(self.reply_seed)
        return open_reply(status.sealed_share, key, custodian, statement.statement_id)

    def decision(self, custodian: Custodian, status: v1.ReleaseStatus) -> Decision:
        trust = self.custodians.trust
        pinned = trust.custodian_a if custodian is Custodian.A else trust.custodian_b
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

    def _stub(self, custodian: Custodian, party: str | None) -> ReleaseStub:
        return ReleaseStub(self.custodians.channel(custodian, party or self.owner))


def altered(record: SealedRecord, **changed: Any) -> SealedRecord:
    """The record as a request carries it, with fields changed after it was signed."""
    return replace(record.without_ciphertext(), **changed)
