"""What a correct system must make of a simulation: every hit, and every plate that must never be one.

Guarantees that expectations follow from the texts that engines gave, through the same reading of plates that cameras
and owners use, and from the lists alone. A misread that gives another listed vehicle's plate is an expected hit of
that plate, reported as ``mistaken``: no system can know. Does not model epochs, windows or list changes: every list
holds for the whole simulation. Protocol section 2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from blindplate.cli.traffic.passes import Pass
from blindplate.cli.traffic.vehicles import Vehicle
from blindplate.core.plates import CanonicalPlate


@dataclass(frozen=True, slots=True)
class ExpectedHit:
    """A plate of one list, read in one pass at one camera. Its plate shows in no text form of this."""

    list_id: str
    plate: CanonicalPlate
    camera: str
    pass_id: str


@dataclass(frozen=True, slots=True)
class Truth:
    """The expectations, for lists by name.

    ``hits``: must come, unflagged, and no others. ``flagged``: must come as alternates. A flagged hit that also is
    in ``hits`` may come as well: it depends on which event of the pass came first; any other must not.
    ``mistaken``: those of ``hits`` whose plate is not that of the vehicle that passed. ``missed``: listed vehicles
    that passed and were read as something else throughout, so that ``hits`` cannot hold them (``flagged`` may).
    ``right``: by list, plate and camera, the passes in which the listed vehicle was read right.
    ``strangers``: by list, every plate that passed or was read as, alternates included, and is not on that list.
    """

    hits: frozenset[ExpectedHit]
    flagged: frozenset[ExpectedHit]
    mistaken: frozenset[ExpectedHit]
    missed: frozenset[ExpectedHit]
    right: Mapping[tuple[str, CanonicalPlate, str], tuple[str, ...]]
    strangers: Mapping[str, frozenset[CanonicalPlate]]


def truth_of(passes: Iterable[Pass], lists: Mapping[str, Iterable[Vehicle]]) -> Truth:
    """The expectations of ``passes`` for ``lists`` by name."""
    listed = {name: frozenset(vehicle.plate for vehicle in vehicles) for name, vehicles in lists.items()}
    found = _Found(listed)
    for one in passes:
        found.take(one)
    return Truth(
        frozenset(found.hits),
        frozenset(found.flagged),
        frozenset(found.mistaken),
        frozenset(found.missed),
        {key: tuple(passes) for key, passes in found.right.items()},
        {name: frozenset(found.plates - plates) for name, plates in listed.items()},
    )


class _Found:
    """What was found so far, over passes."""

    def __init__(self, listed: Mapping[str, frozenset[CanonicalPlate]]) -> None:
        self._listed = listed
        self.hits: set[ExpectedHit] = set()
        self.flagged: set[ExpectedHit] = set()
        self.mistaken: set[ExpectedHit] = set()
        self.missed: set[ExpectedHit] = set()
        self.right: defaultdict[tuple[str, CanonicalPlate, str], list[str]] = defaultdict(list)
        self.plates: set[CanonicalPlate] = set()

    def take(self, one: Pass) -> None:
        own = one.vehicle.plate
        readings = one.readings()
        primary = {reading.primary for reading in readings}
        # An alternate that another event of the pass shows for certain is that read, not a second one.
        alternate = {plate for reading in readings for plate in reading.alternates} - primary
        self.plates |= primary | alternate | {own}
        for list_id, plates in self._listed.items():
            self.hits |= _expected(list_id, one, primary & plates)
            self.flagged |= _expected(list_id, one, alternate & plates)
            self.mistaken |= _expected(list_id, one, (primary & plates) - {own})
            self.missed |= _expected(list_id, one, ({own} & plates) - primary)
            if own in plates & primary:
                self.right[list_id, own, one.camera].append(one.pass_id)


def _expected(list_id: str, one: Pass, plates: Iterable[CanonicalPlate]) -> set[ExpectedHit]:
    return {ExpectedHit(list_id, plate, one.camera, one.pass_id) for plate in plates}
