"""Domains and epochs: what a pseudonym is bound to.

A pseudonym of one domain says nothing about any other; within a domain it changes with every epoch.
Protocol section 3. Time comes in as seconds since 1970 (UTC); nothing here reads a clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

from blindplate.core.encoding import encode, uint
from blindplate.core.errors import MessageError

LONDON: Final = ZoneInfo("Europe/London")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FIRST_DAY: Final = date(1970, 1, 1)
_GENERATIONS: Final = 1 << 32
_SPANS: Final = 1 << 40
# In the year 4840, well within what a calendar can count.
_DAYS: Final = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Domain:
    """One list in one zone under one key generation.

    ``list_id`` and ``zone`` are 1 to 63 of a-z, 0-9 and hyphen; ``generation`` is below 2**32.
    Raises MessageError otherwise.
    """

    list_id: str
    zone: str
    generation: int

    def __post_init__(self) -> None:
        for name in (self.list_id, self.zone):
            if not _NAME.fullmatch(name):
                raise MessageError("A list or zone name is not 1 to 63 of a-z, 0-9 and hyphen.")
        if not 0 <= self.generation < _GENERATIONS:
            raise MessageError("A key generation is not between 0 and 2**32 - 1.")

    def encode(self) -> bytes:
        """The bytes that stand for this domain wherever a key or hash is bound to it."""
        return encode("domain", self.list_id.encode(), self.zone.encode(), uint(self.generation, 4))


class EpochKind(IntEnum):
    """How time is cut: into equal spans of UTC seconds, or into charging days of Europe/London."""

    SPAN = 1
    CHARGING_DAY = 2


@dataclass(frozen=True, slots=True, order=True)
class EpochRule:
    """How a list's epochs are cut. ``seconds`` is the length of a span; 0 for charging days."""

    kind: EpochKind
    seconds: int

    def __post_init__(self) -> None:
        if (self.kind is EpochKind.SPAN) != (0 < self.seconds <= 86_400) or self.seconds < 0:
            raise MessageError("An epoch rule is neither a span of 1 to 86,400 seconds nor a charging day.")

    def at(self, moment: float) -> Epoch:
        """The epoch that holds ``moment`` (seconds since 1970, UTC). Raises MessageError when no epoch does."""
        if self.kind is EpochKind.SPAN:
            return Epoch(self, int(moment // self.seconds))
        try:
            local = datetime.fromtimestamp(moment, LONDON).date()
        except (OverflowError, ValueError):
            raise MessageError("A moment is of no year that a calendar counts.") from None
        return Epoch(self, (local - _FIRST_DAY).days)


HOURLY: Final = EpochRule(EpochKind.SPAN, 3600)
CHARGING_DAY: Final = EpochRule(EpochKind.CHARGING_DAY, 0)


@dataclass(frozen=True, slots=True, order=True)
class Epoch:
    """One epoch of a rule: ``index`` counts spans (below 2**40), or days (below 2**20), since 1970-01-01.

    Raises MessageError otherwise.
    """

    rule: EpochRule
    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < (_SPANS if self.rule.kind is EpochKind.SPAN else _DAYS):
            raise MessageError("An epoch's index is out of range.")

    def encode(self) -> bytes:
        """The bytes that stand for this epoch wherever a pseudonym or hash is bound to it."""
        return encode("epoch", uint(self.rule.kind, 1), uint(self.rule.seconds, 4), uint(self.index, 8))

    def start(self) -> float:
        """Its first moment, in seconds since 1970 (UTC)."""
        return _first_moment(self.rule, self.index)

    def end(self) -> float:
        """The first moment after it, in seconds since 1970 (UTC)."""
        return _first_moment(self.rule, self.index + 1)

    def next(self) -> Epoch:
        """The epoch that follows. Raises MessageError after the last."""
        return Epoch(self.rule, self.index + 1)


def _first_moment(rule: EpochRule, index: int) -> float:
    if rule.kind is EpochKind.SPAN:
        return float(index * rule.seconds)
    day = _FIRST_DAY + timedelta(days=index)
    return datetime.combine(day, time(), LONDON).astimezone(UTC).timestamp()
