"""Samples: range, law, freshness. Statistical thresholds are set for false alarms below one in a billion."""

from __future__ import annotations

import os

import numpy as np
import pytest

from blindplate.psi import expansion
from blindplate.psi.expansion import expand
from blindplate.psi.parameters import load_set
from blindplate.psi.randomness import ERROR_VARIANCE, errors, ternary, uniform


def test_uniform_keeps_its_range_and_reaches_both_ends() -> None:
    drawn = uniform(2_000, -2, 3)
    assert set(drawn.tolist()) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("count", [0, 1, 8192])
def test_samples_have_the_length_asked_for(count: int) -> None:
    assert len(uniform(count, 1, 17592186028033)) == len(ternary(count)) == len(errors(count)) == count


def test_a_range_of_one_value_is_allowed() -> None:
    assert uniform(3, 7, 8).tolist() == [7, 7, 7]


def test_uniform_has_no_modulo_bias() -> None:
    """A range of 3 * 2**k, the worst for a careless reduction: the thirds differ by less than six deviations."""
    drawn = uniform(90_000, 0, 3 << 40)
    thirds = np.bincount(drawn >> 40, minlength=3)
    assert np.abs(thirds - 30_000).max() < 6 * (90_000 * 2 / 9) ** 0.5


def test_ternary_is_even() -> None:
    counts = np.bincount(ternary(90_000) + 1, minlength=3)
    assert len(counts) == 3
    assert np.abs(counts - 30_000).max() < 6 * (90_000 * 2 / 9) ** 0.5


def test_errors_follow_the_centred_binomial_law() -> None:
    drawn = errors(100_000)
    assert np.abs(drawn).max() <= 21
    assert abs(drawn.mean()) < 6 * (ERROR_VARIANCE / 100_000) ** 0.5
    assert abs(drawn.var() / ERROR_VARIANCE - 1) < 6 * (2 / 100_000) ** 0.5


def test_every_call_draws_anew_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(size: int) -> bytes:
        sizes.append(size)
        return bytes(size)

    monkeypatch.setattr(os, "urandom", counted)
    for sample in (uniform(100, 0, 1 << 44), ternary(100), errors(100)):
        assert len(sample) == 100
    assert len(sizes) == 3
    assert sizes[0] >= 800
    assert sizes[1] >= 100
    assert sizes[2] >= 800


def test_a_draw_that_falls_short_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator that yields only refused values at first must cost a second draw, never a wrong value."""
    draws = iter([b"\xff" * 10_000, bytes(10_000), b"\xff" * 10_000, bytes(10_000)])
    monkeypatch.setattr(os, "urandom", lambda size: next(draws)[:size])
    assert uniform(10, 0, 5).tolist() == [0] * 10
    assert ternary(10).tolist() == [-1] * 10


def test_expansion_is_a_function_of_its_seed() -> None:
    primes = load_set("prompt").answer_moduli
    one = expand(b"a" * 32, 8192, primes)
    assert (one == expand(b"a" * 32, 8192, primes)).all()
    assert (one != expand(b"b" * 32, 8192, primes)).mean() > 0.999
    assert (one[0] % 1000 != one[1] % 1000).mean() > 0.9
    assert one.max(axis=1).tolist() < list(primes)


def test_expansion_passes_over_words_that_are_not_below_the_prime() -> None:
    """Half the words under 2**k + 1 are refused, so the stream must be taken further."""
    prime = (1 << 20) + 7
    expanded = expand(b"c" * 32, 500, (prime,))
    assert expanded.shape == (1, 500)
    assert expanded.max() < prime
    longer = expand(b"c" * 32, 900, (prime,))
    assert (longer[0, :500] == expanded[0]).all()
    assert expansion.MASK_SEED_BYTES == 32
