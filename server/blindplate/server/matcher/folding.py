"""Which of a vehicle's kept reads of one day stays, and stands for the others.

Guarantees that for each tag one read stays: the first that is no alternate reading, the first of all where there is
none. What stays is counted as all the reads it stands for. A holder that may not be erased any more is left where it is,
and only gives up its tag. Knows neither database nor keys. Protocol section 8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tagged:
    """A kept read: its number, in the order of arrival, for how many ``reads`` it stands, and whether it may go."""

    number: int
    tag: bytes
    alternate: bool
    reads: int = 1
    foldable: bool = True


@dataclass(frozen=True, slots=True)
class Folding:
    """``stays`` by tag; ``into`` gives for each read that is to be erased the one that stands for it."""

    stays: Mapping[bytes, Tagged]
    into: Mapping[int, Tagged]


def fold(holders: Mapping[bytes, Tagged], kept: Iterable[Tagged]) -> Folding:
    """Fold what has just been ``kept`` into the ``holders`` of tags, or these into that."""
    by_tag: dict[bytes, list[Tagged]] = defaultdict(list)
    for one in sorted(kept, key=lambda read: read.number):
        by_tag[one.tag].append(one)
    stays: dict[bytes, Tagged] = {}
    into: dict[int, Tagged] = {}
    for tag, found in by_tag.items():
        holder = holders.get(tag)
        candidates = found if holder is None else [holder, *found]
        staying = next((one for one in candidates if not one.alternate), candidates[0])
        gone = [one for one in candidates if one is not staying and one.foldable]
        reads = staying.reads + sum(one.reads for one in gone)
        stays[tag] = Tagged(staying.number, tag, staying.alternate, reads, staying.foldable)
        into |= {one.number: stays[tag] for one in gone}
    return Folding(stays, into)
