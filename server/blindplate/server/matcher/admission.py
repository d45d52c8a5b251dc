"""Whether a wire may be taken in: each judged alone, by grant, register, disclosure policy, time and envelope.

Guarantees that what is admitted has a grant that covered its domain at the capture and was not ended since, a camera
of the zone's register that is not revoked, the coarseness and the anonymity its list's disclosure policy demands, a
window not over, and an envelope that opens to a match secret its record commits to. Protocol sections 3 to 5 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from blindplate.core import merkle, signing
from blindplate.core.encoding import digest
from blindplate.core.errors import ExpiredError, MessageError, PolicyError, SignatureError, WindowOverError
from blindplate.core.parties import key_id
from blindplate.core.records.attestation import Attestation, SealedAttestation, batch_message
from blindplate.core.records.header import Header
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.wire import Wire
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import RegisteredCamera
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.records_store import Admitted
from blindplate.server.matcher.window_keys import WindowKeys
from blindplate.v1 import records_pb2 as v1

# How far a camera's clock may be ahead of this machine's.
CLOCK_SKEW_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Judged:
    """An admitted wire and the pseudonym and match secret its envelope held."""

    admitted: Admitted
    pair: tuple[bytes, bytes] = field(repr=False)


def judge(
    message: v1.Wire, camera_identity: str, grants: Grants, window_keys: WindowKeys, now: float
) -> Judged:
    """Judge one wire sent by ``camera_identity`` (a SPIFFE id) at ``now`` (seconds since 1970, UTC).

    Raises MessageError for a malformed one, UnknownDomainError, GrantError, IdentityError for a camera that the
    zone's register does not name or that was revoked, PolicyError where it shows more than its list may disclose,
    SignatureError or ProofError for a camera's signature, ExpiredError for a capture to come, WindowOverError,
    EnvelopeError for a window key not held or an envelope of another record, MatchProofError for a secret not
    committed to.
    """
    wire = Wire.from_proto(message)
    record, header = wire.record, wire.record.header
    if not record.ciphertext:
        raise MessageError("A record came without its ciphertext.")
    earliest_ms, latest_ms = capture_span(header)
    if earliest_ms > (now + CLOCK_SKEW_SECONDS) * 1000:
        raise ExpiredError("A record's capture lies in the future.", "Set the camera's clock.")
    grant = grants.at_capture(header.domain, earliest_ms / 1000, latest_ms / 1000, now)
    camera = grants.camera(grant, header.domain, camera_identity)
    _require_policy(header, record, grant)
    expires_ms = min(
        header.capture_time_ms + header.time_granularity_ms + 1000 * grant.window_seconds,
        # Once its key is destroyed a record cannot be matched any more: nothing is gained by holding it longer.
        1000 * window_keys.destroyed_at(wire.window_key_id),
    )
    if expires_ms <= now * 1000:
        raise WindowOverError("A record's window is over.")
    _require_signature(record, camera)
    opens = grants.opens(header.domain, earliest_ms / 1000, latest_ms / 1000)
    admitted = Admitted(
        wire,
        digest("taken-wire", message.SerializeToString(deterministic=True)),
        # The very bytes: ``from_proto`` takes no others.
        message.record.SerializeToString(deterministic=True),
        latest_ms,
        expires_ms,
        None if opens is None else round(1000 * opens),
    )
    return Judged(admitted, window_keys.open(wire))


def capture_span(header: Header) -> tuple[int, int]:
    """When a read was captured, as far as its header tells: from the first, before the second, in milliseconds."""
    earliest = max(header.capture_time_ms, round(1000 * header.epoch.start()))
    latest = min(header.capture_time_ms + header.time_granularity_ms, round(1000 * header.epoch.end()))
    return earliest, latest


def _require_policy(header: Header, record: SealedRecord, grant: Grant) -> None:
    if header.epoch.rule != grant.epoch.rule():
        raise PolicyError(
            "A record's epoch is not cut as its list's grant says.", "Install the zone's current policy."
        )
    disclosure = grant.disclosure
    if header.time_granularity_ms != 1000 * disclosure.time_granularity_seconds:
        raise PolicyError(
            "A record's time is not as coarse as its list's disclosure policy demands.",
            "Install the zone's current policy.",
        )
    shown = bool(header.camera_ref), isinstance(record.origin, Attestation)
    if disclosure.camera_withheld and any(shown):
        raise PolicyError(
            "A record shows its camera although its list's disclosure policy withholds it.",
            "Install the zone's current policy.",
        )
    if not disclosure.camera_withheld and not all(shown):
        raise PolicyError(
            "A record hides its camera although its list's disclosure policy names it.",
            "Install the zone's current policy.",
        )


def _require_signature(record: SealedRecord, camera: RegisteredCamera) -> None:
    if isinstance(record.origin, Attestation):
        _require_attested(record, record.origin, camera.signing_key)
    elif not isinstance(record.origin, SealedAttestation):
        # Sealed to the custodians, who check it at release; here only that there is one.
        raise SignatureError("A record bears no camera's signature.", "Sign records before sending them.")


def _require_attested(record: SealedRecord, attestation: Attestation, camera: bytes) -> None:
    if attestation.camera_key_id != key_id(camera):
        raise SignatureError("A record is signed by another camera than the one that sent it.")
    size = attestation.batch_size
    root = merkle.root_from_path(record.leaf(), attestation.leaf_index, size, attestation.path)
    _require_signed(camera, root, size, attestation.signature)


@lru_cache(maxsize=4096)
def _require_signed(camera: bytes, root: bytes, size: int, signature: bytes) -> None:
    """Verify a batch's signature once, not once a record. A failure raises, so only successes are remembered."""
    signing.verify(camera, batch_message(root, size), signature)
