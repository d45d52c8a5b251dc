"""Which entries of a segment share a bin in a domain: worked out once for a segment, not once for each of its hits.

Guarantees that what is remembered is what would be worked out anew: the entries of a segment, their pseudonyms and its salt
are settled when it is made. Holds numbers of entries alone, no pseudonym and no plate; a few segments at a time. Protocol
section 6; docs/spec/owner.md section 6.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, or_

from blindplate.client.owner.leaves import evaluated_in
from blindplate.client.owner.segments import Spread
from blindplate.client.owner.tables import entries
from blindplate.core.domains import Domain, Epoch
from blindplate.core.pseudonyms import pseudonym

# 12 MB each for a list of a million.
_SEGMENTS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class _Index:
    """Numbers of entries in the order of their bins, and where each bin begins."""

    entry_ids: NDArray[np.int64]
    starts: NDArray[np.int64]

    def sharing(self, number: int) -> list[int]:
        found: list[int] = self.entry_ids[self.starts[number] : self.starts[number + 1]].tolist()
        return found


@dataclass(slots=True)
class Bins:
    """Safe to use from several threads."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[tuple[bytes, Domain, Epoch], _Index] = field(
        default_factory=OrderedDict[tuple[bytes, Domain, Epoch], _Index]
    )

    def sharing(
        self, connection: Connection, spread: Spread, domain: Domain, epoch: Epoch, slot: int
    ) -> list[int]:
        """The numbers of the segment's entries in ``domain`` whose bin owns ``slot``. Raises InputError if none does."""
        number = spread.bin_of(slot)
        key = spread.salt, domain, epoch
        with self._lock:
            index = self._kept.pop(key, None) or _index(connection, spread, domain, epoch)
            self._kept[key] = index
            while len(self._kept) > _SEGMENTS_KEPT:
                self._kept.popitem(last=False)
        return index.sharing(number)


def _index(connection: Connection, spread: Spread, domain: Domain, epoch: Epoch) -> _Index:
    entry_ids, bins = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for some in evaluated_in(connection, domain, _held(spread)):
        entry_ids.append(np.array([entry_id for entry_id, _ in some], np.int64))
        bins.append(spread.bins_of([pseudonym(f, epoch) for _, f in some]))
    ids, found = np.concatenate(entry_ids), np.concatenate(bins)
    starts = np.concatenate(([0], np.cumsum(np.bincount(found, minlength=spread.bins))))
    return _Index(ids[np.argsort(found, kind="stable")], starts)


def _held(spread: Spread) -> ColumnElement[bool]:
    """What the segment was made of; weed dates apart, which may have been changed since."""
    return and_(
        entries.c.listed_version.between(spread.first_version, spread.last_version),
        or_(entries.c.removed_version.is_(None), entries.c.removed_version > spread.as_of),
    )
