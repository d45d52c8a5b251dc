"""Readings: the plate that an engine most likely saw, and the few others that it may have seen instead.

Guarantees at most three alternates, all different and none the primary, in an order that depends on the input
alone. Does not propose two misread characters at once, and decides nothing: an alternate is a read of its own,
flagged, and a hit on one is never released automatically.
Protocol section 2; docs/spec/plates.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Final

from blindplate.core.errors import PlateError
from blindplate.core.plates.canonical import Written, canonicalize, gb_plate, settle, verbatim, written
from blindplate.core.plates.countries import UNKNOWN_COUNTRY, country_code
from blindplate.core.plates.grammar import FOLDS, Fit, Format, exact_format, fits
from blindplate.core.plates.plate import GRAMMAR_COUNTRY, CanonicalPlate

MAX_ALTERNATES: Final = 3
# A character read with at least this confidence is not doubted.
DOUBTED_BELOW: Final = 0.9
# A candidate that states less is left out: engines that list some whatever they think would flood the match.
CANDIDATES_FROM: Final = 0.02

# What looks alike in the prescribed font though both are letters, or both digits; likeliest first. The order is a
# judgement, not a measurement.
LOOKALIKES: Final[Mapping[str, str]] = {
    "C": "G",
    "D": "OQ",
    "E": "F",
    "F": "EP",
    "G": "C",
    "H": "NMW",
    "K": "X",
    "M": "NWH",
    "N": "MHW",
    "O": "DQ",
    "P": "FR",
    "Q": "OD",
    "R": "P",
    "U": "V",
    "V": "YU",
    "W": "MNH",
    "X": "K",
    "Y": "V",
    "0": "8",
    "1": "7",
    "3": "87",
    "5": "6",
    "6": "85",
    "7": "13",
    "8": "3609",
    "9": "8",
}

# Letters and digits that are taken for each other and yet never folded, since folding would merge D, O and 0.
CROSSED: Final[Mapping[str, str]] = {"D": "0", "Q": "0", "G": "6", "6": "G"}


class Source(Enum):
    """What an alternate comes from, in the order in which alternates are taken."""

    STRUCTURE = "structure"
    CROSSED = "crossed"
    CANDIDATES = "candidates"
    SCREW = "screw"
    LIKENESS = "likeness"


@dataclass(frozen=True, slots=True)
class AlternateRules:
    """How many alternates a read has at most, and from what.

    ``doubted_below`` is the confidence from which on a character is not doubted, ``candidates_from`` the least
    confidence of a candidate that states one, both from 0 to 1. What the defaults rest on: docs/adr/0009-alternates.md.
    """

    most: int = MAX_ALTERNATES
    doubted_below: float = DOUBTED_BELOW
    candidates_from: float = CANDIDATES_FROM
    sources: frozenset[Source] = frozenset(Source)


DEFAULT_RULES: Final = AlternateRules()


@dataclass(frozen=True, slots=True)
class PlateReading:
    """What one read of an engine may be: the plate to take, and up to three others, likeliest first."""

    primary: CanonicalPlate
    alternates: tuple[CanonicalPlate, ...]


def read_plates(
    raw: str,
    country: str | None,
    candidates: Sequence[tuple[str, float | None]] = (),
    char_confidences: Sequence[float] = (),
    rules: AlternateRules = DEFAULT_RULES,
) -> PlateReading:
    """The canonical plate of ``raw`` as ``canonicalize`` gives it, and its alternates.

    ``candidates`` are the engine's other texts with its confidence in each from 0 to 1, or None. ``char_confidences``
    are from 0 to 1, one for each character of ``raw`` or for each that is kept; of any other number they cannot be
    told apart and are left out of account. ``rules`` are a camera's, which its engine's habits may change. Raises
    PlateError for a raw text that is no plate and for a confidence that is not from 0 to 1; a candidate that is no
    plate is passed over.
    """
    confidences = [confidence for _, confidence in candidates if confidence is not None]
    # Also refuses NaN. An engine's percentages taken for fractions would put alternates in a meaningless order.
    if not all(0 <= confidence <= 1 for confidence in chain(confidences, char_confidences)):
        raise PlateError(
            "A confidence is not from 0 to 1.", "Scale the engine's confidences before reading plates."
        )
    cleaned, code = written(raw), country_code(country)
    primary = settle(cleaned, code)
    doubts = _doubts(cleaned, len(raw), char_confidences, rules.doubted_below)
    likely = [one for one in candidates if one[1] is None or one[1] >= rules.candidates_from]
    proposals = {
        Source.STRUCTURE: _by_structure(cleaned, code, primary),
        Source.CROSSED: _by_crossing(code, primary),
        Source.CANDIDATES: _by_candidates(likely, country, primary),
        Source.SCREW: _by_screw(code, primary, doubts),
        Source.LIKENESS: _by_likeness(code, primary, doubts),
    }
    proposed = chain.from_iterable(found for source, found in proposals.items() if source in rules.sources)
    others = dict.fromkeys(plate for plate in proposed if plate != primary)
    return PlateReading(primary, tuple(others)[: rules.most])


def alternates(
    raw: str,
    country: str | None,
    candidates: Sequence[tuple[str, float | None]] = (),
    char_confidences: Sequence[float] = (),
) -> tuple[CanonicalPlate, ...]:
    """The alternates alone of ``read_plates``."""
    return read_plates(raw, country, candidates, char_confidences).alternates


def _by_structure(cleaned: Written, code: str | None, primary: CanonicalPlate) -> Iterator[CanonicalPlate]:
    """The other marks that the same characters may be, where spacing does not tell."""
    if code not in (None, GRAMMAR_COUNTRY):
        return
    found = fits(cleaned.text)
    taken = next((fit for fit in found if fit.text == primary.text), None)
    if taken is None:
        likely = [fit for fit in found if fit.misreads == found[0].misreads]
    else:
        likely = [fit for fit in found if _no_less_likely(fit, taken, cleaned.cuts)]
    yield from map(gb_plate, likely)
    if code is None and primary.text != cleaned.text:
        # Nobody called the vehicle British: its text may be right, and foreign.
        yield verbatim(cleaned.text, UNKNOWN_COUNTRY)


def _by_crossing(code: str | None, primary: CanonicalPlate) -> Iterator[CanonicalPlate]:
    """A text that is no mark, and is one with a D or Q for the digit 0, or a G and 6 for each other, put right."""
    if code not in (None, GRAMMAR_COUNTRY) or primary.format is not Format.VERBATIM:
        return
    for index, character in enumerate(primary.text):
        if character in CROSSED:
            yield from _mark(primary.text[:index] + CROSSED[character] + primary.text[index + 1 :])


def _no_less_likely(fit: Fit, taken: Fit, cuts: frozenset[int]) -> bool:
    against, taken_against = not cuts <= fit.boundaries, not cuts <= taken.boundaries
    return fit.misreads <= taken.misreads and against <= taken_against


def _by_candidates(
    candidates: Sequence[tuple[str, float | None]], country: str | None, primary: CanonicalPlate
) -> Iterator[CanonicalPlate]:
    """The engine's own candidates: by confidence, then those without one in the engine's order."""
    for text, _ in sorted(
        candidates, key=lambda candidate: -1.0 if candidate[1] is None else candidate[1], reverse=True
    ):
        try:
            plate = canonicalize(text, country)
        except PlateError:
            continue
        # Beside a text that is a mark, one that is none is noise, and each alternate costs an evaluation.
        if plate.format is not Format.VERBATIM or primary.format is Format.VERBATIM:
            yield plate


def _by_screw(
    code: str | None, primary: CanonicalPlate, doubts: Mapping[int, float]
) -> Iterator[CanonicalPlate]:
    """A screw between two 1s reads as H: where that H is doubted, or keeps the text from being a mark."""
    if code not in (None, GRAMMAR_COUNTRY):
        return
    for index, character in enumerate(primary.text):
        if character == "H" and (index in doubts or primary.format is Format.VERBATIM):
            yield from _mark(primary.text[:index] + "11" + primary.text[index + 1 :])


def _by_likeness(
    code: str | None, primary: CanonicalPlate, doubts: Mapping[int, float]
) -> Iterator[CanonicalPlate]:
    """One doubted character replaced by one that looks like it, in order of doubt shared out by likeness."""
    ranked = sorted(
        (-doubt / (1 + rank), index, rank, other)
        for index, doubt in doubts.items()
        for rank, other in enumerate(
            FOLDS.get(primary.text[index], "") + LOOKALIKES.get(primary.text[index], "")
        )
    )
    for _, index, _, other in ranked:
        text = primary.text[:index] + other + primary.text[index + 1 :]
        if primary.country != GRAMMAR_COUNTRY and code is not None:
            yield verbatim(text, primary.country)
        else:
            yield from _mark(text)


def _mark(text: str) -> Iterator[CanonicalPlate]:
    """The GB plate of a text that is a mark as it stands; nothing for any other."""
    exact = exact_format(text)
    if exact is not None:
        yield gb_plate(Fit(exact, text, 0, frozenset()))


def _doubts(
    cleaned: Written, raw_length: int, char_confidences: Sequence[float], doubted_below: float
) -> dict[int, float]:
    """How doubtful each doubted character of the cleaned text is, from 0 to 1, by its index."""
    if len(char_confidences) == len(cleaned.text):
        confidences = list(char_confidences)
    elif cleaned.kept and len(char_confidences) == raw_length:
        confidences = [char_confidences[index] for index in cleaned.kept]
    else:
        return {}
    return {index: 1 - value for index, value in enumerate(confidences) if value < doubted_below}
