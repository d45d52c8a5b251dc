"""Pseudonyms: a keyed hash of a plate whose key nobody holds alone.

RFC 9497 VOPRF mode over ristretto255-SHA512, under one key of each custodian and domain; the outputs are combined
and cut to an epoch. Guarantees that an output finalized here is the one of the public key it was checked against,
and that a pseudonym is pseudorandom while either custodian's key is secret. Does not limit who may evaluate how
often: quotas are the custodian's. Specified in docs/spec/pseudonyms.md; protocol section 3.
The only module that imports ``voprf``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hmac import digest as hmac
from typing import Final

from voprf import ristretto  # pyright: ignore[reportMissingModuleSource]  # compiled: only stubs exist

from blindplate.core.domains import Domain, Epoch
from blindplate.core.encoding import derive, encode
from blindplate.core.errors import MessageError, ProofError

SEED_BYTES: Final = 32
ELEMENT_BYTES: Final = 32
PROOF_BYTES: Final = 64
OUTPUT_BYTES: Final = 64
PSEUDONYM_BYTES: Final = 32
# RFC 9497 counts a batch and an input's length in two bytes.
MAX_BATCH: Final = (1 << 16) - 1
MAX_INPUT_BYTES: Final = (1 << 16) - 1


@dataclass(frozen=True, slots=True)
class DomainKey:
    """One custodian's evaluation key of one domain."""

    domain: Domain
    public: bytes
    secret: bytes = field(repr=False)
    _evaluator: ristretto.Evaluator = field(repr=False, compare=False)

    @classmethod
    def derive(cls, seed: bytes, domain: Domain) -> DomainKey:
        """The key of ``domain`` under a custodian's 32-byte seed; says nothing of any other domain's.

        Raises MessageError for a seed of another length.
        """
        if len(seed) != SEED_BYTES:
            raise MessageError(f"A pseudonym seed is not {SEED_BYTES} bytes long.")
        return cls.from_secret(derive(seed, "domain-secret", domain.encode()), domain)

    @classmethod
    def from_secret(cls, secret: bytes, domain: Domain) -> DomainKey:
        """The key of a domain's own secret ``d`` (32 bytes), as local mode hands it to a camera.

        DeriveKeyPair(d, domain) of RFC 9497 section 3.2.1. Raises MessageError for another length.
        """
        if len(secret) != SEED_BYTES:
            raise MessageError(f"A domain's secret is not {SEED_BYTES} bytes long.")
        evaluator = ristretto.Evaluator.from_seed(secret, domain.encode())
        return cls(domain, evaluator.public_key.serialize(), secret, evaluator)

    def evaluate(self, plate: bytes) -> bytes:
        """F_X of a known plate encoding: 64 bytes (Evaluate, section 3.3.2). Raises MessageError."""
        _check_input(plate)
        return self._evaluator.evaluate_known_input(plate)

    def blind_evaluate(self, blinded: Sequence[bytes]) -> tuple[list[bytes], bytes]:
        """Evaluate 1 to 65,535 blinded elements (32 bytes each), with one proof (64 bytes) over them all.

        BlindEvaluate of section 3.3.2. Raises MessageError for an invalid element, the identity included.
        """
        _check_batch(len(blinded))
        # The library reads 32 bytes and ignores any that follow.
        if any(len(element) != ELEMENT_BYTES for element in blinded):
            raise MessageError(f"A blinded element is not {ELEMENT_BYTES} bytes long.")
        try:
            points = [ristretto.BlindedInput.deserialize(element) for element in blinded]
        except ValueError:
            raise MessageError("A blinded element is not a valid group element.") from None
        # The library puts the proof in front of the elements.
        output = self._evaluator.evaluate_batch(points).serialize()
        elements = output[PROOF_BYTES:]
        cuts = range(0, len(elements), ELEMENT_BYTES)
        return [elements[cut : cut + ELEMENT_BYTES] for cut in cuts], output[:PROOF_BYTES]


@dataclass(frozen=True, slots=True)
class Blinding:
    """Inputs blinded for one custodian: what goes out, and the secret blinds to finalize what comes back."""

    blinded: list[bytes]
    _clients: list[ristretto.Client] = field(repr=False, compare=False)

    @classmethod
    def blind(cls, inputs: Sequence[bytes]) -> Blinding:
        """Blind 1 to 65,535 plate encodings, each with a fresh scalar (section 3.3.2). Raises MessageError."""
        _check_batch(len(inputs))
        for plate in inputs:
            _check_input(plate)
        pairs = [ristretto.Client.blind(plate) for plate in inputs]
        return cls([point.serialize() for _, point in pairs], [client for client, _ in pairs])

    def finalize(self, evaluated: Sequence[bytes], proof: bytes, public: bytes) -> list[bytes]:
        """F_X of every input in order, 64 bytes each, once the proof holds under ``public`` (32 bytes).

        Raises ProofError when the evaluation is not of these inputs under that key, or is malformed.
        """
        if (
            len(evaluated) != len(self.blinded)
            or len(proof) != PROOF_BYTES
            or any(len(element) != ELEMENT_BYTES for element in [*evaluated, public])
        ):
            raise ProofError(
                "An evaluation is not one element for each asked and a proof, or its key is none."
            )
        try:
            output = ristretto.VerifiableBatchOutput.deserialize(proof + b"".join(evaluated))
            key = ristretto.PublicKey.deserialize(public)
            return ristretto.Client.finalize_batch(self._clients, output, key)
        except ValueError:
            raise ProofError("An evaluation, its proof or its public key is malformed.") from None
        except BaseException as error:
            # voprf 0.2 panics on a batch proof that does not verify; pyo3's exception class for that derives
            # from BaseException and cannot be imported. Anything else passes on.
            if type(error).__name__ != "PanicException":
                raise
            raise ProofError("An evaluation is not the one of the custodian's public key.") from None


def combine(f_a: bytes, f_b: bytes, domain: Domain) -> bytes:
    """F_D: 64 bytes of HMAC-SHA512 keyed with both custodians' outputs (64 bytes each). Raises MessageError."""
    if len(f_a) != OUTPUT_BYTES or len(f_b) != OUTPUT_BYTES:
        raise MessageError(f"A custodian's output is not {OUTPUT_BYTES} bytes long.")
    # Both halves have a fixed length and fill the hash's block exactly, so the key cannot be read two ways.
    return hmac(f_a + f_b, encode("pseudonym", domain.encode()), "sha512")


def pseudonym(f: bytes, epoch: Epoch) -> bytes:
    """y: 32 bytes of HMAC-SHA256 over the epoch, keyed with F_D (64 bytes). Raises MessageError."""
    if len(f) != OUTPUT_BYTES:
        raise MessageError(f"A combined output is not {OUTPUT_BYTES} bytes long.")
    return hmac(f, epoch.encode(), "sha256")


def _check_batch(size: int) -> None:
    if not 1 <= size <= MAX_BATCH:
        raise MessageError(f"A batch is not of 1 to {MAX_BATCH:,} elements.", "Split it.")


def _check_input(plate: bytes) -> None:
    if not 1 <= len(plate) <= MAX_INPUT_BYTES:
        raise MessageError(f"A plate encoding is not of 1 to {MAX_INPUT_BYTES:,} bytes.")
