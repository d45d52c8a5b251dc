"""The grammar of United Kingdom number plates, and the fits of a text to it.

Guarantees that a text has at most one format as it stands, and that what a fit proposes has its format as it
stands. Confusables are folded only between letter and digit, only where the grammar fixes which of the two a
slot holds. Does not know which marks were issued, nor of any calendar: an age identifier is any two digits,
so that no plate is folded into another one because of the year.
Protocol section 2; docs/spec/plates.md sections 3 to 5, which name the sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final


class Format(IntEnum):
    """Formats by their stable number, which is hashed. The order of numbers is the order of precedence."""

    GB_CURRENT = 1
    GB_PREFIX = 2
    GB_SUFFIX = 3
    GB_DATELESS = 4
    NI = 5
    GB_Q = 6
    GB_TRADE = 7
    GB_MILITARY = 8
    GB_DIPLOMATIC = 9
    VERBATIM = 255


@dataclass(frozen=True, slots=True)
class Fit:
    """One way in which a text fits the grammar.

    ``text`` is as folded. ``misreads`` counts the folds between characters that look different; folds within 0/O and
    1/I, which the prescribed font draws alike, are free. ``boundaries`` are the indices in ``text`` at which letters
    change to digits or back: the only places for spacing.
    """

    format: Format
    text: str
    misreads: int
    boundaries: frozenset[int]


# 0 and O, 1 and I, 2 and Z, 5 and S, 8 and B, in both directions.
FOLDS: Final[Mapping[str, str]] = dict(zip("01258OIZSB", "OIZSB01258", strict=True))


def exact_format(text: str) -> Format | None:
    """The one format that ``text`` has as it stands, or None."""
    return next((shape.format for shape in _BY_MASK.get(_mask(text), ()) if shape.admits(text)), None)


def fits(text: str) -> list[Fit]:
    """Every way in which ``text``, characters folded or not, fits the grammar; best first within a format."""
    found = [fit for shape in _BY_LENGTH.get(len(text), ()) if (fit := shape.fit(text)) is not None]
    return sorted(found, key=lambda fit: (fit.misreads, fit.format, fit.text))


def best_fit(text: str, cuts: frozenset[int] = frozenset()) -> Fit | None:
    """The fit of ``text`` that canonicalisation takes, or None when the grammar decides for none.

    ``cuts`` are the indices before which the writer put a separator. As it stands comes before folded; among folded
    fits: those whose boundaries hold every cut, then the fewest misreads, then precedence. A format that ties with
    itself there (two splits of a dateless mark) is passed over.
    """
    found = fits(text)
    exact = next((fit for fit in found if fit.text == text), None)
    if exact is not None or not cuts:
        return exact or _clearest(found)
    # Falling back to all fits keeps spacing from deciding for "none" what the bare text decides otherwise:
    # canonicalising a canonical text again must give itself.
    return _clearest([fit for fit in found if cuts <= fit.boundaries]) or _clearest(found)


def _clearest(found: Sequence[Fit]) -> Fit | None:
    nearest = [fit for fit in found if fit.misreads == found[0].misreads]
    formats = [fit.format for fit in nearest]
    return next((fit for fit in nearest if formats.count(fit.format) == 1), None)


@dataclass(frozen=True, slots=True)
class _Shape:
    """One slot sequence of a format. ``split_free``: other shapes of the format split this length otherwise."""

    format: Format
    slots: tuple[str, ...]
    split_free: bool

    def admits(self, text: str) -> bool:
        return all(character in slot for character, slot in zip(text, self.slots, strict=True))

    def fit(self, text: str) -> Fit | None:
        characters: list[str] = []
        misreads = 0
        for character, slot in zip(text, self.slots, strict=True):
            if character in slot:
                characters.append(character)
                continue
            folded = FOLDS.get(character, "")
            if not folded or folded not in slot:
                return None
            characters.append(folded)
            misreads += character not in "0O1I"
        folded_text = "".join(characters)
        if folded_text != text and not self._anchored(text):
            return None
        return Fit(self.format, folded_text, misreads, self.boundaries())

    def boundaries(self) -> frozenset[int]:
        mask = self.mask()
        return frozenset(index for index in range(1, len(mask)) if mask[index - 1] != mask[index])

    def mask(self) -> str:
        return "".join(_mask(slot[0]) for slot in self.slots)

    def _anchored(self, text: str) -> bool:
        """Whether enough of ``text`` was read as what its slot holds to take folded characters for misreads.

        Without this, digits alone (a telephone number on a van) would become marks, words would become trade
        plates, and the split of a dateless mark, which its length leaves open, would be guessed.
        """
        read, meant = _mask(text), self.mask()
        if not self.split_free:
            return ("L" if "L" in meant else "D") in read
        ends = [0, *sorted(self.boundaries()), len(meant)]
        return all(meant[start] in read[start:end] for start, end in pairwise(ends))


_TO_MASK: Final = str.maketrans(
    dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "L") | dict.fromkeys("0123456789", "D")
)


def _mask(text: str) -> str:
    return text.translate(_TO_MASK)


_DIGIT: Final = "0123456789"
_FIRST_DIGIT: Final = "123456789"
_AREA: Final = "ABCDEFGHJKLMNOPRSTUVWXY"  # no I, Q, Z: area codes, and every letter of older GB marks
_RANDOM: Final = _AREA + "Z"
_YEAR: Final = "ABCDEFGHJKLMNPRSTVWXY"  # the year letters of prefix and suffix marks: no I, O, Q, U, Z
_SERIAL: Final = _AREA
_FORCES: Final = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
# Letter pairs of Northern Ireland: AZ to YZ, and those with I that are not the Republic's.
_NI_CODES: Final = ((_AREA, "Z"), ("I", "ABGJLW"), ("JOUX", "I"))


def _number(longest: int) -> list[tuple[str, ...]]:
    return [(_FIRST_DIGIT, *[_DIGIT] * (length - 1)) for length in range(1, longest + 1)]


def _shapes() -> Iterator[_Shape]:
    yield _Shape(Format.GB_CURRENT, (_AREA, _AREA, _DIGIT, _DIGIT, _RANDOM, _RANDOM, _RANDOM), False)
    for number in _number(3):
        yield _Shape(Format.GB_PREFIX, (_YEAR, *number, _AREA, _AREA, _AREA), False)
        yield _Shape(Format.GB_SUFFIX, (_AREA, _AREA, _AREA, *number, _YEAR), False)
        yield _Shape(Format.GB_Q, ("Q", *number, _AREA, _AREA, _AREA), False)
    for letters in ((_AREA,), (_AREA, _AREA), (_AREA, _AREA, _AREA)):
        for number in _number(3 if len(letters) == 3 else 4):
            yield _Shape(Format.GB_DATELESS, (*letters, *number), True)
            yield _Shape(Format.GB_DATELESS, (*number, *letters), True)
        yield _Shape(Format.GB_TRADE, ("0", _DIGIT, _DIGIT, *letters), True)
    yield _Shape(Format.GB_TRADE, (_DIGIT,) * 5, False)
    for number in _number(4):
        for code in _NI_CODES:
            yield _Shape(Format.NI, (*code, *number), True)
            yield _Shape(Format.NI, (*number, *code), True)
            yield _Shape(Format.NI, (_SERIAL, *code, *number), True)
        yield _Shape(Format.NI, ("Q", "N", "I", *number), True)
    yield _Shape(Format.GB_MILITARY, (_FORCES, _FORCES, _DIGIT, _DIGIT, _FORCES, _FORCES), False)
    yield _Shape(Format.GB_MILITARY, (_DIGIT, _DIGIT, _FORCES, _FORCES, _DIGIT, _DIGIT), False)
    mission = (_FIRST_DIGIT, _DIGIT, _DIGIT)
    yield _Shape(Format.GB_DIPLOMATIC, (*mission, "DX", *mission), False)


_BY_LENGTH: Final[dict[int, list[_Shape]]] = defaultdict(list)
_BY_MASK: Final[dict[str, list[_Shape]]] = defaultdict(list)
for _shape in _shapes():
    _BY_LENGTH[len(_shape.slots)].append(_shape)
    _BY_MASK[_shape.mask()].append(_shape)
