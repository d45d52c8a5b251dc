"""What was seen in one place, and what of it counts as past its time."""

from __future__ import annotations

from collections.abc import Iterable

from blindplate.core.statements.erasures import Looked, Place


def aged(place: Place, items: int, ages: Iterable[float], tolerance: float) -> Looked:
    """``items`` looked at; ``ages`` say of some of them by how many seconds they are past their time.

    Those past it by no more than the ``tolerance`` (seconds) are on their way out.
    """
    overdue = [age for age in ages if age > tolerance]
    return Looked(place=place, items=items, overdue=len(overdue), oldest_seconds=int(max(overdue, default=0)))


def agreed(first: Iterable[Looked], second: Iterable[Looked]) -> tuple[Looked, ...]:
    """What two looks at the same places, one after another, both saw overdue: what goes meanwhile was on its way."""
    before = {one.place: one.overdue for one in first}
    return tuple(_less(one, before.get(one.place, 0)) for one in second)


def _less(one: Looked, overdue: int) -> Looked:
    if overdue >= one.overdue:
        return one
    return one.model_copy(update={"overdue": overdue, "oldest_seconds": one.oldest_seconds if overdue else 0})
