"""One vehicle's pass gives several events; one read is made of them.

Guarantees that of one key no two reads are kept that lie closer together than the pass time, and that nothing is
collapsed but into a read that was kept, of the same key and no less certain. Where the engine tells passes apart, its
word joins events of one key that lie further apart (a queue, a parked vehicle), for 15 minutes at most, and divides
none: two lenses see one pass as two. The first event is kept, not the best: waiting for a pass to end would cost the
seconds in which a hit is useful. Keys and passes are opaque here (keyed digests); times are capture times, in any
order. Does not know two spellings of one plate as one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

# How far behind the newest capture an event may lag (a retry, a second lens) and still find its pass.
_MEMORY_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A read that was kept."""

    moment: float
    alternate: bool
    pass_id: bytes = field(repr=False)


class Passes:
    """The reads kept lately. Not safe to use from several threads."""

    def __init__(self, seconds: float) -> None:
        """``seconds``: how close two events of one key must be to be one pass."""
        self._seconds = seconds
        self._kept: defaultdict[bytes, list[_Kept]] = defaultdict(list)
        self._newest = float("-inf")
        self._cleaned = float("-inf")

    def is_new(self, key: bytes, moment: float, *, alternate: bool, pass_id: bytes = b"") -> bool:
        """Whether this read starts a pass of ``key`` at ``moment`` (seconds); it then counts as kept.

        ``pass_id`` is what the engine calls the pass, empty where it does not say. An alternate is also part of a pass
        whose plate itself was read; a plate is not part of an alternate's.
        """
        known = self._kept.get(key, ())
        if any(
            abs(moment - kept.moment) < self._reach(kept, pass_id) and (alternate or not kept.alternate)
            for kept in known
        ):
            return False
        self._kept[key].append(_Kept(moment, alternate, pass_id))
        self._newest = max(self._newest, moment)
        if self._newest - self._cleaned > _MEMORY_SECONDS:
            self._forget()
        return True

    def _reach(self, kept: _Kept, pass_id: bytes) -> float:
        """How far from a kept read an event of its key and of ``pass_id`` still belongs to it, in seconds."""
        return max(_MEMORY_SECONDS, self._seconds) if pass_id and pass_id == kept.pass_id else self._seconds

    def _forget(self) -> None:
        horizon = self._newest - max(_MEMORY_SECONDS, 2 * self._seconds)
        remembered = {
            key: [read for read in reads if read.moment >= horizon] for key, reads in self._kept.items()
        }
        self._kept.clear()
        self._kept.update({key: reads for key, reads in remembered.items() if reads})
        self._cleaned = self._newest
