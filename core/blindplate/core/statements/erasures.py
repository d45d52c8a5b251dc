"""What the matcher swears of every UTC day: what it erased, and what a check that night found past its time.

Sworn and counted, not proved: a matcher that keeps a copy of what it erased says nothing of that here. Protocol sections
1, 4 and 7, guarantee G7; docs/spec/matcher.md section 13.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from blindplate.core.statements.model import Count, Moment, Name, Part
from blindplate.core.statements.parted import PartedCounts


def _real(day: str) -> str:
    date.fromisoformat(day)
    return day


# ``YYYY-MM-DD``, UTC.
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_real)]


class Place(StrEnum):
    """Where something could outlive its window. ``temporary-files`` is whatever has no place in one of the folders."""

    RECORDS = "records"
    RECEIPTS = "receipts"
    ANSWERS = "answers"
    SLOTS = "slots"
    WAITING = "waiting"
    KEPT_TAGS = "kept-tags"
    MEDIA = "media"
    SEGMENTS = "segments"
    SEGMENT_FILES = "segment-files"
    MEDIA_FILES = "media-files"
    WINDOW_KEYS = "window-keys"
    RETENTION_KEYS = "retention-keys"
    TEMPORARY_FILES = "temporary-files"
    FREE_PAGES = "free-pages"
    WRITE_AHEAD_LOG = "write-ahead-log"


class DayCount(Part):
    """What happened on the day to records of one list in one zone, counted as in ``RecordCount``."""

    list_id: Name
    zone: Name
    received: Count = 0
    claimed: Count = 0
    erased_acknowledged: Count = 0
    erased_unclaimed: Count = 0
    erased_claimed: Count = 0
    erased_unopened: Count = 0

    @property
    def erased(self) -> int:
        """All that were erased, for whatever reason."""
        return self.erased_acknowledged + self.erased_unclaimed + self.erased_claimed


DAY_COUNTED: Final = tuple(name for name in DayCount.model_fields if name not in ("list_id", "zone"))


class Looked(Part):
    """What a check saw in one place: how many items, how many of them past their time, and the oldest of those by how much.

    ``oldest_seconds`` is 0 where nothing tells when an item should have gone, and where that is only known of the time it
    was written, reckoned from then.
    """

    place: Place
    items: Count
    overdue: Count = 0
    oldest_seconds: Count = 0


class Erasures(PartedCounts):
    """One day that is over, signed by the matcher. ``since`` is when its counts began, as in its ``matcher-counts``.

    ``places`` are what the check at ``checked_at`` saw, each place once. Lists and zones of which nothing was counted are
    left out.
    """

    kind: ClassVar[str] = "erasures"
    rows: ClassVar[tuple[str, ...]] = ("records", "places")

    version: Literal[1] = 1
    since: Moment
    day: Day
    records: tuple[DayCount, ...]
    places: tuple[Looked, ...]
    checked_at: Moment
    made_at: Moment

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({one.place for one in self.places}) != len(self.places):
            raise ValueError("a place was looked at twice")
        if len({(one.list_id, one.zone) for one in self.records}) != len(self.records):
            raise ValueError("a list and zone are counted twice")
        return self

    @property
    def overdue(self) -> int:
        """How many items were past their time."""
        return sum(one.overdue for one in self.places)

    @property
    def ends(self) -> int:
        """When the day was over, in seconds since 1970, UTC."""
        return day_begins(next_day(self.day))


def day_begins(day: str) -> int:
    """The first second of a day."""
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp())


def next_day(day: str) -> str:
    """The day after."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
