"""Which uploads are due: pure rules over versions of the list, epochs and what is already uploaded.

The rules:
- The current epoch and ``ahead`` coming ones are due, and every past one from which spooled reads may still come.
- A version takes effect in the second after both custodians were seen to have witnessed it, rounded up, and never
  before: custodians release nothing that was captured sooner. A version that is not witnessed is not there yet.
- Versions are taken in order. An entry matches reads captured from when the version that listed it takes effect; one
  whose version did so before the epoch begins, from the epoch's beginning on.
- An epoch's first segment is a base. What is listed later is a delta, at most ``MAX_DELTAS`` of them; then, and
  when an entry was removed since, comes a new base, which succeeds all before it from its own time on.
- A coming epoch that has its base is brought up to date once, shortly before it begins.
- A version that is committed to for a zone's next key generation, in an epoch in which that begins, calls for a base
  that is made for both: at once, whether the epoch has begun or not.
- For an epoch that is over nothing is taken out any more: what its late reads reveal is judged when it is revealed.
Does not know how a version comes to be witnessed (``commitments``), nor whether capacity is left (``publish``).
Protocol sections 5 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.core.domains import Epoch, EpochRule

DELTA_LEAD_SECONDS: Final = 60.0
# Every segment with reads costs the matcher its own evaluation on every tick.
MAX_DELTAS: Final = 4


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the list, and whether entries it listed still stand.

    ``witnessed_at`` is the later moment (seconds since 1970, UTC) at which a custodian had witnessed it, as far as the
    owner saw; ``places`` the zones and key generations it is committed to for, as far as the epoch's reads can be of them.
    """

    version: int
    witnessed_at: float
    lists: bool
    places: frozenset[str] = frozenset()

    @property
    def begins(self) -> int:
        """The first second in which reads are matched by it."""
        return math.ceil(self.witnessed_at) + 1


@dataclass(frozen=True, slots=True)
class Removal:
    """Some entry listed by one version was removed by another."""

    listed_version: int
    removed_version: int


@dataclass(frozen=True, slots=True)
class Covering:
    """A segment in force: the entries listed by versions first to last that stood in version ``as_of``."""

    first_version: int
    last_version: int
    as_of: int
    matches_from: int
    places: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Due:
    """A segment to upload: what versions first to last list and nothing removed. A base covers from the first on.

    ``matches_from`` is in seconds since 1970, UTC.
    """

    epoch: Epoch
    base: bool
    first_version: int
    last_version: int
    matches_from: int


def epochs_due(
    rule: EpochRule, now: float, *, ahead: int, hold_seconds: int, begins: float, ends: float
) -> list[Epoch]:
    """The epochs to be covered at ``now`` inside a grant from ``begins`` to ``ends``: current, coming, then past.

    ``hold_seconds`` is how long after an epoch its reads may still be answered. The last past first, since its reads
    are the likeliest still to come.
    """
    current = rule.at(now)
    wanted = [current]
    for _ in range(ahead):
        wanted.append(wanted[-1].next())
    past = Epoch(rule, current.index - 1)
    while past.end() + hold_seconds > now and past.end() > begins:
        wanted.append(past)
        past = Epoch(rule, past.index - 1)
    return [epoch for epoch in wanted if epoch.end() > begins and epoch.start() < ends]


def segments_due(
    epoch: Epoch,
    now: float,
    versions: Sequence[Version],
    removals: Sequence[Removal],
    current: Sequence[Covering],
) -> list[Due]:
    """What ``epoch`` still lacks, in the order to upload it.

    ``versions`` are all of the list's that are witnessed, in order; ``current`` the segments in force that no base
    has succeeded, the base first.
    """
    if current and epoch.start() - delta_lead(epoch) > now and _covers(current[0], versions):
        return []
    due: list[Due] = []
    base_from = current[0].matches_from if current else None
    deltas = len(current) - 1
    for step in _steps(epoch, now, versions, removals, current):
        if base_from is None or step.rebase or step.begins <= base_from or deltas >= MAX_DELTAS:
            base_from, deltas = step.begins, 0
            due.append(Due(epoch, True, 1, step.last, step.begins))
        else:
            deltas += 1
            due.append(Due(epoch, False, step.first, step.last, step.begins))
    return due


def delta_lead(epoch: Epoch) -> float:
    """How long before it begins a coming epoch is brought up to date, in seconds."""
    return min(DELTA_LEAD_SECONDS, (epoch.end() - epoch.start()) / 2)


def _covers(base: Covering, versions: Sequence[Version]) -> bool:
    return all(one.places <= base.places for one in versions)


@dataclass(frozen=True, slots=True)
class _Step:
    """Versions that take effect in the epoch at the same second."""

    begins: int
    first: int
    last: int
    rebase: bool


def _steps(
    epoch: Epoch,
    now: float,
    versions: Sequence[Version],
    removals: Sequence[Removal],
    current: Sequence[Covering],
) -> list[_Step]:
    covered = max((segment.last_version for segment in current), default=0)
    first_unwanted = _first_unwanted(current, removals) if epoch.end() > now else None
    steps: list[_Step] = []
    # Where nothing is uploaded yet, the first thing that is listed brings a base of what it is committed to for.
    made = current[0].places if current else None
    for one in versions:
        rebase = one.version == first_unwanted or (made is not None and not one.places <= made)
        if one.begins >= epoch.end() or not (rebase or (one.lists and one.version > covered)):
            continue
        if made is None or rebase:
            made = one.places
        begins = max(math.ceil(epoch.start()), one.begins)
        step = _Step(begins, one.version, one.version, rebase)
        if steps and steps[-1].begins == begins:
            before = steps.pop()
            step = _Step(begins, before.first, one.version, rebase or before.rebase)
        steps.append(step)
    return steps


def _first_unwanted(current: Sequence[Covering], removals: Sequence[Removal]) -> int | None:
    """The first version that removed an entry which a segment in force still holds, or the last one in force.

    A base from its time on is enough: it is made of what stands now, so what later versions removed is not in it. It
    may not be of an older version than what is in force.
    """
    found = [
        removal.removed_version
        for removal in removals
        for segment in current
        if segment.first_version <= removal.listed_version <= segment.last_version
        and removal.removed_version > segment.as_of
    ]
    return max(min(found), *(segment.last_version for segment in current)) if found else None
