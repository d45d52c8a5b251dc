"""What the matcher erased, day by day, and what its last nightly check saw (docs/spec/audit.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from blindplate.client.auditor.erasures import ErasureDays


@dataclass(frozen=True, slots=True)
class ErasedDay:
    """One UTC day, list and zone, as the matcher stated it. ``erased_unopened`` is part of ``erased_acknowledged``."""

    day: str
    list_id: str
    zone: str
    erased_acknowledged: int
    erased_unclaimed: int
    erased_claimed: int
    erased_unopened: int


@dataclass(frozen=True, slots=True)
class CheckedPlace:
    """What the check of the last day stated saw in one place (``checked_at`` in seconds since 1970, UTC)."""

    day: str
    checked_at: int
    place: str
    items: int
    overdue: int
    oldest_seconds: int


def erased_days(stated: ErasureDays) -> tuple[ErasedDay, ...]:
    """Every day, list and zone of which anything was erased."""
    return tuple(
        ErasedDay(
            day,
            list_id,
            zone,
            row.erased_acknowledged,
            row.erased_unclaimed,
            row.erased_claimed,
            row.erased_unopened,
        )
        for (day, list_id, zone), row in sorted(stated.days.items())
        if row.erased
    )


def last_check(stated: ErasureDays) -> tuple[CheckedPlace, ...]:
    """The last check, place by place; nothing before the first."""
    last = stated.last
    if last is None:
        return ()
    day, checked_at = last.day, last.checked_at
    return tuple(
        CheckedPlace(day, checked_at, one.place.value, one.items, one.overdue, one.oldest_seconds)
        for one in last.places
    )
