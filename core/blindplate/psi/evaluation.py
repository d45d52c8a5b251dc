"""r * P(x) under encryption, for every slot and lane.

P is summed by Paterson and Stockmeyer's method over plaintext powers of x: with B baby steps,
P(x) = x**d + sum over j of x**(jB) * (sum over b < B of c[jB + b] * x**b). The inner sums, nearly all of the work, are
shared by the lanes; a lane's r rides on the outer powers, so it costs no noise. The leading term is added in the clear:
no upload can be the zero polynomial, and none has more than d roots. **Nothing computed here may be shown to an owner
before** ``mask`` **has hidden it.** Protocol section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blindplate.psi.arithmetic import Integers, multiply, power
from blindplate.psi.context import Context
from blindplate.psi.randomness import uniform
from blindplate.psi.sealapi import Ciphertext, new_ciphertext


def lanes(context: Context, coefficients: Sequence[Ciphertext], elements: Integers) -> Iterator[Ciphertext]:
    """For each lane an encryption of r * P(x), coefficient form, at the level of answers; not yet masked.

    ``coefficients``: the list's ciphertexts, lowest first, in NTT form; ``elements``: x for each slot (N,), non-zero.
    Every lane draws an r of its own for each slot, uniform over the non-zero elements.
    """
    degree, t = len(coefficients), context.parameters.plain_modulus
    steps = baby_steps(degree, context.parameters.lanes)
    powers = [elements]
    for _ in range(steps - 1):
        powers.append(multiply(powers[-1], elements, t))  # x**1 to x**steps
    inner = _inner_sums(context, coefficients, powers[:-1])
    leading = power(elements, degree, t)
    for _ in range(context.parameters.lanes):
        scale = uniform(context.parameters.poly_degree, 1, t)
        yield _lane(context, inner, scale, powers[-1], leading)


def baby_steps(degree: int, lane_count: int) -> int:
    """How many coefficients an inner sum takes.

    Each baby step costs one encoded plaintext; each inner sum costs one a lane, and as much again in products.
    """
    return min(range(1, degree + 1), key=lambda steps: steps + (lane_count + 1) * -(-degree // steps))


def _inner_sums(
    context: Context, coefficients: Sequence[Ciphertext], powers: Sequence[Integers]
) -> list[Ciphertext]:
    """sum over b of c[jB + b] * x**b, for each j; ``powers`` are x**1 to x**(B - 1)."""
    evaluator = context.evaluator
    factors = [context.factor(values) for values in powers]
    steps = len(powers) + 1
    sums: list[Ciphertext] = []
    term = new_ciphertext()
    for start in range(0, len(coefficients), steps):
        total, *rest = coefficients[start : start + steps]
        if rest:
            summed = new_ciphertext()
            evaluator.multiply_plain(rest[0], factors[0], summed)
            for coefficient, factor in zip(rest[1:], factors[1:], strict=False):
                evaluator.multiply_plain(coefficient, factor, term)
                evaluator.add_inplace(summed, term)
            evaluator.add_inplace(summed, total)
            total = summed
        sums.append(total)
    return sums


def _lane(
    context: Context, inner: Sequence[Ciphertext], scale: Integers, giant: Integers, leading: Integers
) -> Ciphertext:
    """scale * P(x), switched down to the primes of answers."""
    evaluator, t = context.evaluator, context.parameters.plain_modulus
    total, term = new_ciphertext(), new_ciphertext()
    evaluator.multiply_plain(inner[0], context.factor(scale), total)
    outer = scale
    for inner_sum in inner[1:]:
        outer = multiply(outer, giant, t)
        evaluator.multiply_plain(inner_sum, context.factor(outer), term)
        evaluator.add_inplace(total, term)
    evaluator.transform_from_ntt_inplace(total)
    while total.coeff_modulus_size() > context.parameters.answer_primes:
        evaluator.mod_switch_to_next_inplace(total)
    evaluator.add_plain_inplace(total, context.encode(multiply(scale, leading, t)))
    return total
