"""Every check of a release request that needs no database, each with an error of its own.

Guarantees, when ``check`` returns, that the grant is in force now and was when the record was captured, suspended by
this custodian at neither time; that, where the record is under charging terms, payment for the day of its exact capture
has closed; that the record was signed by a camera of its zone's register as it then stood, which nobody has revoked; that
the requester holds the match secret; that this custodian's share fits; and that the record's pseudonym was an entry of the
list version in force at the exact capture, by this custodian's own times, and that version no longer than the grant then
allowed. Whose word the request is was checked before (``authentic``), and that it stands in the ledger (``witnessed``).
Nonces and quotas are the database's. Protocol sections 6 and 8, guarantee G4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from blindplate.core.errors import (
    CommitmentError,
    ExpiredError,
    GrantError,
    MembershipError,
    MessageError,
    PolicyError,
    SignatureError,
    TooEarlyError,
)
from blindplate.core.hpke import OpeningKey, SealingKey
from blindplate.core.membership import Member, require_member
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
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.grants import Grant, ListKind
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.policies import RegisteredCamera
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import ReleaseRequest
from blindplate.server.custodian.authentic import Authentic
from blindplate.server.custodian.grants import Permissions

# How far the clocks of owner, officers, cameras and custodian may lie apart.
SKEW_SECONDS: Final = 300
# Longer than any owner should wait for an officer, shorter than release keys may live.
MAX_LIFE_SECONDS: Final = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Evidence:
    """A request that passed every check here.

    ``grant`` is the amendment in force now, whose release policy decides; ``member`` the entry of the list that the
    record is of; ``suspected`` whether its camera is under suspicion now; ``reply`` the answer to an approval, and
    ``reply_key`` the key it is sealed to.
    """

    grant: Grant
    record: SealedRecord
    member: Member
    suspected: bool
    reply: Reply
    reply_key: SealingKey


def check(
    authentic: Authentic,
    permissions: Permissions,
    opening_key: Callable[[bytes], OpeningKey],
    custodian: Custodian,
    moment: float,
) -> Evidence:
    """Every check, cheap ones first; ``opening_key`` gives the release key of an identifier (16 bytes).

    Raises ExpiredError, GrantError, TooEarlyError, PolicyError, MessageError, MatchProofError, GoneError, EnvelopeError,
    ShareError, CommitmentError, SignatureError, IdentityError, ProofError or MembershipError.
    """
    request, record = authentic.request, authentic.record
    _check_times(request, moment)
    grant = permissions.grant_at(request.grant_id, moment)
    permissions.require_active(grant)
    _check_purpose(request, grant)
    reply_key = _reply_key(request)
    check_match_proof(record, request.match_proof)
    key = opening_key(record.header.key_id(custodian))
    envelope = open_envelope(record, custodian, key)
    captured = envelope.capture_time_ms / 1000
    _check_capture(record.header, captured, moment)
    # A record is judged by the amendment it was captured under, whatever the grant says today.
    then = permissions.grant_at(request.grant_id, captured)
    permissions.require_active_at(then, captured)
    _check_payment(permissions.payment_closes(record.header.domain, captured), moment)
    _check_form(record.header, then)
    camera = _check_origin(record, custodian, key, then, permissions)
    member = _check_membership(authentic, envelope, then, permissions)
    suspected = camera.identity in permissions.state.suspected
    return Evidence(
        grant, record, member, suspected, _reply(record.header, envelope, camera, then), reply_key
    )


def _check_times(request: ReleaseRequest, moment: float) -> None:
    if not request.made_at < request.expires_at <= request.made_at + MAX_LIFE_SECONDS:
        raise MessageError(
            f"A release request does not expire within {MAX_LIFE_SECONDS // 86_400} days of when it was made."
        )
    if request.made_at > moment + SKEW_SECONDS:
        raise ExpiredError("A release request was made in the future.", "Set the owner's clock right.")
    if moment >= request.expires_at:
        raise ExpiredError("A release request has expired.", "Make a new one.")


def _check_purpose(request: ReleaseRequest, grant: Grant) -> None:
    # An emissions list may chase unpaid charges and nothing else; a hotlist anything but that.
    if (request.purpose is Purpose.UNPAID_CHARGE) != (grant.list_kind is ListKind.EMISSIONS):
        raise PolicyError(
            f"A record of a list of kind {grant.list_kind} is not released for the purpose {request.purpose}.",
            "Ask under a grant made for that purpose.",
        )
    if request.lawful_basis != grant.lawful_basis:
        raise PolicyError(
            f"A release request names another lawful basis than grant {grant.grant_id} rests on.",
            "Ask again, under the grant as it is in force now.",
        )
    if request.emergency and not grant.release.emergency:
        raise PolicyError(
            f"Grant {grant.grant_id} does not let approval be skipped in an emergency.",
            "Ask again without the emergency, and have officers decide.",
        )


def _reply_key(request: ReleaseRequest) -> SealingKey:
    key = SealingKey.from_public(request.reply_key)
    # Some well-formed keys give no shared secret. Found only when an officer approves, one would stop the approval.
    key.seal(b"", b"")
    return key


def _check_capture(header: Header, captured: float, moment: float) -> None:
    """The exact time is past and inside the header's epoch; that it rounds to the header's was checked before."""
    if captured > moment + SKEW_SECONDS:
        raise CommitmentError("A record was captured in the future.", "Set the camera's clock right.")
    if header.epoch.rule.at(captured) != header.epoch:
        raise CommitmentError("A sealed capture time does not lie in the epoch the record's header states.")


def _check_payment(closes: float | None, moment: float) -> None:
    """Whatever matcher and owner agree: who may still pay is not opened, in an emergency or by officers either."""
    if closes is not None and moment < closes:
        raise TooEarlyError("A record was captured on a charging day for which payment has not closed.")


def _check_form(header: Header, grant: Grant) -> None:
    if header.epoch.rule != grant.epoch.rule():
        raise PolicyError("A record's epoch is not cut as its grant says.")
    if header.time_granularity_ms != grant.disclosure.time_granularity_seconds * 1000:
        raise PolicyError("A record's header shows its time more finely or coarsely than its grant says.")
    if bool(header.camera_ref) == grant.disclosure.camera_withheld:
        raise PolicyError("A record shows or withholds its camera against its grant.")


def _check_origin(
    record: SealedRecord, custodian: Custodian, key: OpeningKey, grant: Grant, permissions: Permissions
) -> RegisteredCamera:
    """The camera of the zone's register, as ``grant`` names it, that signed the record."""
    register = permissions.register(grant, record.header.domain)
    attestation = open_attestation(record, custodian, key)
    for camera in register.cameras:
        if key_id(camera.signing_key) == attestation.camera_key_id:
            verify_attestation(record, attestation, camera.signing_key)
            # Whoever stole its key can date records back: what it signed before counts for nothing either.
            permissions.require_enrolled(camera)
            return camera
    raise SignatureError("A record is not signed by a camera of its zone's register.")


def _check_membership(
    authentic: Authentic, envelope: Envelope, grant: Grant, permissions: Permissions
) -> Member:
    """The entry that the record was sealed for, in the list version in force at its capture.

    ``grant`` is the amendment in force at that time.
    """
    version = permissions.version_at(grant.grant_id, envelope.capture_time_ms).statement
    _check_length(version, grant)
    candidates = authentic.candidates.get(version.list_version)
    if candidates is None:
        raise MembershipError("No candidates are of the list version that was in force at the capture.")
    return require_member(authentic.record.header, envelope.n_y, candidates, version.root, version.leaves)


def _check_length(version: ListVersion, grant: Grant) -> None:
    # The ledger takes a version up to the size of the last amendment entered, which may have begun only later, or never.
    if version.entries > grant.list_size:
        raise GrantError(
            f"The list had {version.entries:,} entries at the capture, of {grant.list_size:,} that grant "
            f"{grant.grant_id} allowed then.",
            "Publish no more entries than the grant in force allows; what was captured meanwhile is not released.",
        )


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
