"""Which characters of the prescribed font are taken for which others, and how often beside one another.

The pairs are those that makers of readers and of matchers name: 0 O D Q, 1 I, 2 Z, 5 S, 8 B, 6 G (Genetec's "OCR
equivalents"), V Y, M N W H, 3 8 7, 1 7, and parts that dirt adds or hides (C G, E F, P R). Weights are a judgement:
no figures for the font Charles Wright 2001 were found. They are kept apart from ``core.plates`` on purpose: a table
of alternates measured against itself would look better than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PAIRS: Final[tuple[tuple[str, str, float], ...]] = (
    ("0", "O", 6.0),
    ("1", "I", 5.0),
    ("8", "B", 5.0),
    ("5", "S", 4.0),
    ("2", "Z", 4.0),
    ("D", "O", 4.0),
    ("D", "0", 3.0),
    ("O", "Q", 1.0),
    ("0", "Q", 0.5),
    ("V", "Y", 3.0),
    ("M", "N", 2.5),
    ("M", "W", 1.5),
    ("H", "N", 1.5),
    ("H", "M", 1.5),
    ("H", "W", 0.5),
    ("3", "8", 2.5),
    ("6", "8", 2.0),
    ("5", "6", 1.5),
    ("8", "9", 1.0),
    ("0", "8", 1.0),
    ("1", "7", 2.5),
    ("3", "7", 1.0),
    ("6", "G", 1.5),
    ("C", "G", 2.5),
    ("E", "F", 2.5),
    ("F", "P", 1.5),
    ("P", "R", 2.0),
    ("K", "X", 1.5),
    ("U", "V", 1.0),
    ("4", "A", 0.7),
    ("7", "T", 0.7),
    ("L", "E", 0.5),
    ("I", "T", 0.5),
    ("J", "U", 0.5),
    ("1", "L", 0.5),
)
_LEAST: Final = 0.5


def _confusions() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for one, other, weight in _PAIRS:
        found.setdefault(one, {})[other] = weight
        found.setdefault(other, {})[one] = weight
    return found


# By what stands on the plate: what is read for it, and how often beside the other confusions.
CONFUSIONS: Final[Mapping[str, Mapping[str, float]]] = _confusions()
DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SCREW: Final = ("11", "H")


def confusability(character: str) -> float:
    """How often a character is taken for one that looks like it, beside others."""
    return max(sum(CONFUSIONS.get(character, {}).values()), _LEAST)


def alike(character: str) -> Mapping[str, float]:
    """What a character is taken for, with weights: what looks like it, or any other of its type where nothing does."""
    return CONFUSIONS.get(character) or dict.fromkeys(others(character), 1.0)


def others(character: str) -> str:
    """Every other character of its type."""
    return (DIGITS if character in DIGITS else LETTERS).replace(character, "")
