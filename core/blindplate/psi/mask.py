"""What hides an answer from the owner that made the keys.

For each lane: second half += u * z + e, a fresh ring-LWE sample under the owner's encryption of zero, u uniform ternary,
e of SEAL's own noise law; first half += u * (z's first half), which keeps an honest owner's decryption right, and += Z,
uniform modulo every prime of the answer. Z is chosen by its result: the masked first half is what a fresh public seed
expands to, so it holds nothing of the reads at all and travels as that seed. The second half is pseudorandom, whatever
was uploaded. Guarantees fresh u, e and seed from the operating system for every call. The mask is put on after the
modulus was switched down: fewer primes to draw, and ring-LWE is harder, not easier, at the smaller modulus.
Protocol section 5; the argument is in docs/spec/match.md.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from blindplate.psi.arithmetic import Integers, add_residues, subtract_residues, to_residues
from blindplate.psi.context import Context
from blindplate.psi.expansion import MASK_SEED_BYTES, expand
from blindplate.psi.randomness import errors, ternary
from blindplate.psi.sealapi import Ciphertext, new_ciphertext


class MaskedLane(NamedTuple):
    """What the owner gets, the seed of the first half and the second half (answer primes, N); and sigma (N,).

    sigma is what Z alone decodes to. It is the matcher's: the secrets of reads are wrapped under it.
    """

    seed: bytes
    second_half: Integers
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
    seed = os.urandom(MASK_SEED_BYTES)
    z = subtract_residues(expand(seed, context.parameters.poly_degree, primes), first, primes)
    alone = context.ciphertext(np.stack([z, np.zeros_like(z)]), context.answer)
    return MaskedLane(seed, second, context.decrypt(context.decoder, alone))


def rerandomised(context: Context, zero: Ciphertext, lane: Ciphertext) -> Integers:
    """The halves (2, answer primes, N) of ``lane`` + u * zero + (0, e): all of the mask but Z."""
    degree, primes = context.parameters.poly_degree, context.parameters.answer_moduli
    sample = new_ciphertext()
    context.evaluator.multiply_plain(zero, context.polynomial(ternary(degree), context.answer), sample)
    context.evaluator.transform_from_ntt_inplace(sample)
    context.evaluator.add_inplace(sample, lane)
    halves = context.saved(sample).residues
    return np.stack([halves[0], add_residues(halves[1], to_residues(errors(degree), primes), primes)])
