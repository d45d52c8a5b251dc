"""The masks: with them an answer is noise to whoever made the keys; without them the reads fall out.

The hostile list used here needs no lattices: under the key 0 a first half *is* the phase, so its owner reads whatever
the matcher adds up. Its one non-zero ciphertext, coefficient 0, is a constant that lifts r into bits of the phase that
an honest list leaves to noise; the leading term gives r * x**d; their quotient gives x.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod

import numpy as np
import pytest

from blindplate.psi import evaluation
from blindplate.psi.answer import Answer, unwrap
from blindplate.psi.arithmetic import Integers, multiply
from blindplate.psi.blob import Blob, serialise
from blindplate.psi.context import Context
from blindplate.psi.evaluation import lanes
from blindplate.psi.expansion import expand
from blindplate.psi.layout import declared
from blindplate.psi.mapping import place
from blindplate.psi.mask import masked, rerandomised
from blindplate.psi.matcher import LoadedList, answer_batch, load_list
from blindplate.psi.randomness import uniform
from tests.unit.psi.lists import Uploaded

DEGREE = 65  # coprime to t - 1, so that x**d has one root
CELLS = 256
# Chi-square with 255 degrees of freedom exceeds 420 with probability 2e-10 (Wilson and Hilferty: six deviations): the
# false-alarm rate of each look below. A dozen looks a run, so less than one false alarm in 10**8 runs.
THRESHOLD = 420.0


@dataclass(frozen=True)
class Hostile:
    """The list of an owner that wants to read the matcher's reads."""

    context: Context
    loaded: LoadedList
    lift: int

    def elements_read_from(self, first_half: Integers) -> Integers:
        """x of every slot, if the first half of a lane (primes, N) is what the matcher added up and no more."""
        parameters, t = self.context.parameters, self.context.parameters.plain_modulus
        q = prod(parameters.answer_moduli)
        leading = self._slots(first_half)  # r * x**d
        scale: list[int] = []
        for phase in _composed(first_half, parameters.answer_moduli):
            message = (phase * t + q // 2) // q
            noise = phase - (message * q + t // 2) // t
            scale.append(round(noise / self.lift))
        lifted = np.array([(value % t * q + t // 2) // t % q for value in scale], object)
        r = self._slots(np.stack([(lifted % prime).astype(np.int64) for prime in parameters.answer_moduli]))
        inverse = pow(DEGREE, -1, t - 1)
        return np.array(
            [
                pow(top * pow(bottom or 1, -1, t), inverse, t)
                for top, bottom in zip(leading.tolist(), r.tolist(), strict=True)
            ],
            np.int64,
        )

    def _slots(self, first_half: Integers) -> Integers:
        alone = self.context.ciphertext(
            np.stack([first_half, np.zeros_like(first_half)]), self.context.answer
        )
        return self.context.decrypt(self.context.decoder, alone)


def _composed(residues: Integers, primes: tuple[int, ...]) -> list[int]:
    """The integers modulo the product of ``primes`` with these residues."""
    q = prod(primes)
    factors = [q // prime * pow(q // prime, -1, prime) for prime in primes]
    columns = zip(*(row.tolist() for row in residues), strict=True)
    return [sum(f * r for f, r in zip(factors, column, strict=True)) % q for column in columns]


def _surprise(cells: Integers) -> float:
    """Chi-square of values 0 to 255 against the even law."""
    expected = len(cells) / CELLS
    return float(((np.bincount(cells, minlength=CELLS) - expected) ** 2 / expected).sum())


def _place_between_messages(first_half: Integers, context: Context) -> Integers:
    """Where each coefficient lies between two neighbouring messages, in 256 cells."""
    parameters = context.parameters
    q = prod(parameters.answer_moduli)
    phases = _composed(first_half, parameters.answer_moduli)
    return np.array([phase * parameters.plain_modulus % q * CELLS // q for phase in phases], np.int64)


@pytest.fixture(scope="module")
def hostile(context: Context) -> Hostile:
    parameters = context.parameters
    lift = 1 << 10
    constant = lift * prod(parameters.data_primes[parameters.answer_primes :])
    zero = np.zeros((len(parameters.data_primes), parameters.poly_degree), np.int64)
    lifted = zero.copy()
    lifted[:, 0] = [constant % prime for prime in parameters.data_primes]
    halves = [zero, lifted, *([zero] * (DEGREE - 1))]
    blobs = [serialise(Blob(half, os.urandom(64)), parameters) for half in halves]
    return Hostile(context, load_list(parameters, declared(1, DEGREE, parameters), blobs), lift)


@pytest.fixture(scope="module")
def elements(context: Context) -> Integers:
    return uniform(context.parameters.poly_degree, 1, context.parameters.plain_modulus)


def test_without_the_masks_every_read_falls_out(hostile: Hostile, elements: Integers) -> None:
    context = hostile.context
    lane = next(lanes(context, hostile.loaded.coefficients, elements))
    first_half = context.saved(lane).residues[0]
    assert (hostile.elements_read_from(first_half) == elements).all()
    assert _surprise(_place_between_messages(first_half, context)) > 100 * THRESHOLD


def test_without_z_every_read_falls_out_all_the_same(hostile: Hostile, elements: Integers) -> None:
    """A hostile encryption of zero is zero: u * z hides nothing of the first half."""
    context = hostile.context
    lane = next(lanes(context, hostile.loaded.coefficients, elements))
    first_half, _ = rerandomised(context, hostile.loaded.zero, lane)
    assert (hostile.elements_read_from(first_half) == elements).all()


def test_with_the_masks_nothing_falls_out_and_the_answer_looks_even(
    hostile: Hostile, elements: Integers
) -> None:
    context = hostile.context
    primes = context.parameters.answer_moduli
    for lane in lanes(context, hostile.loaded.coefficients, elements):
        hidden = masked(context, hostile.loaded.zero, lane)
        first_half = expand(hidden.seed, context.parameters.poly_degree, primes)
        assert not (hostile.elements_read_from(first_half) == elements).any()
        assert _surprise(_place_between_messages(first_half, context)) < THRESHOLD
        for half in (first_half, hidden.second_half):
            for row, prime in zip(half, primes, strict=True):
                assert _surprise((row * CELLS // prime).astype(np.int64)) < THRESHOLD


def test_what_an_honest_owner_decrypts_for_strangers_looks_even(short: Uploaded, context: Context) -> None:
    """Value / t of every slot of every lane, under the owner's own key."""
    batch = answer_batch(short.loaded, [], [])
    parameters = context.parameters
    key = context.load_key(short.secret[60:])
    decryptor = context.decryptor(key)
    answer = Answer.from_bytes(batch.answer, parameters)
    for halves in answer.lanes(parameters):
        values = context.decrypt(decryptor, context.ciphertext(halves, context.answer))
        assert _surprise(values // (parameters.plain_modulus // CELLS + 1)) < THRESHOLD


def test_the_same_reads_are_never_masked_alike(short: Uploaded, context: Context) -> None:
    """r, Z, u and e are drawn anew: two answers to one batch share nothing, nor do two lanes of one answer."""
    reads, secrets = [short.entries[0]] * 50, [bytes(16)] * 50
    one, other = (
        Answer.from_bytes(answer_batch(short.loaded, reads, secrets).answer, context.parameters)
        for _ in range(2)
    )
    assert len({*one.seeds, *other.seeds}) == 6
    assert (one.second_halves != other.second_halves).mean() > 0.999
    assert (one.second_halves[0] != one.second_halves[1]).mean() > 0.999
    assert (one.wrapped != other.wrapped).mean() > 0.9


def _opened_under_key_zero(hostile: Hostile, answer: bytes) -> dict[int, bytes]:
    """What an owner whose key is 0 opens: the first halves alone are the phases."""
    parsed = Answer.from_bytes(answer, hostile.context.parameters)
    values = [hostile._slots(halves[0]) for halves in parsed.lanes(hostile.context.parameters)]
    return unwrap(parsed.wrapped, values)


def _nothing_listed(context: Context) -> list[bytes]:
    zero = np.zeros((len(context.parameters.data_primes), context.parameters.poly_degree), np.int64)
    return [serialise(Blob(zero, os.urandom(64)), context.parameters) for _ in range(DEGREE + 1)]


def test_the_zero_polynomial_opens_nothing(hostile: Hostile) -> None:
    context = hostile.context
    layout = declared(1, DEGREE, context.parameters)
    loaded = load_list(context.parameters, layout, _nothing_listed(context))
    batch = answer_batch(loaded, [os.urandom(32) for _ in range(100)], [bytes(16)] * 100)
    assert _opened_under_key_zero(hostile, batch.answer) == {}


def test_without_the_leading_term_the_zero_polynomial_opens_every_read(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "power", lambda base, *_: np.zeros_like(base))
    context = hostile.context
    layout = declared(1, DEGREE, context.parameters)
    loaded = load_list(context.parameters, layout, _nothing_listed(context))
    batch = answer_batch(loaded, [os.urandom(32) for _ in range(100)], [bytes(16)] * 100)
    assert set(_opened_under_key_zero(hostile, batch.answer)) == set(batch.slots)


def test_the_evaluation_is_r_times_p(short: Uploaded, context: Context) -> None:
    """Two lanes of one batch decrypt to different multiples of P(x), both zero exactly where x is a root."""
    t = context.parameters.plain_modulus
    listed = place(short.entries, short.salt, 1, t).elements
    x = uniform(context.parameters.poly_degree, 1, t)
    x[: len(listed)] = listed
    decryptor = context.decryptor(context.load_key(short.secret[60:]))
    one, other, _ = (
        context.decrypt(decryptor, lane) for lane in lanes(context, short.loaded.coefficients, x)
    )
    assert np.nonzero(one == 0)[0].tolist() == np.nonzero(other == 0)[0].tolist() == list(range(len(listed)))
    assert (one[len(listed) :] != other[len(listed) :]).all()


def test_a_last_block_of_one_coefficient_is_summed_too(short: Uploaded, context: Context) -> None:
    """Three coefficients in blocks of two: the second block has no product in it."""
    t = context.parameters.plain_modulus
    x = uniform(context.parameters.poly_degree, 1, t)
    decryptor = context.decryptor(context.load_key(short.secret[60:]))
    coefficients = short.loaded.coefficients[:3]
    first, second = evaluation._inner_sums(context, coefficients, [x])
    values: list[Integers] = []
    for ciphertext in (*coefficients, first, second):
        context.evaluator.transform_from_ntt_inplace(ciphertext)
        values.append(context.decrypt(decryptor, ciphertext))
        context.evaluator.transform_to_ntt_inplace(ciphertext)
    c0, c1, c2, sum_0, sum_1 = values
    assert (sum_0 == (c0 + multiply(c1, x, t)) % t).all()
    assert (sum_1 == c2).all()
