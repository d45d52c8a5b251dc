"""Pseudonyms and match secrets of waiting reads: in memory only, opened again from their envelopes when needed.

Guarantees that no secret is written anywhere, and that one forgotten while it is being opened is not remembered
after all. A read dropped from memory, or not there after a restart, costs one HPKE opening. Python cannot wipe memory:
a dropped secret may linger until its page is used again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from blindplate.core.errors import SecurityError
from blindplate.core.records.wire import Wire
from blindplate.server.matcher.window_keys import WindowKeys

_Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """(pseudonym, match secret) by number, and the numbers of reads whose envelopes do not open."""

    pairs: Mapping[int, _Pair] = field(repr=False)
    unreadable: Sequence[int]


class MatchSecrets:
    """At most ``limit`` pairs of (pseudonym, match secret), by the reads' numbers."""

    def __init__(self, window_keys: WindowKeys, limit: int) -> None:
        self._window_keys = window_keys
        self._limit = limit
        self._lock = threading.Lock()
        self._pairs: OrderedDict[int, _Pair] = OrderedDict()
        self._missed: set[int] = set()

    def put(self, number: int, pair: _Pair) -> None:
        """Remember a read's pair."""
        with self._lock:
            self._store(number, pair)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Those of ``numbers`` that are not in memory. Ask before looking up their wires, for ``get``."""
        with self._lock:
            missing = [number for number in numbers if number not in self._pairs]
            self._missed = set(missing)
        return missing

    def get(self, numbers: Sequence[int], wires: Mapping[int, Wire]) -> Opened:
        """The pairs of ``numbers``, opened from ``wires`` where they are not in memory; others are left out."""
        with self._lock:
            pairs = {number: self._pairs[number] for number in numbers if number in self._pairs}
        unreadable: list[int] = []
        for number, wire in wires.items():
            try:
                pairs[number] = self._window_keys.open(wire)
            except SecurityError:
                unreadable.append(number)
            else:
                self._put_missed(number, pairs[number])
        return Opened({number: pairs[number] for number in numbers if number in pairs}, unreadable)

    def forget(self, numbers: Iterable[int]) -> None:
        """Drop the pairs of reads that are erased or claimed."""
        with self._lock:
            for number in numbers:
                self._pairs.pop(number, None)
                self._missed.discard(number)

    def _put_missed(self, number: int, pair: _Pair) -> None:
        with self._lock:
            if number in self._missed:
                self._missed.remove(number)
                self._store(number, pair)

    def _store(self, number: int, pair: _Pair) -> None:
        self._pairs[number] = pair
        while len(self._pairs) > self._limit:
            self._pairs.popitem(last=False)
