"""Canonicalisation: from what an engine read or an owner listed to the one plate that both hash.

Guarantees that it is idempotent, that a text which has a format as it stands is never changed, and so that two
different valid marks never meet; cameras and owners run this same function of the same scheme version. Does not
guess what was misread: confusables of one type become alternates (``readings``), never another primary.
Protocol section 2; docs/spec/plates.md sections 2 to 5.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.errors import PlateError
from blindplate.core.plates.countries import UNKNOWN_COUNTRY, country_code
from blindplate.core.plates.grammar import Fit, Format, best_fit, exact_format
from blindplate.core.plates.plate import GRAMMAR_COUNTRY, MAX_PLATE_CHARACTERS, SCHEME_VERSION, CanonicalPlate

MAX_RAW_CHARACTERS: Final = 64

_KEPT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
# What engines and lists write for a character they do not know. Dropping it would name another vehicle.
_WILDCARDS: Final = frozenset("?*%")


@dataclass(frozen=True, slots=True)
class Written:
    """A raw text cleaned: what is kept of it, where, and where its separators were.

    ``cuts`` are the indices in ``text`` before which something was dropped. ``kept`` gives for each character of
    ``text`` its index in the raw text, and is empty when normalisation changed the raw text's length.
    """

    text: str = field(repr=False)
    cuts: frozenset[int]
    kept: tuple[int, ...]


def canonicalize(raw: str, country: str | None) -> CanonicalPlate:
    """The canonical plate of ``raw``, at most 64 characters with 1 to 16 of A-Z and 0-9 among them.

    ``country`` is what the engine or list calls it. One that names no country is unknown: the plate is GB's when
    the GB grammar takes the text, else it is kept verbatim under ``ZZ``. Raises PlateError for a text that is empty
    once cleaned, too long, or holds a wildcard.
    """
    return settle(written(raw), country_code(country))


def settle(cleaned: Written, code: str | None) -> CanonicalPlate:
    """The plate of a cleaned text under a country code, None when the country is unknown."""
    fit = grammar_fit(cleaned, code)
    if fit is not None:
        return gb_plate(fit)
    return verbatim(cleaned.text, code or UNKNOWN_COUNTRY)


def grammar_fit(cleaned: Written, code: str | None) -> Fit | None:
    """The fit to the GB grammar that canonicalisation takes, or None when it keeps the text verbatim."""
    if code not in (None, GRAMMAR_COUNTRY):
        return None
    exact = exact_format(cleaned.text)
    if exact is not None:
        return Fit(exact, cleaned.text, 0, frozenset())
    fit = best_fit(cleaned.text, cleaned.cuts)
    # Of a vehicle that nobody called British, spacing against the folded mark says that it is foreign.
    if fit is not None and code is None and not cleaned.cuts <= fit.boundaries:
        return None
    return fit


def gb_plate(fit: Fit) -> CanonicalPlate:
    """The plate of a fit to the GB grammar."""
    return CanonicalPlate(SCHEME_VERSION, GRAMMAR_COUNTRY, fit.format, fit.text)


def verbatim(text: str, country: str) -> CanonicalPlate:
    """The plate that keeps ``text`` as it is under ``country``."""
    return CanonicalPlate(SCHEME_VERSION, country, Format.VERBATIM, text)


def written(raw: str) -> Written:
    """NFKC, upper case (Unicode's full mapping), A-Z and 0-9 kept. Raises PlateError as ``canonicalize`` does."""
    if len(raw) > MAX_RAW_CHARACTERS:
        raise PlateError("A plate is written in more than 64 characters.")
    folded = unicodedata.normalize("NFKC", raw).upper()
    if not _WILDCARDS.isdisjoint(folded):
        raise PlateError(
            "A plate holds a wildcard for a character that is not known.",
            "Give every character of the plate.",
        )
    kept = [index for index, character in enumerate(folded) if character in _KEPT]
    if not 1 <= len(kept) <= MAX_PLATE_CHARACTERS:
        raise PlateError("A plate has no character, or more than 16, of A-Z and 0-9.")
    return Written(
        text="".join(folded[index] for index in kept),
        cuts=frozenset(at for at in range(1, len(kept)) if kept[at] > kept[at - 1] + 1),
        kept=tuple(kept) if len(folded) == len(raw) else (),
    )
