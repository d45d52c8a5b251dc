"""The check at start: SEAL does with a parameter set what its file states, or nothing is served.

Guarantees, when it returns, that on this machine SEAL saves and expands seeded ciphertexts in the form known here, that
the noise of a real evaluation stays within the file's margin, and that a hit opens and a stranger does not. Takes one
to three seconds; every process that encrypts, matches or opens gets its set through ``tested_set``. Protocol section 5.
"""

from __future__ import annotations

import os
from functools import lru_cache
from math import floor

import numpy as np

from blindplate.core.errors import BlindplateError, ParameterError
from blindplate.psi.arithmetic import Integers
from blindplate.psi.context import Context, context_for
from blindplate.psi.evaluation import lanes
from blindplate.psi.layout import plan
from blindplate.psi.mask import encryption_of_zero, rerandomised
from blindplate.psi.matcher import answer_batch, load_list
from blindplate.psi.owner import build_upload, open_answer
from blindplate.psi.parameters import ParameterSet, load_set
from blindplate.psi.randomness import uniform
from blindplate.psi.sealapi import Ciphertext, Decryptor, Encryptor


@lru_cache
def tested_set(name: str) -> ParameterSet:
    """The parameter set of that name, tried out once in this process. Raises ParameterError, each time anew."""
    parameters = load_set(name)
    self_test(parameters)
    return parameters


def self_test(parameters: ParameterSet) -> None:
    """Try the set out. Raises ParameterError unless everything its file states holds for the SEAL in use."""
    context = context_for(parameters)
    key = context.new_key()
    encryptor, decryptor = context.encryptor(key), context.decryptor(key)
    check_format(context, encryptor, decryptor)
    check_noise(context, encryptor, decryptor)
    try:
        _check_hits(parameters)
    except ParameterError:
        raise
    except BlindplateError as error:
        raise ParameterError("The self-test's own list or answer was refused.") from error


def check_format(context: Context, encryptor: Encryptor, decryptor: Decryptor) -> None:
    """What SEAL saves is read rightly, and what it expands from a seed is the ciphertext it had saved."""
    values = uniform(context.parameters.poly_degree, 0, context.parameters.plain_modulus)
    saved = context.saved(encryptor.encrypt_symmetric(context.encode(values)))
    if saved.ntt or saved.level != context.first or saved.seed is None:
        raise ParameterError("SEAL does not save a fresh encryption at the first level with its seed.")
    expanded = context.seeded(saved.residues[0], saved.seed)
    halves = context.saved(expanded).residues
    rebuilt = context.ciphertext(halves, context.first)
    for ciphertext in (expanded, rebuilt):
        if not (context.decrypt(decryptor, ciphertext) == values).all():
            raise ParameterError(
                "SEAL does not decrypt what it encrypted: its format or arithmetic has changed."
            )


def check_noise(context: Context, encryptor: Encryptor, decryptor: Decryptor) -> None:
    """A list of the least degree, evaluated for random reads, keeps the margin that the noise model gives it."""
    parameters = context.parameters
    degree, count = parameters.anonymity, parameters.poly_degree
    coefficients = [
        _encrypted(context, encryptor, uniform(count, 0, parameters.plain_modulus)) for _ in range(degree)
    ]
    for coefficient in coefficients:
        context.evaluator.transform_to_ntt_inplace(coefficient)
    zero = encryption_of_zero(context, _encrypted(context, encryptor, np.zeros(count, np.int64)))
    expected = floor(parameters.noise.margin_bits(degree))
    for lane in lanes(context, coefficients, uniform(count, 1, parameters.plain_modulus)):
        unhidden = context.ciphertext(rerandomised(context, zero, lane), context.answer)
        if decryptor.invariant_noise_budget(unhidden) < expected:
            raise ParameterError("An answer carries more noise than its parameter set states.")


def _check_hits(parameters: ParameterSet) -> None:
    entries, strangers = ([os.urandom(32) for _ in range(count)] for count in (64, 8))
    layout = plan(len(entries), parameters)
    upload = build_upload(entries, layout, parameters)
    loaded = load_list(parameters, layout, upload.body)
    reads, secrets = [entries[0], *strangers], [os.urandom(16) for _ in range(9)]
    batch = answer_batch(loaded, reads, secrets)
    found = open_answer(upload.secret, batch.answer)
    slot = batch.slots[batch.placed.index(0)]
    if found != [(slot, secrets[0])]:
        raise ParameterError("A known hit did not open, or a stranger did.")


def _encrypted(context: Context, encryptor: Encryptor, values: Integers) -> Ciphertext:
    saved = context.saved(encryptor.encrypt_symmetric(context.encode(values)))
    return context.seeded(saved.residues[0], saved.seed or b"")
