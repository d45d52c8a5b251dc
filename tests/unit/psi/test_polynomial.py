"""Polynomials from roots, checked by evaluating them."""

from __future__ import annotations

import numpy as np
import pytest

from blindplate.psi.parameters import SET_NAMES, load_set
from blindplate.psi.polynomial import from_roots
from blindplate.psi.randomness import uniform

MODULI = [load_set(name).plain_modulus for name in SET_NAMES]


def _value(coefficients: list[int], x: int, modulus: int) -> int:
    total = 1  # the leading coefficient
    for coefficient in reversed(coefficients):
        total = (total * x + coefficient) % modulus
    return total


@pytest.mark.parametrize("modulus", MODULI)
@pytest.mark.parametrize("degree", [1, 2, 15, 16, 17, 31, 33, 64, 95])
def test_roots_are_roots_and_nothing_else_is(degree: int, modulus: int) -> None:
    roots = uniform(degree * 3, 1, modulus).reshape(degree, 3)
    coefficients = from_roots(roots, modulus)
    assert coefficients.shape == (degree, 3)
    for column in range(3):
        polynomial = coefficients[:, column].tolist()
        assert not any(_value(polynomial, root, modulus) for root in roots[:, column].tolist())
        other = int(uniform(1, 1, modulus)[0])
        expected = 1
        for root in roots[:, column].tolist():
            expected = expected * (other - root) % modulus
        assert _value(polynomial, other, modulus) == expected


def test_a_root_may_occur_twice() -> None:
    modulus = MODULI[0]
    coefficients = from_roots(np.array([[5], [5]], np.int64), modulus)
    assert coefficients[:, 0].tolist() == [25, modulus - 10]
