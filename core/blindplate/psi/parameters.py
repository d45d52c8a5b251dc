"""Parameter sets: reviewed data files, recomputed when they are loaded.

Guarantees that a loaded set is one that this package carries and that every figure its file states about noise,
failure and size is what its numbers give. Whether SEAL keeps to them is the self-test's business. Protocol section 5.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from importlib.resources import files
from operator import index
from typing import Any, Final

from blindplate.core.encoding import digest, text_list, uint
from blindplate.core.errors import ParameterError
from blindplate.psi.arithmetic import FIELD_LIMIT
from blindplate.psi.expansion import MASK_SEED_BYTES
from blindplate.psi.noise import NoiseModel
from blindplate.psi.packing import packed_width

SET_NAMES: Final = ("prompt", "bulk")
SEED_BYTES: Final = 64
WRAPPED_BYTES: Final = 24
ANSWER_HEAD_BYTES: Final = 52
_SCHEMA: Final = 1
_SEAL_LARGEST_PRIME: Final = 1 << 60


@dataclass(frozen=True)  # without slots: the derived figures below are cached on the instance
class ParameterSet:
    """One reviewed set. Primes are given by value; the first ``answer_primes`` of ``data_primes`` carry an answer.

    ``seal_format`` is the version that SEAL writes into what it saves. Bins hold ``anonymity`` entries or more on
    average, and no list's degree is lower. ``max_degree`` bounds what the stated failure probability covers.
    """

    name: str
    seal_format: tuple[int, int]
    poly_degree: int
    data_primes: tuple[int, ...]
    special_prime: int
    plain_modulus: int
    answer_primes: int
    lanes: int
    anonymity: int
    max_degree: int

    @cached_property
    def answer_moduli(self) -> tuple[int, ...]:
        """The primes an answer is reduced by."""
        return self.data_primes[: self.answer_primes]

    @cached_property
    def noise(self) -> NoiseModel:
        """What the noise of an answer under this set is."""
        return NoiseModel(
            self.poly_degree, self.data_primes, self.answer_primes, self.plain_modulus, self.lanes
        )

    @cached_property
    def blob_bytes(self) -> int:
        """Exact size of each uploaded ciphertext: the packed first half and the seed of the second."""
        return self.poly_degree * packed_width(self.data_primes) + SEED_BYTES

    @cached_property
    def answer_bytes(self) -> int:
        """Exact size of an answer: its head, a seed and a second half a lane, a wrapped secret for every slot."""
        lane = MASK_SEED_BYTES + self.poly_degree * packed_width(self.answer_moduli)
        return ANSWER_HEAD_BYTES + self.lanes * lane + self.poly_degree * WRAPPED_BYTES

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that stand for the set in manifests, secrets and answers."""
        numbers = (
            *self.seal_format,
            self.poly_degree,
            len(self.data_primes),
            *self.data_primes,
            self.special_prime,
            self.plain_modulus,
            self.answer_primes,
            self.lanes,
            self.anonymity,
            self.max_degree,
        )
        return digest(
            "match-parameters", text_list([self.name]), b"".join(uint(number, 8) for number in numbers)
        )

    def computed(self) -> dict[str, float]:
        """The figures that the set's file must state, at its greatest degree; log2 and bits to a tenth."""
        return {
            "modulus_bits": sum(prime.bit_length() for prime in (*self.data_primes, self.special_prime)),
            "margin_bits": round(self.noise.margin_bits(self.max_degree), 1),
            "failure_log2": round(self.noise.failure_log2(self.max_degree), 1),
            "stranger_log2": round(self.noise.stranger_log2(self.max_degree), 1),
            "blob_bytes": self.blob_bytes,
            "answer_bytes": self.answer_bytes,
        }


@lru_cache(maxsize=len(SET_NAMES))
def load_set(name: str) -> ParameterSet:
    """The parameter set called ``name``. Raises ParameterError when there is none or its file does not hold."""
    if name not in SET_NAMES:
        raise ParameterError(f"There is no parameter set of this name; there are {', '.join(SET_NAMES)}.")
    # A file of the package is part of its code; importlib.resources finds it inside a zip as well.
    return read_set(files("blindplate.psi").joinpath("sets", f"{name}.json").read_text("utf-8"))


def read_set(text: str) -> ParameterSet:
    """The set that a parameter file's ``text`` states. Raises ParameterError unless all it states agrees."""
    try:
        stated: dict[str, Any] = json.loads(text)
        parameters = _chosen(stated["chosen"])
        agree = stated["schema"] == _SCHEMA and stated["computed"] == parameters.computed()
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise ParameterError("A parameter file lacks a field or holds one of the wrong kind.") from error
    if not agree:
        raise ParameterError("A parameter file states figures that its numbers do not give.")
    _check(parameters)
    return parameters


def _chosen(numbers: dict[str, Any]) -> ParameterSet:
    if numbers.keys() != {each.name for each in fields(ParameterSet)}:
        raise KeyError("chosen")
    major, minor = numbers["seal_format"]
    return ParameterSet(
        name=str(numbers["name"]),
        seal_format=(index(major), index(minor)),
        poly_degree=index(numbers["poly_degree"]),
        data_primes=tuple(index(prime) for prime in numbers["data_primes"]),
        special_prime=index(numbers["special_prime"]),
        plain_modulus=index(numbers["plain_modulus"]),
        answer_primes=index(numbers["answer_primes"]),
        lanes=index(numbers["lanes"]),
        anonymity=index(numbers["anonymity"]),
        max_degree=index(numbers["max_degree"]),
    )


def _check(parameters: ParameterSet) -> None:
    """What the code relies on and neither SEAL nor the noise model looks at."""
    n, t = parameters.poly_degree, parameters.plain_modulus
    if t > FIELD_LIMIT or t % (2 * n) != 1:
        raise ParameterError("The plain modulus is too large for exact products, or has no slots.")
    if any(not t < prime < _SEAL_LARGEST_PRIME for prime in parameters.data_primes):
        raise ParameterError("A data prime is not between the plain modulus and SEAL's limit of 60 bits.")
    if (t.bit_length() - 1) * parameters.lanes < 128:
        raise ParameterError("The lanes together hold less than 128 bits: a wrapped secret could be guessed.")
    if not 0 < parameters.answer_primes <= len(parameters.data_primes):
        raise ParameterError("An answer cannot have more primes than the list.")
    if not 64 <= parameters.anonymity <= parameters.max_degree:
        raise ParameterError("Bins may not hold fewer than 64 entries.")
