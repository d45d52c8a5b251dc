"""Durable quotas: so many units a subject and fixed period of UTC time, or altogether.

Guarantees that units are counted before they are used, atomically, and stay counted over a restart: what was
debited for work that then failed is not given back. Periods are fixed, so two of them can be used up around their
boundary. Protocol sections 3 (pseudonyms) and 6 (releases).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from blindplate.core.errors import QuotaError
from blindplate.server.custodian.tables import QUOTAS

HOUR: Final = 3600
DAY: Final = 86_400
# Where a count that is never renewed is said to end: after every moment there is.
_NEVER: Final = (1 << 63) - 1


def debit(
    connection: Connection, subject: str, units: int, *, limit: int, period: int | None, moment: float
) -> None:
    """Count ``units`` for ``subject`` in the period (seconds) that holds ``moment``; None counts for ever.

    Raises QuotaError, counting none, when that would exceed ``limit``. Needs a writing transaction.
    """
    ends_at = _end(moment, period)
    before = _used(connection, subject, ends_at)
    if (before or 0) + units > limit:
        left = max(limit - (before or 0), 0)
        raise QuotaError(
            f"The quota of {limit:,} leaves {left:,}, fewer than the {units:,} asked for.",
            "It is not renewed; ask for an amended grant."
            if period is None
            else f"It is renewed in {ends_at - moment:.0f} s; for more, ask for an amended grant.",
        )
    if before is None:
        connection.execute(insert(QUOTAS).values(subject=subject, ends_at=ends_at, used=units))
    else:
        connection.execute(
            update(QUOTAS)
            .where(QUOTAS.c.subject == subject, QUOTAS.c.ends_at == ends_at)
            .values(used=before + units)
        )


def used(connection: Connection, subject: str, *, period: int | None, moment: float) -> int:
    """The units counted for ``subject`` in the period that holds ``moment``."""
    return _used(connection, subject, _end(moment, period)) or 0


def forget(connection: Connection, before: float) -> None:
    """Drop the counts of periods that ended before ``before`` (seconds since 1970, UTC)."""
    connection.execute(delete(QUOTAS).where(QUOTAS.c.ends_at < int(before)))


def _end(moment: float, period: int | None) -> int:
    if period is None:
        return _NEVER
    return (int(moment) // period + 1) * period


def _used(connection: Connection, subject: str, ends_at: int) -> int | None:
    return connection.execute(
        select(QUOTAS.c.used).where(QUOTAS.c.subject == subject, QUOTAS.c.ends_at == ends_at)
    ).scalar_one_or_none()
