"""What stands in the two lists of a charging day: what is to be kept, and what is to be opened.

Guarantees that nothing is on either for a free day, nor a vehicle that owes nothing by the list's own words
(``exemptions``), and that nobody is on the list to be opened for whom the day is settled at the time it is made. An entry
counts for the days up to its weed date, also once that has taken it off the list; one that was taken off without such a
date counts for no day that was not opened before. Protocol section 8; docs/spec/owner.md section 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from blindplate.client.owner import roster
from blindplate.client.owner.charging.days import calendar_day
from blindplate.client.owner.charging.exemptions import exemption
from blindplate.client.owner.charging.settlements import settled_plates
from blindplate.client.owner.coverage import Due
from blindplate.client.owner.entries import Details
from blindplate.client.owner.tables import entries, evaluations
from blindplate.core.charging import is_free
from blindplate.core.domains import Domain
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.statements.uploads import Stage

_SAYS_WHY: Final = or_(entries.c.built != "", entries.c.tax_class != "", entries.c.vehicle_kind != "")


def pseudonyms_due(
    connection: Connection, domains: Iterable[Domain], due: Due, stage: Stage, grace_until: date | None
) -> list[bytes]:
    """y (32 bytes) of every vehicle, in each of ``domains``, that the segment ``due`` holds in that stage."""
    day = calendar_day(due.epoch.index)
    if is_free(day):
        return []
    left_out = _exempt_plates(connection, day, grace_until)
    if stage is Stage.OPEN:
        left_out |= settled_plates(connection, day)
    covered = and_(
        entries.c.listed_version.between(due.first_version, due.last_version),
        chargeable(day) if stage is Stage.OPEN else _standing(day),
    )
    return [
        pseudonym(f, due.epoch)
        for domain in domains
        for f in _evaluated(connection, domain, covered, left_out)
    ]


def chargeable(day: date) -> ColumnElement[bool]:
    """Entries that may count for ``day``; of those that are off the list, ``was_weeded`` has the last word."""
    return or_(
        _standing(day),
        and_(entries.c.removed_version.is_not(None), entries.c.weed_date >= day),
    )


def was_weeded(weed_date: date | None, removed_at: float) -> bool:
    """Whether an entry was taken off because its weed date was past, and not for another reason before."""
    return weed_date is not None and weed_date < roster.london_day(removed_at)


def counts_for(entry: roster.Entry, day: date) -> bool:
    """Whether an entry counts for ``day``, whatever became of it since."""
    if entry.details.is_over(day):
        return False
    return entry.removed_at is None or was_weeded(entry.details.weed_date, entry.removed_at)


def listing_versions(connection: Connection, day: date) -> set[int]:
    """The versions of the list that listed something which may count for ``day``."""
    chosen = select(entries.c.listed_version).where(chargeable(day)).distinct()
    return set(connection.execute(chosen).scalars())


def _standing(day: date) -> ColumnElement[bool]:
    return and_(
        entries.c.removed_version.is_(None), or_(entries.c.weed_date.is_(None), entries.c.weed_date >= day)
    )


def _exempt_plates(connection: Connection, day: date, grace_until: date | None) -> set[bytes]:
    says = (entries.c.plate, entries.c.built, entries.c.tax_class, entries.c.vehicle_kind)
    return {
        row.plate
        for row in connection.execute(select(*says).where(_SAYS_WHY, chargeable(day)))
        if exemption(_said(row), day, grace_until) is not None
    }


def _said(row: Any) -> Details:
    # Rows of the database driver bear no type of their own.
    return Details(built=row.built, tax_class=row.tax_class, vehicle_kind=row.vehicle_kind)


def _evaluated(
    connection: Connection, domain: Domain, covered: ColumnElement[bool], left_out: set[bytes]
) -> Iterator[bytes]:
    """F_D of every plate that is covered, once."""
    of_domain = and_(evaluations.c.zone == domain.zone, evaluations.c.generation == domain.generation)
    joined = entries.join(evaluations, and_(evaluations.c.plate == entries.c.plate, of_domain))
    wanted = (entries.c.plate, entries.c.weed_date, entries.c.removed_at, evaluations.c.f)
    seen = set(left_out)
    for plate, weed_date, removed_at, f in connection.execute(
        select(*wanted).select_from(joined).where(covered)
    ):
        if plate in seen or (removed_at is not None and not was_weeded(weed_date, removed_at)):
            continue
        seen.add(plate)
        yield f
