"""Lists that no honest owner uploads, and how their owner reads what a matcher adds up.

Under the key 0 a first half *is* the phase: whatever the matcher multiplies and adds lies open before the owner, who
needs no lattices. One ciphertext holds no message but noise of the owner's choosing, at an odd coefficient: it lifts
r * x**17 of every slot into the bits that an honest list leaves to noise, while the leading term gives r * x**82.
Their quotient, x**65, has one root.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np

from blindplate.psi.answer import Answer, unwrap
from blindplate.psi.arithmetic import Integers
from blindplate.psi.blob import Blob, parse, serialise
from blindplate.psi.context import Context
from blindplate.psi.evaluation import baby_steps
from blindplate.psi.layout import declared
from blindplate.psi.mapping import salt_of
from blindplate.psi.mask import encryption_of_zero
from blindplate.psi.matcher import LoadedList
from blindplate.psi.parameters import ParameterSet
from blindplate.psi.sealapi import Ciphertext

DEGREE: Final = 82
# The first coefficient that meets one plaintext only, r * x**17, reduced modulo t.
STEP: Final = 17
_LIFT: Final = 1 << 10
# Where a second half may be chosen: room for r below r * x**17, and for the mask's own small noise below r.
_LOW, _HIGH = 1 << 6, 1 << 52


@dataclass(frozen=True)
class HostileList:
    """An upload in the one form that is taken. ``key`` is None where it is 0."""

    context: Context
    blobs: list[bytes]
    key: bytes | None = None

    @property
    def salt(self) -> bytes:
        """The upload's salt."""
        return salt_of(parse(self.blobs[0], self.context.parameters).seed)

    def values(self, halves: Integers) -> Integers:
        """What its owner decrypts both halves (2, answer primes, N) to, a value a slot."""
        if self.key is None:
            return slots_of(self.context, halves[0])
        decryptor = self.context.decryptor(self.context.load_key(self.key))
        return self.context.decrypt(decryptor, self.context.ciphertext(halves, self.context.answer))

    def opened(self, answer: Answer) -> dict[int, bytes]:
        """The match secrets that its owner unwraps, by slot."""
        return unwrap(answer.wrapped, [self.values(lane) for lane in answer.lanes(self.context.parameters)])


def noise_list(context: Context) -> HostileList:
    """No message at all, and chosen noise at an odd coefficient of one ciphertext."""
    parameters = context.parameters
    assert baby_steps(DEGREE, parameters.lanes) == STEP
    dropped = prod(parameters.data_primes[parameters.answer_primes :])
    halves = [_zero(parameters) for _ in range(DEGREE + 1)]
    halves[1 + STEP][:, 1] = [_LIFT * dropped % prime for prime in parameters.data_primes]
    return HostileList(context, [_blob(half, parameters) for half in halves])


def zero_list(context: Context, *, one_seed: bool = False) -> HostileList:
    """Nothing but zeros under the key 0: the polynomial that would be zero for every read."""
    parameters, seed = context.parameters, os.urandom(64)
    halves = [_zero(parameters) for _ in range(DEGREE + 1)]
    return HostileList(context, [_blob(half, parameters, seed if one_seed else b"") for half in halves])


def garbage_list(context: Context) -> HostileList:
    """Random residues."""
    primes = np.array(context.parameters.data_primes, np.int64)[:, None]
    shape = (len(primes), context.parameters.poly_degree)
    halves = [
        np.frombuffer(os.urandom(8 * shape[0] * shape[1]), np.uint64).reshape(shape)
        % primes.astype(np.uint64)
        for _ in range(DEGREE + 1)
    ]
    return HostileList(context, [_blob(half.astype(np.int64), context.parameters) for half in halves])


def polynomial_list(context: Context, terms_for: Callable[[bytes], Mapping[int, int]]) -> HostileList:
    """x**82 and the terms (values by exponent) chosen once the salt is known, the same in every slot, encrypted."""
    parameters, key = context.parameters, context.new_key()
    encryptor = context.encryptor(key)

    def encrypted(value: int) -> Blob:
        message = np.full(parameters.poly_degree, value % parameters.plain_modulus, np.int64)
        saved = context.saved(encryptor.encrypt_symmetric(context.encode(message)))
        return Blob(saved.residues[0], saved.seed or b"")

    zero = encrypted(0)
    terms = terms_for(salt_of(zero.seed))
    blobs = [zero, *(encrypted(terms.get(exponent, 0)) for exponent in range(DEGREE))]
    return HostileList(context, [serialise(blob, parameters) for blob in blobs], context.key_bytes(key))


def list_with_chosen_second_halves(context: Context) -> LoadedList:
    """What a matcher would have loaded if uploads held second halves: r and r * x**17 side by side in them."""
    parameters = context.parameters
    dropped = prod(parameters.data_primes[parameters.answer_primes :])

    def loaded(second: int) -> Ciphertext:
        halves = np.stack([_zero(parameters), _zero(parameters)])
        halves[1, :, 0] = [second % prime for prime in parameters.data_primes]
        return context.ciphertext(halves, context.first)

    chosen = {0: _LOW * dropped, STEP: _HIGH * dropped}
    coefficients = [loaded(chosen.get(index, 1)) for index in range(DEGREE)]
    for coefficient in coefficients:
        context.evaluator.transform_to_ntt_inplace(coefficient)
    layout = declared(1, DEGREE, parameters)
    zero = encryption_of_zero(context, loaded(1))
    return LoadedList(parameters, layout, bytes(16), zero, tuple(coefficients))


def elements_in_first_half(context: Context, first_half: Integers) -> Integers:
    """x of every slot, if a first half (answer primes, N) is what the matcher added up for ``noise_list``."""
    parameters, t = context.parameters, context.parameters.plain_modulus
    q = prod(parameters.answer_moduli)
    lifted: list[int] = []
    for phase in phases_of(first_half, parameters):
        message = (phase * t + q // 2) // q
        lifted.append(_rounded(phase - (message * q + t // 2) // t, _LIFT))
    # The noise stood at the first coefficient, so everything is moved by one, around the corner with its sign changed.
    polynomial = [*lifted[1:], -lifted[0]]
    return _roots(slots_of(context, first_half), _evaluated(context, polynomial), DEGREE - STEP, t)


def elements_in_second_half(context: Context, second_half: Integers) -> Integers:
    """x of every slot, from a masked answer's second half to ``list_with_chosen_second_halves``."""
    parameters, t = context.parameters, context.parameters.plain_modulus
    q = prod(parameters.answer_moduli)
    high: list[int] = []
    low: list[int] = []
    for phase in phases_of(second_half, parameters):
        signed = phase - q if phase > q // 2 else phase
        high.append(_rounded(signed, _HIGH))
        low.append(_rounded(signed - high[-1] * _HIGH, _LOW))
    return _roots(_evaluated(context, high), _evaluated(context, low), STEP, t)


def phases_of(half: Integers, parameters: ParameterSet) -> list[int]:
    """The coefficients of a half (answer primes, N) as integers modulo the primes' product."""
    primes = parameters.answer_moduli
    q = prod(primes)
    factors = [q // prime * pow(q // prime, -1, prime) for prime in primes]
    columns = zip(*(row.tolist() for row in half), strict=True)
    return [sum(f * r for f, r in zip(factors, column, strict=True)) % q for column in columns]


def slots_of(context: Context, first_half: Integers) -> Integers:
    """The values of the slots that a phase decodes to."""
    alone = context.ciphertext(np.stack([first_half, np.zeros_like(first_half)]), context.answer)
    return context.decrypt(context.decoder, alone)


def _evaluated(context: Context, polynomial: list[int]) -> Integers:
    """The values of the slots of a plaintext polynomial."""
    parameters, t = context.parameters, context.parameters.plain_modulus
    q = prod(parameters.answer_moduli)
    scaled = [(value % t * q + t // 2) // t % q for value in polynomial]
    return slots_of(
        context,
        np.array([[value % prime for value in scaled] for prime in parameters.answer_moduli], np.int64),
    )


def _roots(tops: Integers, bottoms: Integers, exponent: int, t: int) -> Integers:
    """The root of that exponent, coprime to t - 1, of each quotient modulo t."""
    inverse = pow(exponent, -1, t - 1)
    pairs = zip(tops.tolist(), bottoms.tolist(), strict=True)
    return np.array([pow(top * pow(bottom or 1, -1, t), inverse, t) for top, bottom in pairs], np.int64)


def _rounded(value: int, divisor: int) -> int:
    return (value + divisor // 2) // divisor


def _zero(parameters: ParameterSet) -> Integers:
    return np.zeros((len(parameters.data_primes), parameters.poly_degree), np.int64)


def _blob(half: Integers, parameters: ParameterSet, seed: bytes = b"") -> bytes:
    return serialise(Blob(half, seed or os.urandom(64)), parameters)
