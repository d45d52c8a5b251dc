"""The stated test by which an answer is held to be noise: Pearson's chi-square over 256 equal cells.

Even values exceed ``THRESHOLD`` with probability ``FALSE_ALARM`` a look (the chi-square law with 255 degrees of
freedom; every look here is at 8,192 values or more, so 32 or more a cell). A run takes fewer than a thousand looks,
so one run in three million fails by chance.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from blindplate.psi.arithmetic import Integers

CELLS: Final = 256
THRESHOLD: Final = 420.0
FALSE_ALARM: Final = 3.4e-10


def surprise(values: Integers, bound: int) -> float:
    """Chi-square of integers of 0 to ``bound`` - 1 against the even law."""
    cells = np.array([int(value) * CELLS // bound for value in values.tolist()])
    expected = len(cells) / CELLS
    return float(((np.bincount(cells, minlength=CELLS) - expected) ** 2 / expected).sum())
