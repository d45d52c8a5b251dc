"""What hides an answer from the owner that made the keys.

For each lane: second half += u * z + e, a fresh ring-LWE sample under the owner's encryption of zero, u uniform ternary,
e of SEAL's own noise law; first half += u * (z's first half), which keeps an honest owner's decryption right, and += Z,
uniform modulo every prime of the answer. So an answer is uniform in its first half and pseudorandom in its second,
whatever was uploaded. Guarantees fresh u, e and Z from the operating system for every call. The mask is put on after
the modulus was switched down: fewer primes to draw, and ring-LWE is harder, not easier, at the smaller modulus.
Protocol section 5; the argument is in docs/spec/match.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blindplate.psi.arithmetic import Integers, add_residues, to_residues
from blindplate.psi.context import Context
from blindplate.psi.randomness import errors, ternary, uniform_residues
from blindplate.psi.sealapi import Ciphertext, new_ciphertext


class MaskedLane(NamedTuple):
    """Both halves as the owner gets them, (2, answer primes, N), and sigma (N,): what Z alone decodes to."""

    halves: Integers
    sigma: Integers


def encryption_of_zero(context: Context, uploaded: Ciphertext) -> Ciphertext:
    """The uploaded encryption of zero at the level of answers, in NTT form; ``uploaded`` in coefficient form.

    Residues are dropped, not scaled: b + a * s = -e holds modulo every prime, hence modulo the first few.
    """
    residues = context.saved(uploaded).residues[:, : context.parameters.answer_primes]
    zero = context.ciphertext(residues, context.answer)
    context.evaluator.transform_to_ntt_inplace(zero)
    return zero


def masked(context: Context, zero: Ciphertext, lane: Ciphertext) -> MaskedLane:
    """Hide one lane of an evaluation."""
    primes = context.parameters.answer_moduli
    first, second = rerandomised(context, zero, lane)
    z = uniform_residues(context.parameters.poly_degree, primes)
    sigma = context.decrypt(
        context.decoder, context.ciphertext(np.stack([z, np.zeros_like(z)]), context.answer)
    )
    return MaskedLane(np.stack([add_residues(first, z, primes), second]), sigma)


def rerandomised(context: Context, zero: Ciphertext, lane: Ciphertext) -> Integers:
    """The halves (2, answer primes, N) of ``lane`` + u * zero + (0, e): all of the mask but Z."""
    degree, primes = context.parameters.poly_degree, context.parameters.answer_moduli
    sample = new_ciphertext()
    context.evaluator.multiply_plain(zero, context.polynomial(ternary(degree), context.answer), sample)
    context.evaluator.transform_from_ntt_inplace(sample)
    context.evaluator.add_inplace(sample, lane)
    halves = context.saved(sample).residues
    return np.stack([halves[0], add_residues(halves[1], to_residues(errors(degree), primes), primes)])
