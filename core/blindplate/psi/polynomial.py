"""Monic polynomials from their roots, for all bins at once.

Exact over the field of t elements. Small factors are multiplied out by arrays across all bins together, the large ones
bin by bin by FLINT, whose multiplication is faster than quadratic: a million roots take about a second. Section 5.
"""

from __future__ import annotations

from typing import Final

import flint
import numpy as np

from blindplate.psi.arithmetic import Integers, multiply

_LEAF: Final = 16  # roots multiplied out by arrays before FLINT takes over: measured, 8 to 32 do alike


def from_roots(roots: Integers, modulus: int) -> Integers:
    """Coefficients (d, bins), lowest first and without the leading 1, of the polynomials with ``roots`` (d, bins)."""
    degree, bins = roots.shape
    coefficients = np.empty((degree, bins), np.int64)
    leaves = [
        _expanded(roots[start : start + _LEAF], modulus).T.tolist() for start in range(0, degree, _LEAF)
    ]
    for bin_ in range(bins):
        level = [flint.nmod_poly(leaf[bin_], modulus) for leaf in leaves]
        while len(level) > 1:
            odd = level[len(level) // 2 * 2 :]
            level = [a * b for a, b in zip(level[::2], level[1::2], strict=False)] + odd
        coefficients[:, bin_] = [int(c) for c in level[0].coeffs()][:-1]
    return coefficients


def _expanded(roots: Integers, modulus: int) -> Integers:
    """All coefficients (d + 1, bins), the leading 1 included, by one multiplication with (x - root) after another."""
    degree, bins = roots.shape
    product = np.zeros((degree + 1, bins), np.int64)
    product[0] = 1
    for count, root in enumerate((modulus - roots) % modulus, 1):
        shifted = product[:count].copy()
        product[:count] = multiply(shifted, np.broadcast_to(root, shifted.shape), modulus)
        product[1 : count + 1] += shifted
        product[1 : count + 1] %= modulus
    return product
