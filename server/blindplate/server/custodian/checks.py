"""Every check of a release request that needs neither the ledger nor the database, each with an error of its own.

Guarantees, when ``authenticate`` and ``check`` return, that the request is its owner's own word; that its record
was signed by a camera of its zone's register and captured under the grant; that the requester holds the match
secret; and that this custodian's share fits. Whether the pseudonym was on the list in time (membership) is not
looked at: that takes the ledger. Nonces and quotas are the database's. Protocol section 6, guarantee G4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from blindplate.core.errors import (
    CommitmentError,
    ExpiredError,
    GrantError,
    IdentityError,
    MessageError,
    PolicyError,
    SignatureError,
)
from blindplate.core.hpke import OpeningKey, SealingKey
from blindplate.core.parties import Custodian, key_id
from blindplate.core.records.commitments import check_match_proof
from blindplate.core.records.header import Header
from blindplate.core.records.opening import (
    Envelope,
    open_attestation,
    open_envelope,
    verify_attestation,
)
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.reply import Reply
from blindplate.core.signing import Statement
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.grants import Grant, ListKind
from blindplate.core.statements.policies import RegisteredCamera
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import ReleaseRequest
from blindplate.server.custodian.grants import Permissions

# How far the clocks of owner, officers, cameras and custodian may lie apart.
SKEW_SECONDS: Final = 300
# Longer than any owner should wait for an officer, shorter than release keys may live.
MAX_LIFE_SECONDS: Final = 31 * 86_400
# More than any request or approval needs with every text at its longest. What is taken in is kept for ever.
MAX_STATEMENT_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Authentic:
    """A request known to be its requester's own word, not yet checked further. ``request_id`` is 32 bytes."""

    request_id: bytes
    statement: Statement
    request: ReleaseRequest
    grant: Grant


@dataclass(frozen=True, slots=True)
class Evidence:
    """A request that passed every check here: its record, the answer to an approval, and the key it is sealed to."""

    record: SealedRecord
    reply: Reply
    reply_key: SealingKey


def authenticate(statement: Statement, identity: str, permissions: Permissions) -> Authentic:
    """Check that ``identity`` (a SPIFFE id) itself makes this request, under a grant of its own.

    Raises MessageError, also for one longer than any needs to be, IdentityError for another requester, GrantError for an unknown grant or another's,
    SignatureError when the grant's owner key did not sign it.
    """
    require_short(statement)
    request = ReleaseRequest.parsed(statement.payload)
    if request.requester != identity:
        raise IdentityError("A release request names another requester than its sender.")
    grant = permissions.grant(request.grant_id)
    grant.require_owner(identity)
    ReleaseRequest.verified(statement, [grant.owner_key])
    return Authentic(statement.statement_id, statement, request, grant)


def require_short(statement: Statement) -> None:
    """Raise MessageError for a statement longer than a request or an approval needs to be: padded, then."""
    if len(statement.payload) > MAX_STATEMENT_BYTES:
        raise MessageError(
            f"A statement is longer than {MAX_STATEMENT_BYTES:,} bytes.", "Send it without padding."
        )


def read_record(request: ReleaseRequest) -> SealedRecord:
    """The record a request names, without its ciphertext. Raises MessageError."""
    record = SealedRecord.from_bytes(request.record, request.ciphertext_digest)
    if record.ciphertext:
        raise MessageError("A release request holds the record's ciphertext.", "Send its digest instead.")
    return record


def check(
    authentic: Authentic,
    permissions: Permissions,
    opening_key: Callable[[bytes], OpeningKey],
    custodian: Custodian,
    moment: float,
) -> Evidence:
    """Every check, cheap ones first; ``opening_key`` gives the release key of an identifier (16 bytes).

    Raises ExpiredError, GrantError, PolicyError, MessageError, MatchProofError, GoneError, EnvelopeError,
    ShareError, CommitmentError, SignatureError or ProofError.
    """
    request, grant = authentic.request, authentic.grant
    _check_times(request, moment)
    permissions.require_active(grant)
    grant.require_in_force(moment)
    _check_purpose(request, grant)
    reply_key = _reply_key(request)
    record = read_record(request)
    grant.require_domain(record.header.domain)
    _check_form(record.header, grant)
    check_match_proof(record, request.match_proof)
    key = opening_key(record.header.key_id(custodian))
    envelope = open_envelope(record, custodian, key)
    _check_capture(record.header, envelope.capture_time_ms / 1000, grant, moment)
    camera = _check_origin(record, custodian, key, grant, permissions)
    return Evidence(record, _reply(record.header, envelope, camera, grant), reply_key)


def _check_times(request: ReleaseRequest, moment: float) -> None:
    if not request.made_at < request.expires_at <= request.made_at + MAX_LIFE_SECONDS:
        raise MessageError(
            f"A release request does not expire within {MAX_LIFE_SECONDS // 86_400} days of when it was made."
        )
    if request.made_at > moment + SKEW_SECONDS:
        raise ExpiredError("A release request was made in the future.", "Set the owner's clock right.")
    if moment >= request.expires_at:
        raise ExpiredError("A release request has expired.", "Make a new one.")


def _reply_key(request: ReleaseRequest) -> SealingKey:
    key = SealingKey.from_public(request.reply_key)
    # Some well-formed keys give no shared secret. Found only when an officer approves, one would stop the approval.
    key.seal(b"", b"")
    return key


def _check_purpose(request: ReleaseRequest, grant: Grant) -> None:
    # An emissions list may chase unpaid charges and nothing else; a hotlist anything but that.
    if (request.purpose is Purpose.UNPAID_CHARGE) != (grant.list_kind is ListKind.EMISSIONS):
        raise PolicyError(
            f"A record of a list of kind {grant.list_kind} is not released for the purpose {request.purpose}.",
            "Ask under a grant made for that purpose.",
        )


def _check_form(header: Header, grant: Grant) -> None:
    if header.epoch.rule != grant.epoch.rule():
        raise PolicyError("A record's epoch is not cut as its grant says.")
    if header.time_granularity_ms != grant.disclosure.time_granularity_seconds * 1000:
        raise PolicyError("A record's header shows its time more finely or coarsely than its grant says.")
    if bool(header.camera_ref) == grant.disclosure.camera_withheld:
        raise PolicyError("A record shows or withholds its camera against its grant.")


def _check_capture(header: Header, captured: float, grant: Grant, moment: float) -> None:
    """The exact time is inside the grant and the header's epoch; that it rounds to the header's was checked before."""
    if captured > moment + SKEW_SECONDS:
        raise CommitmentError("A record was captured in the future.", "Set the camera's clock right.")
    if header.epoch.rule.at(captured) != header.epoch:
        raise CommitmentError("A sealed capture time does not lie in the epoch the record's header states.")
    if not grant.not_before <= captured < grant.not_after:
        raise GrantError(
            f"Grant {grant.grant_id} was not in force when the record was captured.",
            "Records captured outside a grant are not released.",
        )


def _check_origin(
    record: SealedRecord, custodian: Custodian, key: OpeningKey, grant: Grant, permissions: Permissions
) -> RegisteredCamera:
    """The camera of the zone's register that signed the record."""
    register = permissions.register(grant, record.header.domain)
    attestation = open_attestation(record, custodian, key)
    for camera in register.cameras:
        if key_id(camera.signing_key) == attestation.camera_key_id:
            verify_attestation(record, attestation, camera.signing_key)
            return camera
    raise SignatureError("A record is not signed by a camera of its zone's register.")


def _reply(header: Header, envelope: Envelope, camera: RegisteredCamera, grant: Grant) -> Reply:
    """What the requester is told: no more of camera and time than the list's policy discloses."""
    disclosure = grant.disclosure
    exact = DisclosedField.CAPTURE_TIME in disclosure.fields
    return Reply(
        envelope.share,
        envelope.n_y,
        envelope.capture_time_ms if exact else header.capture_time_ms,
        "" if disclosure.camera_withheld else camera.camera_id,
    )
