"""What a release request says, and its public entry: signed statements over a hit, a purpose and a case.

Guarantees that the entry tells no plate, no pseudonym and no case number, and that the request names the list entries
that go with it by their digest. Protocol section 6.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from blindplate.client.owner.hits import SealedHit
from blindplate.client.owner.requests import Reply, Request, Standing
from blindplate.client.owner.session import Session
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.records.commitments import match_proof
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import request_entry
from blindplate.core.statements.releases import ReleaseRequest

_RANDOM_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a release is asked for, whether by the daemon, and whether officers' approval is to be skipped."""

    purpose: Purpose
    case_reference: str
    automatic: bool = False
    emergency: bool = False

    def is_that_of(self, request: Request) -> bool:
        """Whether an earlier request was made for the same."""
        asked = (request.purpose, request.case_reference, request.emergency)
        return asked == (self.purpose, self.case_reference, self.emergency)


def new_request(session: Session, sealed: SealedHit, candidates: bytes, reason: Reason) -> Request:
    """A request for a hit under a nonce, a case salt and a reply key of its own; ``candidates`` go with it."""
    now, seed, record = int(session.now()), generate_seed(), sealed.record
    request = ReleaseRequest(
        grant_id=session.grant.grant_id,
        requester=session.grant.owner,
        record=record.without_ciphertext().to_bytes(),
        ciphertext_digest=record.ciphertext_digest,
        match_proof=match_proof(sealed.match_secret, record.header.digest()),
        purpose=reason.purpose,
        lawful_basis=session.grant.lawful_basis,
        case_reference=reason.case_reference,
        case_salt=secrets.token_bytes(_RANDOM_BYTES),
        candidates_digest=candidates_digest(candidates),
        emergency=reason.emergency,
        reply_key=OpeningKey.from_seed(seed).public,
        nonce=secrets.token_bytes(_RANDOM_BYTES),
        made_at=now,
        expires_at=now + session.settings.request_seconds,
    )
    statement = request.statement(session.signing_key)
    entry = request_entry(statement.statement_id, request, record.header)
    return Request(
        request_id=statement.statement_id,
        hit_id=sealed.hit.hit_id,
        purpose=reason.purpose,
        case_reference=reason.case_reference,
        automatic=reason.automatic,
        emergency=reason.emergency,
        made_at=now,
        expires_at=request.expires_at,
        replies=(Reply(Custodian.A, Standing.UNREACHED), Reply(Custodian.B, Standing.UNREACHED)),
        statement=statement,
        entry=entry.statement(session.signing_key),
        ledger_index=None,
        reply_seed=seed,
    )
