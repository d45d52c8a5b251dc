"""Writes tests/vectors/pseudonyms-v1.json, or with --check fails when it is not what this would write.

Run it as ``python -m tools.generate_pseudonym_vectors``. Imports nothing of blindplate: evaluations come from the
tests' own implementation of RFC 9497, which its published figures check, and the rest from the standard library.
"""

from __future__ import annotations

import argparse
import hmac
import json
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.unit.core.rfc9497_reference import ORDER, Mode, Suite
from tools.labelled_fields import derive, encode, encode_domain, encode_epoch, encode_plate

VECTORS: Final = Path(__file__).parent.parent / "tests" / "vectors" / "pseudonyms-v1.json"
NOTES: Final = {
    "Normal": "Nothing particular.",
    "Separation": "Differs from another test in one input alone: every output must differ.",
    "Batch": "Several elements under one proof.",
    "Length": "An input of another length than the one it must have.",
    "Identity": "The identity element, which RFC 9497 section 2.1 has everyone refuse.",
    "NotAnElement": "32 bytes that encode no element of the group.",
    "WrongKey": "Evaluated under another key than the public one.",
    "Reordered": "The right elements in another order than asked.",
    "Flipped": "One bit of an element or of the proof flipped.",
    "OtherBatch": "A proof for the same key and another batch.",
}
VOPRF: Final = Suite(Mode.VOPRF)
SEED_A: Final = sha256(b"blindplate vectors, custodian A").digest()
SEED_B: Final = sha256(b"blindplate vectors, custodian B").digest()
PLATES: Final = [
    encode_plate("GB", 1, "AB12CDE"),
    encode_plate("GB", 1, "AB12CDF"),
    encode_plate("FR", 255, "AB123CD"),
]


class Domain(NamedTuple):
    """As in the protocol's messages."""

    list_id: str
    zone: str
    generation: int

    def encoded(self) -> bytes:
        return encode_domain(*self)

    def json(self) -> dict[str, Any]:
        return {"listId": self.list_id, "zone": self.zone, "generation": self.generation}


class Epoch(NamedTuple):
    """As in the protocol's messages: kind 1 is a span of ``seconds``, kind 2 a charging day."""

    kind: int
    seconds: int
    number: int

    def json(self) -> dict[str, Any]:
        return {"kind": self.kind, "seconds": self.seconds, "index": self.number}


DOMAINS: Final = [
    Domain("stolen", "west", 0),
    Domain("stolen", "west", 1),
    Domain("stolen", "east", 0),
    Domain("emissions", "west", 0),
    Domain("a" * 63, "z", 2**32 - 1),
]
EPOCHS: Final = [
    Epoch(1, 3600, 500_000),
    Epoch(1, 3600, 500_001),
    Epoch(1, 1800, 500_000),
    Epoch(2, 0, 20_833),
]


def secret_of(seed: bytes, domain: Domain) -> bytes:
    return derive(seed, "domain-secret", domain.encoded())


def output_of(seed: bytes, domain: Domain, plate: bytes) -> bytes:
    scalar, _ = VOPRF.derive_key_pair(secret_of(seed, domain), domain.encoded())
    return VOPRF.evaluate(scalar, plate)


def combined(f_a: bytes, f_b: bytes, domain: Domain) -> bytes:
    return hmac.digest(f_a + f_b, encode("pseudonym", domain.encoded()), "sha512")


def keys() -> Iterator[dict[str, Any]]:
    for seed, domains in ((SEED_A, DOMAINS), (SEED_B, DOMAINS[:1])):
        for domain in domains:
            secret = secret_of(seed, domain)
            scalar, public = VOPRF.derive_key_pair(secret, domain.encoded())
            yield {
                "flags": ["Normal" if domain is DOMAINS[0] and seed is SEED_A else "Separation"],
                "result": "valid",
                "seed": seed.hex(),
                "domain": domain.json(),
                "domainEncoded": domain.encoded().hex(),
                "secret": secret.hex(),
                "scalar": scalar.to_bytes(32, "little").hex(),
                "public": public.hex(),
            }
    for length in (0, 31, 33):
        yield {
            "comment": f"{length} bytes of seed",
            "flags": ["Length"],
            "result": "invalid",
            "seed": SEED_A[:length].ljust(length, b"\0").hex(),
            "domain": DOMAINS[0].json(),
        }


def blind_evaluations() -> Iterator[dict[str, Any]]:
    domain = DOMAINS[0]
    secret = secret_of(SEED_A, domain)
    scalar, public = VOPRF.derive_key_pair(secret, domain.encoded())
    start = {"secret": secret.hex(), "domain": domain.json(), "public": public.hex()}
    for batch in (PLATES[:1], PLATES):
        blinds = [int.from_bytes(sha256(plate).digest(), "big") % ORDER for plate in batch]
        blinded = [VOPRF.blind(plate, blind) for plate, blind in zip(batch, blinds, strict=True)]
        nonce = int.from_bytes(sha256(b"".join(batch)).digest(), "big") % ORDER
        evaluated, proof = VOPRF.blind_evaluate(scalar, blinded, nonce)
        yield {
            "flags": ["Normal" if len(batch) == 1 else "Batch"],
            "result": "valid",
            **start,
            "inputs": [plate.hex() for plate in batch],
            "blinds": [blind.to_bytes(32, "little").hex() for blind in blinds],
            "blinded": [element.hex() for element in blinded],
            "evaluated": [element.hex() for element in evaluated],
            "proofScalar": nonce.to_bytes(32, "little").hex(),
            "proof": proof.hex(),
            "outputs": [VOPRF.evaluate(scalar, plate).hex() for plate in batch],
        }
    good = VOPRF.blind(PLATES[0], 5).hex()
    for flag, comment, elements in (
        ("Identity", "alone", ["00" * 32]),
        ("Identity", "after a valid element", [good, "00" * 32]),
        ("NotAnElement", "all bits set", ["ff" * 32]),
        ("NotAnElement", "negative, hence not canonical", ["01" + "00" * 31]),
        ("NotAnElement", "a field element that is no point's", ["26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"]),
        ("Length", "31 bytes", [good[:-2]]),
        ("Length", "33 bytes", [good + "00"]),
        ("Length", "an empty batch", []),
    ):  # fmt: skip
        yield {"comment": comment, "flags": [flag], "result": "invalid", **start, "blinded": elements}


def proofs() -> Iterator[dict[str, Any]]:
    scalar, public = VOPRF.derive_key_pair(secret_of(SEED_A, DOMAINS[0]), DOMAINS[0].encoded())
    blinded = [VOPRF.blind(plate, 7 + index) for index, plate in enumerate(PLATES)]
    evaluated, proof = VOPRF.blind_evaluate(scalar, blinded, 11)
    others, other_proof = VOPRF.blind_evaluate(scalar + 1, blinded, 11)
    _, elsewhere = VOPRF.blind_evaluate(scalar, blinded[:2], 11)

    def flipped(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    for flag, comment, elements, shown in (
        ("Batch", "holds", evaluated, proof),
        ("WrongKey", "elements and proof under another key", others, other_proof),
        ("WrongKey", "elements under another key, proof under this", others, proof),
        ("Reordered", "the first two change places", [evaluated[1], evaluated[0], evaluated[2]], proof),
        ("Flipped", "challenge", evaluated, flipped(proof, 0)),
        ("Flipped", "response", evaluated, flipped(proof, 32)),
        ("OtherBatch", "the first two alone", evaluated, elsewhere),
    ):
        yield {
            "comment": comment,
            "flags": [flag],
            "result": "valid" if comment == "holds" else "invalid",
            "public": public.hex(),
            "blinded": [element.hex() for element in blinded],
            "evaluated": [element.hex() for element in elements],
            "proof": shown.hex(),
        }


def pseudonyms() -> Iterator[dict[str, Any]]:
    first = (DOMAINS[0], PLATES[0], EPOCHS[0])
    cases = [first]
    cases += [(domain, PLATES[0], EPOCHS[0]) for domain in DOMAINS[1:4]]
    cases += [(DOMAINS[0], plate, EPOCHS[0]) for plate in PLATES[1:]]
    cases += [(DOMAINS[0], PLATES[0], epoch) for epoch in EPOCHS[1:]]
    for domain, plate, epoch in cases:
        f_a, f_b = output_of(SEED_A, domain, plate), output_of(SEED_B, domain, plate)
        f = combined(f_a, f_b, domain)
        yield {
            "flags": ["Normal" if (domain, plate, epoch) == first else "Separation"],
            "result": "valid",
            "seedA": SEED_A.hex(),
            "seedB": SEED_B.hex(),
            "domain": domain.json(),
            "plate": plate.hex(),
            "epoch": epoch.json(),
            "epochEncoded": encode_epoch(*epoch).hex(),
            "outputA": f_a.hex(),
            "outputB": f_b.hex(),
            "combined": f.hex(),
            "pseudonym": hmac.digest(f, encode_epoch(*epoch), "sha256").hex(),
        }


def document() -> dict[str, Any]:
    """The whole file, tests numbered from 1."""
    groups = {
        "DomainKey": keys(),
        "BlindEvaluate": blind_evaluations(),
        "VerifyProof": proofs(),
        "Pseudonym": pseudonyms(),
    }
    numbers = count(1)
    test_groups = [
        {"type": kind, "tests": [{"tcId": next(numbers), **test} for test in tests]}
        for kind, tests in groups.items()
    ]
    return {
        "algorithm": "BLINDPLATE-PSEUDONYMS",
        "schema": "pseudonyms-v1.schema.json",
        "generator": "python -m tools.generate_pseudonym_vectors",
        "header": [
            "Domain keys, blinded evaluations and pseudonyms: docs/spec/pseudonyms.md.",
            "Byte strings are hexadecimal, scalars little-endian as in RFC 9497 section 4.1.",
        ],
        "notes": NOTES,
        "numberOfTests": next(numbers) - 1,
        "testGroups": test_groups,
    }


def render() -> str:
    """The text of the file."""
    return json.dumps(document(), indent=1, ensure_ascii=True) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write, or check, the published vectors for pseudonyms.")
    parser.add_argument(
        "--check", action="store_true", help="fail when the file is not what would be written"
    )
    parser.add_argument("--output", type=Path, default=VECTORS)
    options = parser.parse_args(arguments)
    if options.check:
        return int(options.output.read_text(encoding="ascii") != render())
    options.output.write_text(render(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
