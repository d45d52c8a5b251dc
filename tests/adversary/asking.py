"""Release requests made by hand, so that an attacker may change any field of one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.reply import Reply, open_reply
from blindplate.core.signing import Statement
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import Decision, ReleaseRequest
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel, spiffe_id
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ReleaseStub
from tests.adversary.reading import KnownRead
from tests.integration.owner.world import World


@dataclass(frozen=True, slots=True)
class Desk:
    """Both custodians' release desks, seen by one list's owner; answers are sealed to ``reply_seed``."""

    world: World
    list_id: str = "emissions"
    reply_seed: bytes = field(default_factory=generate_seed)

    @property
    def owner(self) -> str:
        """The party that owns the list."""
        return f"owner-{self.list_id}"

    def request(self, read: KnownRead, **changes: Any) -> ReleaseRequest:
        """The owner's honest request for a record that it matched, but for ``changes``."""
        now = int(self.world.clock.now())
        fields: dict[str, Any] = {
            "grant_id": f"{self.list_id}-1",
            "requester": spiffe_id("owner", self.owner),
            "record": read.record.without_ciphertext().to_bytes(),
            "ciphertext_digest": read.record.ciphertext_digest,
            "match_proof": match_proof(read.s, read.record.header.digest()),
            "purpose": Purpose.UNPAID_CHARGE if self.list_id == "emissions" else Purpose.MURDER,
            "lawful_basis": "the law",
            "case_reference": "case 1",
            "reply_key": OpeningKey.from_seed(self.reply_seed).public,
            "nonce": os.urandom(16),
            "made_at": now,
            "expires_at": now + 3600,
        }
        return ReleaseRequest(**(fields | changes))

    def signed(self, request: ReleaseRequest) -> Statement:
        """The request under the owner's key."""
        return request.statement(self.world.signing_key(self.owner))

    def submit(
        self, custodian: Custodian, statement: Statement, party: str | None = None
    ) -> v1.ReleaseStatus:
        """Hand a request in as ``party`` (the owner)."""
        address = self.world.deployment.plan.addresses[f"custodian-{custodian}"]
        tls = self.world.tls(party or self.owner)
        with open_channel(address, f"custodian-{custodian}", tls) as channel, remote_errors("custodian"):
            return ReleaseStub(channel).Submit(v1.SubmitReleaseRequest(request=statement.to_proto()))

    def reply(self, custodian: Custodian, statement: Statement) -> Reply:
        """The share of a request that is approved at once."""
        status = self.submit(custodian, statement)
        assert status.state == v1.RELEASE_STATE_APPROVED
        key = OpeningKey.from_seed(self.reply_seed)
        return open_reply(status.sealed_share, key, custodian, statement.statement_id)

    def refusal(self, custodian: Custodian, statement: Statement) -> str:
        """The code of a request that is refused, from the custodian's signed decision; no share comes with it."""
        status = self.submit(custodian, statement)
        assert status.state == v1.RELEASE_STATE_DENIED
        assert not status.sealed_share
        trust = self.world.settings().trust
        pinned = trust.custodian_a if custodian is Custodian.A else trust.custodian_b
        return Decision.verified(Statement.from_proto(status.decision), [pinned]).code
