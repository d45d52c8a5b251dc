"""Products modulo primes up to 2**50 against Python's own integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.psi.arithmetic import (
    FIELD_LIMIT,
    add_residues,
    multiply,
    power,
    subtract_residues,
    to_residues,
)
from blindplate.psi.parameters import SET_NAMES, load_set
from blindplate.psi.randomness import uniform

MODULI = sorted({load_set(name).plain_modulus for name in SET_NAMES} | {2, 3, FIELD_LIMIT, FIELD_LIMIT - 27})


@pytest.mark.parametrize("modulus", MODULI)
def test_products_are_exact_for_random_operands(modulus: int) -> None:
    a, b = uniform(20_000, 0, modulus), uniform(20_000, 0, modulus)
    expected = [x * y % modulus for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert multiply(a, b, modulus).tolist() == expected


@pytest.mark.parametrize("modulus", MODULI)
def test_products_are_exact_where_the_quotient_is_nearly_whole(modulus: int) -> None:
    """Operands whose product lies within a few units of a multiple of the modulus, where a rounded quotient may slip."""
    a = uniform(2_000, 1, modulus) if modulus > 2 else np.ones(2_000, np.int64)
    quotients = uniform(2_000, 0, modulus)
    for offset in range(-2, 3):
        b = [
            min(modulus - 1, max(0, (q * modulus + offset) // x))
            for q, x in zip(quotients.tolist(), a.tolist(), strict=True)
        ]
        expected = [x * y % modulus for x, y in zip(a.tolist(), b, strict=True)]
        assert multiply(a, np.array(b, np.int64), modulus).tolist() == expected


@pytest.mark.parametrize("modulus", MODULI)
def test_products_are_exact_at_the_edges(modulus: int) -> None:
    edges = sorted({x % modulus for x in (*range(40), *range(-40, 0), modulus // 2, modulus // 2 + 1)})
    a, b = (np.array(grid).ravel() for grid in np.meshgrid(edges, edges))
    expected = [x * y % modulus for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert multiply(a, b, modulus).tolist() == expected


def test_the_stated_bound_is_needed() -> None:
    """Far above the limit products are wrong, so the limit in the parameter check is no decoration."""
    modulus = (1 << 61) - 1
    a, b = uniform(5_000, 0, modulus), uniform(5_000, 0, modulus)
    expected = [x * y % modulus for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    with np.errstate(over="ignore"):
        assert multiply(a, b, modulus).tolist() != expected


@given(st.integers(0, 5_000), st.sampled_from(MODULI))
@settings(max_examples=60)
def test_powers_agree_with_pythons(exponent: int, modulus: int) -> None:
    base = uniform(5, 0, modulus)
    expected = [pow(x, exponent, modulus) for x in base.tolist()]
    assert power(base, exponent, modulus).tolist() == expected


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=20))
def test_residues_of_small_numbers_add_up(values: list[int]) -> None:
    primes = load_set("bulk").data_primes
    small = to_residues(np.array(values, np.int64), primes)
    opposite = to_residues(-np.array(values, np.int64), primes)
    assert not add_residues(small, opposite, primes).any()
    assert not subtract_residues(small, small, primes).any()
    assert (subtract_residues(np.zeros_like(small), small, primes) == opposite).all()
