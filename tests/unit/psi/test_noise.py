"""The noise model against noise measured coefficient by coefficient, under a key that the test chose.

Multiplication by the key is done by FLINT, not by SEAL, so phases are exact and independent of what is tested. A
product of three random polynomials has 8,192 coefficients but an energy that is itself uncertain by some four per cent,
its deviation by two: twelve per cent is six times that, and a sixth of a bit.
"""

from __future__ import annotations

import os
from math import prod

import flint
import numpy as np
import pytest

from blindplate.psi.arithmetic import Integers, add_residues, subtract_residues, to_residues
from blindplate.psi.context import Context
from blindplate.psi.evaluation import lanes
from blindplate.psi.mask import encryption_of_zero, rerandomised
from blindplate.psi.randomness import ERROR_VARIANCE, errors, ternary, uniform
from blindplate.psi.sealapi import Ciphertext

DEGREE = 16


def _times(a: Integers, s: Integers, primes: tuple[int, ...]) -> Integers:
    """a * s modulo X**N + 1 under each prime."""
    rows: list[list[int]] = []
    for row, prime in zip(a, primes, strict=True):
        modulus = flint.nmod_poly([1] + [0] * (len(row) - 1) + [1], prime)
        product = (
            flint.nmod_poly(row.tolist(), prime) * flint.nmod_poly((s % prime).tolist(), prime) % modulus
        )
        values = [int(c) for c in product.coeffs()]
        rows.append(values + [0] * (len(row) - len(values)))
    return np.array(rows, np.int64)


def _encrypted(context: Context, key: Integers, message: Integers) -> Ciphertext:
    """An encryption of a polynomial modulo t, as an owner makes it, but with ``key`` in the test's hands."""
    parameters = context.parameters
    primes, t, q = parameters.data_primes, parameters.plain_modulus, prod(parameters.data_primes)
    seed = os.urandom(64)
    zero = np.zeros((len(primes), parameters.poly_degree), np.int64)
    second = context.saved(context.seeded(zero, seed)).residues[1]
    scaled = [(value * q + t // 2) // t for value in message.tolist()]
    body = np.array([[value % prime for value in scaled] for prime in primes], np.int64)
    body = add_residues(body, to_residues(errors(parameters.poly_degree), primes), primes)
    return context.seeded(subtract_residues(body, _times(second, key, primes), primes), seed)


def _noise(context: Context, key: Integers, halves: Integers) -> list[float]:
    """How far each coefficient's phase lies from the nearest message, modulo the primes of answers."""
    primes, t = context.parameters.answer_moduli, context.parameters.plain_modulus
    q = prod(primes)
    phases = add_residues(halves[0], _times(halves[1], key, primes), primes)
    factors = [q // prime * pow(q // prime, -1, prime) for prime in primes]
    composed = [sum(f * r for f, r in zip(factors, c, strict=True)) % q for c in phases.T.tolist()]
    return [((phase * t + q // 2) % q - q // 2) / t for phase in composed]


@pytest.fixture(scope="module")
def measured(context: Context) -> tuple[float, float]:
    """Deviations of the noise of a lane before and after u * z + e were added."""
    count, t = context.parameters.poly_degree, context.parameters.plain_modulus
    key = ternary(count)
    coefficients = [_encrypted(context, key, uniform(count, 0, t)) for _ in range(DEGREE)]
    for coefficient in coefficients:
        context.evaluator.transform_to_ntt_inplace(coefficient)
    zero = encryption_of_zero(context, _encrypted(context, key, np.zeros(count, np.int64)))
    lane = next(lanes(context, coefficients, uniform(count, 1, t)))
    before = _noise(context, key, context.saved(lane).residues)
    after = _noise(context, key, rerandomised(context, zero, lane))
    return float(np.std(before)), float(np.std(after))


def test_the_noise_of_an_answer_is_what_the_model_says(
    context: Context, measured: tuple[float, float]
) -> None:
    assert measured[1] == pytest.approx(context.parameters.noise.deviation(DEGREE), rel=0.12)


def test_the_noise_of_a_list_alone_is_what_the_model_says(
    context: Context, measured: tuple[float, float]
) -> None:
    """The model's variance less that of the mask: small beside it here, and what grows with the degree."""
    mask = 2 * (context.parameters.poly_degree * 2 / 3) * ERROR_VARIANCE
    expected = (context.parameters.noise.deviation(DEGREE) ** 2 - mask) ** 0.5
    assert measured[0] == pytest.approx(expected, rel=0.12)
