"""The one exception tree. Every error says what happened and what to do, and names no plate and no secret.

    BlindplateError
    ├── InputError            the bytes or values handed in are not what they should be
    │   ├── PlateError, EventError, MessageError, ListFileError, SettingsError
    ├── SecurityError         a cryptographic check failed: never ignore it, never retry blindly
    │   ├── CommitmentError, EnvelopeError, ShareError, SignatureError, ProofError, UploadError, MembershipError, MatchProofError,
    │   │   ChainError, ForkError, RollbackError, EntryError, CountError
    ├── RefusedError          well formed, but not allowed
    │   ├── IdentityError, GrantError, QuotaError, UnknownDomainError, PolicyError, ReplayError, ExpiredError,
    │   │   WindowOverError, TooEarlyError, UnwitnessedError
    ├── StateError            the party addressed is not in a state to do it
    │   ├── UnavailableError, OverloadedError, StorageError, GoneError, NotFoundError, PendingError
    └── ParameterError        an encryption parameter set or its self-test does not hold

An error's ``code`` is stable and travels between processes; its texts may change.
"""

from __future__ import annotations

from typing import ClassVar


class BlindplateError(Exception):
    """Base of everything this project raises on purpose.

    ``what`` says what happened, ``remedy`` what to do about it. Neither may hold a plate, a pseudonym or a key.
    """

    code: ClassVar[str] = "blindplate"
    default_remedy: ClassVar[str] = "Report it with the log of the process that raised it."

    def __init__(self, what: str, remedy: str | None = None) -> None:
        self.what = what
        self.remedy = remedy or self.default_remedy
        super().__init__(f"{what} {self.remedy}")


class InputError(BlindplateError):
    code = "input"
    default_remedy = "Correct the input and send it again."


class PlateError(InputError):
    """A text that is no number plate under the scheme in use."""

    code = "plate"


class EventError(InputError):
    """An ANPR event that lacks what a read needs or is not of the declared shape."""

    code = "event"


class MessageError(InputError):
    """A protocol message with a field missing, of the wrong length or out of range."""

    code = "message"


class ListFileError(InputError):
    """A list file with an unusable header or row."""

    code = "list-file"


class SettingsError(InputError):
    """A settings file with an unknown key, a missing key or a value out of range."""

    code = "settings"


class SecurityError(BlindplateError):
    code = "security"
    default_remedy = "Do not retry: keep the bytes and tell the operator and both custodians."


class CommitmentError(SecurityError):
    """Something does not open the commitment made for it."""

    code = "commitment"


class EnvelopeError(SecurityError):
    """A sealed envelope does not open under the key and context it is for."""

    code = "envelope"


class ShareError(SecurityError):
    """A custodian's share does not fit the record; ``custodian`` names whose."""

    code = "share"

    def __init__(self, what: str, remedy: str | None = None, *, custodian: str) -> None:
        self.custodian = custodian
        super().__init__(what, remedy)


class SignatureError(SecurityError):
    """A signature is missing, by a key not trusted for it, or wrong."""

    code = "signature"


class ProofError(SecurityError):
    """A proof of correct evaluation, or of inclusion, does not verify."""

    code = "proof"


class UploadError(SecurityError):
    """An uploaded list is not exactly of the form its manifest and parameter set prescribe."""

    code = "upload"


class MembershipError(SecurityError):
    """A pseudonym is not an entry of the list version that was in force before the capture."""

    code = "membership"


class MatchProofError(SecurityError):
    """A claim whose match secret is not the record's."""

    code = "match-proof"


class ChainError(SecurityError):
    """An append-only record has a gap, an altered entry or a foreign one."""

    code = "chain"


class ForkError(SecurityError):
    """The ledger showed two histories that cannot both be true."""

    code = "fork"


class RollbackError(SecurityError):
    """A ledger or a witness knows less of the ledger's history than another party has seen of it."""

    code = "rollback"


class EntryError(SecurityError):
    """A ledger entry that is not what its kind prescribes, or by a party that may not enter it."""

    code = "entry"


class CountError(SecurityError):
    """Counts that have to agree with each other do not."""

    code = "count"


class RefusedError(BlindplateError):
    code = "refused"
    default_remedy = "Ask the party that refused which permission is missing."


class IdentityError(RefusedError):
    """The caller's certificate names nobody, or nobody with this right."""

    code = "identity"


class GrantError(RefusedError):
    """No grant in force covers this owner, list, zone and time."""

    code = "grant"


class QuotaError(RefusedError):
    """A quota of the grant or of the identity is used up."""

    code = "quota"
    default_remedy = "Wait until the quota is renewed, or ask for an amended grant."


class UnknownDomainError(RefusedError):
    """A list, zone or key generation that the signed policy does not name."""

    code = "unknown-domain"


class PolicyError(RefusedError):
    """The release policy or a custodian's decision forbids it."""

    code = "policy"


class ReplayError(RefusedError):
    """The same nonce or request was seen before with other content."""

    code = "replay"


class ExpiredError(RefusedError):
    """Past its stated end, or not yet begun."""

    code = "expired"


class WindowOverError(RefusedError):
    """A record came after the time in which it could be matched: it can be of no use to anyone any more."""

    code = "window-over"
    default_remedy = "Nothing can be done for it; see why it was not handed in earlier."


class TooEarlyError(RefusedError):
    """Something of a charging day that nobody may have before payment for that day has closed."""

    code = "too-early"
    default_remedy = "Ask again when payment for that day has closed."


class UnwitnessedError(RefusedError):
    """What must stand in the ledger under both witnesses' fresh cosignatures does not."""

    code = "unwitnessed"
    default_remedy = "Wait until both custodians have witnessed the entry, then ask again."


class StateError(BlindplateError):
    code = "state"
    default_remedy = "Try again later; nothing accepted was lost."


class UnavailableError(StateError):
    """The party addressed does not answer or is shutting down."""

    code = "unavailable"


class OverloadedError(StateError):
    """The party addressed has no room for more just now."""

    code = "overloaded"


class StorageError(StateError):
    """The disk is full or the database refuses to write: nothing was acknowledged."""

    code = "storage"


class GoneError(StateError):
    """What is asked for was erased."""

    code = "gone"
    default_remedy = "It cannot be brought back; that is the purpose of erasure."


class NotFoundError(StateError):
    """Nothing is known under this name."""

    code = "not-found"


class PendingError(StateError):
    """A decision has not been taken yet."""

    code = "pending"


class ParameterError(BlindplateError):
    """A parameter set is not the reviewed one, or SEAL does not do with it what its file states."""

    code = "parameters"
    default_remedy = (
        "Do not serve. Install the versions the parameter file names and run the self-test again."
    )
