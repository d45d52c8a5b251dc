"""Release requests made by hand, so that an attacker may change any field of one, of its entry, or of its candidates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from blindplate.core.domains import Domain
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.plates import canonicalize
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.header import Header
from blindplate.core.records.reply import Reply, open_reply
from blindplate.core.signing import Statement
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import request_entry
from blindplate.core.statements.releases import Decision, ReleaseRequest
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel, spiffe_id
from blindplate.v1 import release_pb2 as v1
from blindplate.v1.release_pb2_grpc import ReleaseStub
from tests.adversary.reading import KnownRead, grant_of
from tests.integration.custodian.listing import CommittedList, output_of
from tests.integration.ledger_site import until
from tests.integration.matcher.conftest import witnessed
from tests.integration.owner.world import World


@dataclass(frozen=True, slots=True)
class Desk:
    """Both custodians' release desks, seen by one list's owner; answers are sealed to ``reply_seed``.

    ``listed`` are the plates of its list, of ``version``; what it claims of them is committed to by ``commit``.
    """

    world: World
    list_id: str = "emissions"
    listed: Sequence[str] = ()
    version: int = 1
    reply_seed: bytes = field(default_factory=generate_seed)

    @property
    def owner(self) -> str:
        """The party that owns the list."""
        return f"owner-{self.list_id}"

    def commit(self, before: int = 0) -> Desk:
        """Commit to the list in place of one of ``before`` plates, and let it be in force; the desk itself."""
        entries = self._entries()
        made = ListVersion(
            grant_id=f"{self.list_id}-1",
            list_id=self.list_id,
            list_version=self.version,
            entries=len(self.listed),
            leaves=len(entries.leaves),
            added=len(self.listed),
            removed=before,
            root=entries.root,
            made_at=int(self.world.clock.now()),
        )
        self.enter(made.statement(self.world.signing_key(self.owner)))
        self.world.clock.offset += 2
        return self

    def candidates(self, zone: str = "inner") -> bytes:
        """All entries of the list in one zone, opened, with their proofs."""
        made = self._entries().candidates(self.version, Domain(self.list_id, zone, 1))
        return v1.Candidates(versions=[made]).SerializeToString()

    def request(self, read: KnownRead, **changes: Any) -> ReleaseRequest:
        """The owner's honest request for a record that it matched, but for ``changes``."""
        now = int(self.world.clock.now())
        header = read.record.header
        fields: dict[str, Any] = {
            "grant_id": f"{self.list_id}-1",
            "requester": spiffe_id("owner", self.owner),
            "record": read.record.without_ciphertext().to_bytes(),
            "ciphertext_digest": read.record.ciphertext_digest,
            "match_proof": match_proof(read.s, header.digest()),
            "purpose": Purpose.UNPAID_CHARGE if self.list_id == "emissions" else Purpose.MURDER,
            "lawful_basis": grant_of(self.world, self.list_id).lawful_basis,
            "case_reference": "case 1",
            "case_salt": os.urandom(16),
            "reply_key": OpeningKey.from_seed(self.reply_seed).public,
            "nonce": os.urandom(16),
            "made_at": now,
            "expires_at": now + 3600,
        }
        if "candidates_digest" not in changes:
            fields["candidates_digest"] = candidates_digest(self.candidates(header.domain.zone))
        return ReleaseRequest(**(fields | changes))

    def signed(self, request: ReleaseRequest) -> Statement:
        """The request under the owner's key."""
        return request.statement(self.world.signing_key(self.owner))

    def entry(self, statement: Statement, header: Header, **changes: Any) -> Statement:
        """The ledger entry of a request for the record with ``header``, but for ``changes``, under the owner's key."""
        request = ReleaseRequest.parsed(statement.payload)
        made = request_entry(statement.statement_id, request, header).model_copy(update=changes)
        return made.statement(self.world.signing_key(self.owner))

    def enter(self, *statements: Statement) -> int:
        """Enter statements as the owner, and wait until a checkpoint that both cosigned covers them; the last's index."""
        index = self.world.enter(*statements, by=self.owner)
        witnessed(self.world.ledger, index)
        return index

    def entered(self, read: KnownRead, **changes: Any) -> Statement:
        """A request made, signed and entered as an honest owner does, but for ``changes``; not handed in."""
        statement = self.signed(self.request(read, **changes))
        self.enter(self.entry(statement, read.record.header))
        return statement

    def submit(
        self,
        custodian: Custodian,
        statement: Statement,
        party: str | None = None,
        candidates: bytes | None = None,
    ) -> v1.ReleaseStatus:
        """Hand a request in as ``party`` (the owner)."""
        sent = self.candidates() if candidates is None else candidates
        message = v1.SubmitReleaseRequest(request=statement.to_proto(), candidates=sent)
        address = self.world.deployment.plan.addresses[f"custodian-{custodian}"]
        tls = self.world.tls(party or self.owner)
        with open_channel(address, f"custodian-{custodian}", tls) as channel, remote_errors("custodian"):
            return ReleaseStub(channel).Submit(message, timeout=20)

    def reply(self, custodian: Custodian, statement: Statement, candidates: bytes | None = None) -> Reply:
        """The share of a request that is approved without officers, once its decision stands in the ledger."""
        found: list[v1.ReleaseStatus] = []

        def decided() -> bool:
            # The same bytes get the same answer.
            found.append(self.submit(custodian, statement, candidates=candidates))
            return found[-1].state != v1.RELEASE_STATE_PENDING

        until(decided)
        assert found[-1].state == v1.RELEASE_STATE_APPROVED
        key = OpeningKey.from_seed(self.reply_seed)
        return open_reply(found[-1].sealed_share, key, custodian, statement.statement_id)

    def refusal(self, custodian: Custodian, statement: Statement, candidates: bytes | None = None) -> str:
        """The code of a request that is refused, from the custodian's signed decision; no share comes with it."""
        status = self.submit(custodian, statement, candidates=candidates)
        assert status.state == v1.RELEASE_STATE_DENIED
        assert not status.sealed_share
        pinned = self.world.settings().trust.parties().custodian(custodian)
        return Decision.verified(Statement.from_proto(status.decision), [pinned]).code

    def output(self, plate: str, zone: str = "inner") -> bytes:
        """F_D of a plate, as both custodians together evaluate it."""
        return self._output(Domain(self.list_id, zone, 1), canonicalize(plate, "GB").encode())

    def _output(self, domain: Domain, plate: bytes) -> bytes:
        home = self.world.deployment.home
        seed_a, seed_b = (read_secret(home(f"custodian-{one}") / "pseudonyms.seed") for one in Custodian)
        return output_of(seed_a, seed_b, domain, plate)

    def _entries(self) -> CommittedList:
        plates = [canonicalize(plate, "GB").encode() for plate in self.listed]
        return CommittedList(plates, grant_of(self.world, self.list_id).domains(), self._output)
