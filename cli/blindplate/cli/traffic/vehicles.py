"""A population of vehicles with plates that are valid marks, most of them of the current British format.

Guarantees that the same seed and size give the same vehicles, that no two have one canonical plate, and that every
plate has six characters or more, so that a search of files for one seldom meets it by chance. Does not model who
owns what, nor plates that are not legal. Protocol section 2 for what a plate is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from blindplate.core.errors import InputError
from blindplate.core.plates import CanonicalPlate, Format, canonicalize
from blindplate.core.plates.grammar import exact_format

HOME_COUNTRY: Final = "GB"

# Letters that marks of the current format are issued with: memory tags begin with no I, J, Q, T, U, X or Z.
_TAG_FIRST: Final = "ABCDEFGHKLMNOPRSVWY"
_TAG_SECOND: Final = "ABCDEFGHJKLMNOPRSTUVWXY"
_RANDOM: Final = "ABCDEFGHJKLMNOPRSTUVWXYZ"
_SERIAL: Final = "ABCDEFGHJKLMNOPRSTUVWXY"
# Age identifiers in the order of issue: 51 in September 2001, 02 in March 2002, 52, 03, ... 75 in September 2025.
_AGES: Final = ("51", *(f"{half + year:02d}" for year in range(2, 26) for half in (0, 50)))
_SUFFIX_YEARS: Final = "ABCDEFGHJKLMNPRSTVWXY"
_PREFIX_YEARS: Final = "ABCDEFGHJKLMNPRSTVWXY"
_NI_CODES: Final = (
    "AZ",
    "BZ",
    "CZ",
    "DZ",
    "EZ",
    "FZ",
    "GZ",
    "HZ",
    "IA",
    "IB",
    "IG",
    "IJ",
    "IL",
    "IW",
    "JI",
    "OI",
)

_MODELS: Final = (
    ("Ford", "Fiesta"),
    ("Ford", "Focus"),
    ("Ford", "Transit"),
    ("Vauxhall", "Corsa"),
    ("Vauxhall", "Astra"),
    ("Volkswagen", "Golf"),
    ("Volkswagen", "Polo"),
    ("Nissan", "Qashqai"),
    ("Nissan", "Leaf"),
    ("BMW", "3 Series"),
    ("Mini", "Cooper"),
    ("Toyota", "Yaris"),
    ("Toyota", "Prius"),
    ("Audi", "A3"),
    ("Mercedes-Benz", "Sprinter"),
    ("Kia", "Sportage"),
    ("Hyundai", "i10"),
    ("Peugeot", "208"),
    ("Renault", "Clio"),
    ("Skoda", "Octavia"),
    ("Land Rover", "Defender"),
    ("Tesla", "Model 3"),
)
_COLOURS: Final = ("black", "white", "grey", "blue", "silver", "red", "green", "orange", "yellow")
_COLOUR_SHARES: Final = (22, 18, 26, 14, 9, 7, 2, 1, 1)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle: the text of its plate without spacing, its country (ISO 3166-1 alpha-2), and what it looks like."""

    text: str = field(repr=False)
    plate: CanonicalPlate
    make: str
    model: str
    colour: str

    @property
    def country(self) -> str:
        """The ISO 3166-1 alpha-2 code of the country of registration."""
        return self.plate.country


def population(seed: int, size: int) -> tuple[Vehicle, ...]:
    """``size`` vehicles in random order, each with a plate of its own.

    Raises InputError for a size below zero.
    """
    if size < 0:
        raise InputError("A population has fewer than no vehicles.", "Ask for a size of zero or more.")
    # A simulation's randomness is to be repeatable and keeps nothing secret; no key is ever drawn from it.
    rng = Random(f"vehicles {seed}")  # noqa: S311 -- repeatable on purpose, and no secret
    vehicles: dict[CanonicalPlate, Vehicle] = {}
    while len(vehicles) < size:
        vehicle = _vehicle(rng)
        vehicles.setdefault(vehicle.plate, vehicle)
    return tuple(vehicles.values())


def draw_mark(rng: Random) -> tuple[str, str]:
    """The country and text of a plate as ``population`` draws them, which is that plate's canonical text."""
    kind = rng.choices(_KINDS, _SHARES)[0]
    text = kind.draw(rng)
    while kind.country == HOME_COUNTRY and exact_format(text) is not kind.format:
        # A few combinations of letters and digits belong to another format first.
        text = kind.draw(rng)
    return kind.country, text


def _vehicle(rng: Random) -> Vehicle:
    country, text = draw_mark(rng)
    make, model = rng.choice(_MODELS)
    colour = rng.choices(_COLOURS, _COLOUR_SHARES)[0]
    return Vehicle(text, canonicalize(text, country), make, model, colour)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of plate: how it is drawn, and its share of the traffic in thousandths."""

    share: int
    country: str
    format: Format
    draw: Callable[[Random], str]


def _letters(rng: Random, alphabet: str, count: int) -> str:
    return "".join(rng.choices(alphabet, k=count))


def _number(rng: Random, low: int, high: int) -> str:
    return str(rng.randint(low, high))


def _current(rng: Random) -> str:
    # Cars of the last years are the most: half of them are from the last third of the identifiers.
    age = _AGES[max(rng.randrange(len(_AGES)), rng.randrange(len(_AGES)))]
    return rng.choice(_TAG_FIRST) + rng.choice(_TAG_SECOND) + age + _letters(rng, _RANDOM, 3)


def _prefix(rng: Random) -> str:
    return rng.choice(_PREFIX_YEARS) + _number(rng, 100, 999) + _letters(rng, _SERIAL, 3)


def _suffix(rng: Random) -> str:
    return _letters(rng, _SERIAL, 3) + _number(rng, 100, 999) + rng.choice(_SUFFIX_YEARS)


def _dateless(rng: Random) -> str:
    letters, number = _letters(rng, _SERIAL, 3), _number(rng, 100, 999)
    return rng.choice((letters + number, number + letters))


def _northern_ireland(rng: Random) -> str:
    return rng.choice(_SERIAL) + rng.choice(_NI_CODES) + _number(rng, 1000, 9999)


def _french(rng: Random) -> str:
    alphabet = "ABCDEFGHJKLMNPQRSTVWXYZ"
    return _letters(rng, alphabet, 2) + _number(rng, 100, 999) + _letters(rng, alphabet, 2)


def _german(rng: Random) -> str:
    district = rng.choice(("B", "M", "K", "HH", "KA", "DUS"))
    return district + _letters(rng, "ABCDEFGHJKLMNPRSTUVWXYZ", 2) + _number(rng, 1000, 9999)


def _irish(rng: Random) -> str:
    return (
        f"{rng.randint(13, 25)}{rng.choice('12')}{rng.choice(('D', 'C', 'G', 'L'))}{rng.randint(1000, 99999)}"
    )


def _dutch(rng: Random) -> str:
    return _letters(rng, "GHJKLNPRSTXZ", 1) + _number(rng, 100, 999) + _letters(rng, "BDFGHJKLNPRSTXZ", 2)


def _polish(rng: Random) -> str:
    return rng.choice(("WA", "KR", "GD", "PO")) + _number(rng, 10000, 99999)


_KINDS: Final = (
    _Kind(880, HOME_COUNTRY, Format.GB_CURRENT, _current),
    _Kind(40, HOME_COUNTRY, Format.GB_PREFIX, _prefix),
    _Kind(10, HOME_COUNTRY, Format.GB_SUFFIX, _suffix),
    _Kind(10, HOME_COUNTRY, Format.GB_DATELESS, _dateless),
    _Kind(30, HOME_COUNTRY, Format.NI, _northern_ireland),
    _Kind(9, "IE", Format.VERBATIM, _irish),
    _Kind(7, "FR", Format.VERBATIM, _french),
    _Kind(6, "PL", Format.VERBATIM, _polish),
    _Kind(5, "DE", Format.VERBATIM, _german),
    _Kind(3, "NL", Format.VERBATIM, _dutch),
)
_SHARES: Final = tuple(kind.share for kind in _KINDS)
