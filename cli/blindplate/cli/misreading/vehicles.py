"""Vehicles by the state of their plates, which decides how often and how each is misread.

Guarantees that one vehicle in fifteen has a plate that is not legal, half of those by their spacing and half by their
font, and that the mean rate of misreads over vehicles is the one asked for. A state lasts the day: who is misread once
is likelier to be misread again, at the same character. Shares and factors are a judgement, not a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Final

from blindplate.cli.misreading.font import SCREW
from blindplate.cli.traffic.vehicles import Vehicle
from blindplate.core.errors import InputError

ILLEGAL_SHARE: Final = 1 / 15
_DIRTY_SHARE: Final = 0.05
_SCREWED_SHARE: Final = 0.1
# A plate with a screw between two 1s is read so in half of its reads.
SCREW_RATE: Final = 0.5
_SHOWN_SHARE: Final = 0.5
HIGHEST_RATE: Final = 0.1


class Kind(Enum):
    """What one misread is."""

    CONFUSED = "confused"  # a character taken for one that looks like it
    OBSCURED = "obscured"  # a character taken for any other: dirt, a shadow, a ball hitch
    PARTIAL = "partial"  # a character lost, most often at an end
    SCREW = "screw"  # two 1s with a screw between them read as H


class State(Enum):
    """The state of a plate."""

    CLEAN = "clean"
    DIRTY = "dirty"
    SPACED = "spaced"
    STYLED = "styled"


@dataclass(frozen=True, slots=True)
class Habit:
    """How many times as often as a clean plate it is misread, and the shares of kinds."""

    factor: float
    kinds: Mapping[Kind, float]


HABITS: Final[Mapping[State, Habit]] = {
    State.CLEAN: Habit(1, {Kind.CONFUSED: 0.78, Kind.OBSCURED: 0.10, Kind.PARTIAL: 0.12}),
    State.DIRTY: Habit(5, {Kind.CONFUSED: 0.45, Kind.OBSCURED: 0.40, Kind.PARTIAL: 0.15}),
    State.SPACED: Habit(2, {Kind.CONFUSED: 0.60, Kind.OBSCURED: 0.10, Kind.PARTIAL: 0.30}),
    State.STYLED: Habit(8, {Kind.CONFUSED: 0.85, Kind.OBSCURED: 0.15}),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A vehicle of the day. ``rate`` is how often it is misread other than by its screw, ``weak`` the index of the
    character that is misread most; ``shown`` the text with its odd spacing, where an engine gives spacing."""

    country: str
    text: str = field(repr=False)
    shown: str = field(repr=False)
    state: State
    screwed: bool
    weak: int | None
    rate: float


def subjects(rng: Random, vehicles: Sequence[Vehicle], misread_rate: float) -> tuple[Subject, ...]:
    """The vehicles with their plates' states, misread at a mean rate of ``misread_rate``.

    Raises InputError for a rate that is not from 0 to HIGHEST_RATE.
    """
    if not 0 <= misread_rate <= HIGHEST_RATE:
        raise InputError(
            "A misread rate is out of range.", f"Choose one from 0 to {HIGHEST_RATE:.0%} of the reads."
        )
    states = [_state(rng) for _ in vehicles]
    screwed = [SCREW[0] in one.text and rng.random() < _SCREWED_SHARE for one in vehicles]
    # A screw takes its reads first, so the others' rate applies to what it leaves.
    by_screw = SCREW_RATE if misread_rate else 0.0
    left = misread_rate * len(vehicles) - by_screw * sum(screwed)
    weights = sum(
        HABITS[state].factor * (1 - by_screw * has) for state, has in zip(states, screwed, strict=True)
    )
    clean = max(left, 0) / weights if vehicles else 0.0
    return tuple(
        _subject(rng, vehicle, state, has, clean)
        for vehicle, state, has in zip(vehicles, states, screwed, strict=True)
    )


def _state(rng: Random) -> State:
    drawn = rng.random()
    if drawn < ILLEGAL_SHARE:
        return State.SPACED if drawn < ILLEGAL_SHARE / 2 else State.STYLED
    return State.DIRTY if rng.random() < _DIRTY_SHARE else State.CLEAN


def _subject(rng: Random, vehicle: Vehicle, state: State, screwed: bool, clean: float) -> Subject:
    text = vehicle.text
    shown = text
    if state is State.SPACED and rng.random() < _SHOWN_SHARE:
        at = rng.randrange(1, len(text))
        shown = f"{text[:at]} {text[at:]}"
    weak = None if state is State.CLEAN else rng.randrange(len(text))
    return Subject(vehicle.country, text, shown, state, screwed, weak, HABITS[state].factor * clean)
