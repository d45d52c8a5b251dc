"""A release request as it arrives: whose word it is, and what came with it.

Guarantees, when ``authenticate`` returns, that the request was made by the owner who brings it, under a grant of its
own and with the key the grant names; that its record and its candidates can be read and are of bounded size; and that
the candidates are those the request signs. Anything else is refused without being recorded: anyone could make any
number of those. What the request asks for is not looked at (``checks``). Protocol section 6.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError

from blindplate.core.errors import CommitmentError, IdentityError, MessageError
from blindplate.core.membership import candidates_digest
from blindplate.core.records.record import SealedRecord
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.releases import ReleaseRequest
from blindplate.server.custodian.grants import Permissions
from blindplate.v1 import release_pb2 as v1

# More than any request or approval needs with every text at its longest. What is taken in is kept for ever.
MAX_STATEMENT_BYTES: Final = 64 << 10
# Half of the largest message. A bin of 64 entries with its proofs takes about 60 kB a version.
MAX_CANDIDATES_BYTES: Final = 4 << 20
MAX_VERSIONS: Final = 8
MAX_CANDIDATES: Final = 512
MAX_PATH: Final = 64


@dataclass(frozen=True, slots=True)
class Authentic:
    """A request known to be its requester's own word, not yet checked further.

    ``request_id`` is 32 bytes; ``grant`` the latest amendment of the grant, in force or not; ``candidates`` go by the
    number of the list version they are of, ``candidate_bytes`` is how they were sent.
    """

    request_id: bytes
    statement: Statement
    request: ReleaseRequest
    record: SealedRecord
    candidates: Mapping[int, v1.VersionCandidates] = field(repr=False)
    candidate_bytes: bytes = field(repr=False)
    grant: Grant


def authenticate(
    statement: Statement, candidate_bytes: bytes, identity: str, permissions: Permissions
) -> Authentic:
    """Check that ``identity`` (a SPIFFE id) itself makes this request, under a grant of its own.

    Raises MessageError for a request, record or candidates that cannot be read or are longer than any need to be,
    IdentityError for another requester, GrantError for an unknown grant or another's, SignatureError when the
    grant's owner key did not sign it, CommitmentError for other candidates than those it signs.
    """
    require_short(statement)
    request = ReleaseRequest.parsed(statement.payload)
    if request.requester != identity:
        raise IdentityError("A release request names another requester than its sender.")
    grant = permissions.grant(request.grant_id)
    grant.require_owner(identity)
    ReleaseRequest.verified(statement, [grant.owner_key])
    return Authentic(
        statement.statement_id,
        statement,
        request,
        _read_record(request),
        _read_candidates(request, candidate_bytes),
        candidate_bytes,
        grant,
    )


def require_short(statement: Statement) -> None:
    """Raise MessageError for a statement longer than a request or an approval needs to be: padded, then."""
    if len(statement.payload) > MAX_STATEMENT_BYTES:
        raise MessageError(
            f"A statement is longer than {MAX_STATEMENT_BYTES:,} bytes.", "Send it without padding."
        )


def _read_record(request: ReleaseRequest) -> SealedRecord:
    record = SealedRecord.from_bytes(request.record, request.ciphertext_digest)
    if record.ciphertext:
        raise MessageError("A release request holds the record's ciphertext.", "Send its digest instead.")
    return record


def _read_candidates(request: ReleaseRequest, data: bytes) -> Mapping[int, v1.VersionCandidates]:
    if len(data) > MAX_CANDIDATES_BYTES:
        raise MessageError(
            f"The candidates of a release request are longer than {MAX_CANDIDATES_BYTES:,} bytes."
        )
    if not hmac.compare_digest(candidates_digest(data), request.candidates_digest):
        raise CommitmentError(
            "The candidates are not those that the release request signs.",
            "Send the very bytes whose digest the request names.",
        )
    message = v1.Candidates()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise MessageError("The candidates of a release request are not a protocol message.") from None
    by_version = {version.list_version: version for version in message.versions}
    if len(message.versions) > MAX_VERSIONS or len(by_version) != len(message.versions):
        raise MessageError(f"Candidates are of more than {MAX_VERSIONS} list versions, or of one twice.")
    if any(len(version.candidates) > MAX_CANDIDATES for version in message.versions):
        raise MessageError(f"A list version has more than {MAX_CANDIDATES} candidates.")
    if any(len(one.path) > MAX_PATH for version in message.versions for one in version.candidates):
        raise MessageError(f"A candidate's inclusion proof is longer than {MAX_PATH} nodes.")
    return by_version
