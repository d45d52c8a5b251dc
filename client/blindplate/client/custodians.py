"""Both custodians, as a camera or an owner sees them: blinded evaluation, evaluation keys, release keys,
and the keys of local mode.

Guarantees that nothing returned here rests on one custodian's word unchecked: evaluations hold under the public key
handed in, announcements are signed by the pinned key of the custodian asked, and name it. Both are asked at once.
Does not cache, does not retry, and spends one evaluation of the quota a plate and call: callers remember what they
have. Plates leave this process blinded only. Protocol sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

import grpc

from blindplate.core.domains import Domain
from blindplate.core.errors import MessageError, ProofError, SignatureError, UnavailableError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.local_keys import open_local_key
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import Blinding, DomainKey, combine
from blindplate.core.signing import Statement
from blindplate.core.statements.announced_keys import EvaluationKey, ReleaseKey, current
from blindplate.edge.settings import TlsFiles, TrustedKeys
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import pseudonyms_pb2 as v1
from blindplate.v1 import types_pb2
from blindplate.v1.pseudonyms_pb2_grpc import CustodianKeysStub, LocalKeysStub, PseudonymsStub

# As many as a custodian takes in one call.
BATCH: Final = 8_192
_EVALUATE_SECONDS: Final = 60.0
_KEYS_SECONDS: Final = 10.0
# A custodian announces the key in use and the next one; this leaves room and still bounds the work of verifying.
_MAX_ANNOUNCEMENTS: Final = 16
_Response = TypeVar("_Response")
_Response_co = TypeVar("_Response_co", covariant=True)


class CustodianPair:
    """Channels to custodians A and B. Safe to use from several threads."""

    def __init__(self, address_a: str, address_b: str, tls: TlsFiles, trust: TrustedKeys) -> None:
        """Connect lazily to ``host:port`` of each. Raises SettingsError when a TLS file cannot be read."""
        self._sides = (
            _Side.connect(Custodian.A, address_a, tls, trust.custodian_a),
            _Side.connect(Custodian.B, address_b, tls, trust.custodian_b),
        )

    def evaluate(
        self, domain: Domain, plates: Sequence[bytes], public_a: bytes, public_b: bytes
    ) -> list[bytes]:
        """F_D of every plate encoding, 64 bytes each, in order; asked for in batches of 8,192.

        ``public_a`` and ``public_b`` are the domain's evaluation keys (32 bytes) from a signed policy or statement.
        Raises ProofError naming the custodian whose evaluation does not hold, UnavailableError when one does not
        answer, or whatever typed error it answered with (QuotaError, GrantError, ...).
        """
        outputs: list[bytes] = []
        for start in range(0, len(plates), BATCH):
            outputs += self._evaluate_batch(domain, plates[start : start + BATCH], (public_a, public_b))
        return outputs

    def evaluation_keys(self, domain: Domain) -> tuple[bytes, bytes]:
        """The evaluation keys (32 bytes each) of A and B for ``domain``, as each has signed them.

        Raises SignatureError when an announcement is not by the pinned key or speaks of something else.
        """
        request = v1.EvaluationKeyRequest(domain=_domain(domain))
        futures = [side.keys.EvaluationKey.future(request, timeout=_KEYS_SECONDS) for side in self._sides]
        answers = [_result(side, future) for side, future in zip(self._sides, futures, strict=True)]
        public_a, public_b = (
            side.evaluation_key(answer.statement, domain)
            for side, answer in zip(self._sides, answers, strict=True)
        )
        return public_a, public_b

    def release_keys(self, moment: float) -> tuple[ReleaseKey, ReleaseKey]:
        """The release key of A and of B in force at ``moment`` (seconds since 1970, UTC).

        Raises ExpiredError when a custodian announces none for that time, SignatureError as above.
        """
        announced_a, announced_b = self.announced_release_keys()
        return current(announced_a, moment), current(announced_b, moment)

    def announced_release_keys(self) -> tuple[tuple[ReleaseKey, ...], tuple[ReleaseKey, ...]]:
        """Every release key A and B announce now, the next one included. Raises SignatureError, MessageError."""
        request = v1.ReleaseKeysRequest()
        futures = [side.keys.ReleaseKeys.future(request, timeout=_KEYS_SECONDS) for side in self._sides]
        answers = [_result(side, future) for side, future in zip(self._sides, futures, strict=True)]
        announced_a, announced_b = (
            side.release_keys(answer.statements) for side, answer in zip(self._sides, answers, strict=True)
        )
        return announced_a, announced_b

    def local_keys(self, domain: Domain) -> tuple[DomainKey, DomainKey]:
        """The keys of A and B for ``domain``, for a camera of its zone where the policy is for local mode.

        Each comes sealed to a key made for this call. The caller checks them against its policy. Raises
        EnvelopeError, UnavailableError, or what a custodian answered (PolicyError, IdentityError, QuotaError, ...).
        """
        recipient = OpeningKey.from_seed(generate_seed())
        request = v1.FetchLocalKeyRequest(domain=_domain(domain), recipient=recipient.public)
        futures = [side.local.Fetch.future(request, timeout=_KEYS_SECONDS) for side in self._sides]
        answers = [_result(side, future) for side, future in zip(self._sides, futures, strict=True)]
        key_a, key_b = (
            open_local_key(answer.sealed_secret, side.custodian, domain, recipient)
            for side, answer in zip(self._sides, answers, strict=True)
        )
        return key_a, key_b

    def close(self) -> None:
        """Close both channels."""
        for side in self._sides:
            side.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _evaluate_batch(
        self, domain: Domain, plates: Sequence[bytes], publics: tuple[bytes, bytes]
    ) -> list[bytes]:
        # Blinded for each custodian on its own: the same blind for both would let them link what each sees.
        blindings = [Blinding.blind(plates) for _ in self._sides]
        futures = [
            side.pseudonyms.Evaluate.future(
                v1.EvaluateRequest(domain=_domain(domain), blinded=blinding.blinded),
                timeout=_EVALUATE_SECONDS,
            )
            for side, blinding in zip(self._sides, blindings, strict=True)
        ]
        answers = [_result(side, future) for side, future in zip(self._sides, futures, strict=True)]
        outputs_a, outputs_b = (
            side.finalize(blinding, answer, public)
            for side, blinding, answer, public in zip(self._sides, blindings, answers, publics, strict=True)
        )
        return [combine(f_a, f_b, domain) for f_a, f_b in zip(outputs_a, outputs_b, strict=True)]


@dataclass(frozen=True, slots=True)
class _Side:
    """One custodian: its pinned signing key and its channel."""

    custodian: Custodian
    pinned: bytes
    channel: grpc.Channel
    pseudonyms: PseudonymsStub
    keys: CustodianKeysStub
    local: LocalKeysStub

    @classmethod
    def connect(cls, custodian: Custodian, address: str, tls: TlsFiles, pinned: bytes) -> _Side:
        channel = open_channel(address, f"custodian-{custodian}", tls)
        return cls(
            custodian,
            pinned,
            channel,
            PseudonymsStub(channel),
            CustodianKeysStub(channel),
            LocalKeysStub(channel),
        )

    @property
    def name(self) -> str:
        return f"custodian {self.custodian}"

    def finalize(self, blinding: Blinding, answer: v1.EvaluateResponse, public: bytes) -> list[bytes]:
        try:
            return blinding.finalize(answer.evaluated, answer.proof, public)
        except ProofError as error:
            raise ProofError(f"An answer of {self.name} was refused: {error.what}", error.remedy) from None

    def evaluation_key(self, message: types_pb2.SignedStatement, domain: Domain) -> bytes:
        key = EvaluationKey.verified(Statement.from_proto(message), [self.pinned])
        if key.custodian is not self.custodian or key.domain.domain() != domain:
            raise SignatureError(f"The evaluation key {self.name} sent is signed for something else.")
        return key.public

    def release_keys(self, messages: Sequence[types_pb2.SignedStatement]) -> tuple[ReleaseKey, ...]:
        if not 1 <= len(messages) <= _MAX_ANNOUNCEMENTS:
            raise MessageError(f"The {self.name} announced no release key, or too many.")
        keys = tuple(
            ReleaseKey.verified(Statement.from_proto(message), [self.pinned]) for message in messages
        )
        if any(key.custodian is not self.custodian for key in keys):
            raise SignatureError(f"A release key of {self.name} names the other custodian.")
        return keys


class _Pending(Protocol[_Response_co]):
    """A call under way; what grpc's stubs keep private."""

    def result(self, timeout: float | None = None) -> _Response_co: ...


def _result(side: _Side, future: _Pending[_Response]) -> _Response:
    with remote_errors(side.name):
        try:
            return future.result()
        except grpc.FutureCancelledError:
            raise UnavailableError(
                f"The call to {side.name} was given up.", "Start the process again."
            ) from None


def _domain(domain: Domain) -> types_pb2.Domain:
    return types_pb2.Domain(list_id=domain.list_id, zone=domain.zone, generation=domain.generation)
