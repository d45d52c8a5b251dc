"""How an engine reads a plate, and how it misreads one.

Guarantees that a misread differs from the plate's text and is never empty, and that every event of a pass that shows
one text has the same candidates. Misreads follow the confusions of the prescribed font and of dirty plates; their
shares are a judgement, not a measurement. Gives no confidences of single characters, since not every format has
them and both formats are to mean the same. Protocol section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

# Letter for digit is undone where the grammar fixes the slot; letter for letter is not, and names another vehicle.
_CONFUSIONS: Final[Mapping[str, str]] = {
    "0": "OD",
    "O": "0D",
    "D": "O0",
    "1": "I",
    "I": "1",
    "8": "B",
    "B": "8",
    "V": "Y",
    "Y": "V",
    "M": "N",
    "N": "M",
    "5": "S",
    "S": "5",
    "2": "Z",
    "Z": "2",
}
# A screw between two 1s joins them.
_SCREW: Final = ("11", "H")

_DROPPED_SHARE: Final = 0.15
_THROUGHOUT_SHARE: Final = 0.6
_TRUE_CANDIDATE_SHARE: Final = 0.6
_DOUBTED_SHARE: Final = 0.05

_SURE: Final = (0.90, 0.99)
_UNSURE: Final = (0.55, 0.85)
_JITTER: Final = 0.02


@dataclass(frozen=True, slots=True)
class EngineText:
    """What an engine gives for one event: text, confidence from 0 to 1, and other texts with their confidences."""

    text: str = field(repr=False)
    confidence: float
    candidates: tuple[tuple[str, float], ...] = field(repr=False)


def read_right(rng: Random, text: str, events: int) -> tuple[EngineText, ...]:
    """One text for each of ``events``, all right. Now and then the engine offers a second text that is not."""
    doubted = rng.random() < _DOUBTED_SHARE
    candidates = ((misread(rng, text), _confidence(rng, _UNSURE)),) if doubted else ()
    return tuple(_texts(rng, text, candidates, _SURE, events))


def read_wrong(rng: Random, text: str, events: int) -> tuple[EngineText, ...]:
    """One text for each of ``events``: one misread in all of them, or in some with the others right.

    In part of the cases the engine offers the true text as a candidate.
    """
    wrong = misread(rng, text)
    known = rng.random() < _TRUE_CANDIDATE_SHARE
    candidates = ((text, _confidence(rng, (0.4, 0.54))),) if known else ()
    seen = list(_texts(rng, wrong, candidates, _UNSURE, events))
    if events > 1 and rng.random() >= _THROUGHOUT_SHARE:
        right = rng.sample(range(events), rng.randrange(1, events))
        for index, engine_text in zip(right, _texts(rng, text, (), _SURE, len(right)), strict=True):
            seen[index] = engine_text
    return tuple(seen)


def misread(rng: Random, text: str) -> str:
    """``text``, of at least two characters, with one thing misread."""
    confused = list(_confused(text))
    if confused and rng.random() >= _DROPPED_SHARE:
        return rng.choice(confused)
    at = rng.randrange(len(text))
    return text[:at] + text[at + 1 :]


def _confused(text: str) -> Iterator[str]:
    for at, character in enumerate(text):
        for other in _CONFUSIONS.get(character, ""):
            yield text[:at] + other + text[at + 1 :]
        two, one = _SCREW
        if text.startswith(two, at):
            yield text[:at] + one + text[at + len(two) :]


def _texts(
    rng: Random,
    text: str,
    candidates: tuple[tuple[str, float], ...],
    bounds: tuple[float, float],
    events: int,
) -> Iterator[EngineText]:
    """``text`` for each of ``events``, the confidence a little different each time."""
    low, high = bounds
    about = rng.uniform(low + _JITTER, high - _JITTER)
    for _ in range(events):
        yield EngineText(text, _confidence(rng, (about - _JITTER, about + _JITTER)), candidates)


def _confidence(rng: Random, bounds: tuple[float, float]) -> float:
    # Four places: a percentage with two says the same.
    return round(rng.uniform(*bounds), 4)
