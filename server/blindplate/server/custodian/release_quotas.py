"""How many releases a grant allows a day (UTC) at this custodian: in all, and without officers.

Guarantees that a release counts in the transaction that decides it, and stays counted over a restart. Protocol
section 6.
"""

from __future__ import annotations

from sqlalchemy import Connection

from blindplate.core.statements.grants import Grant
from blindplate.server.custodian import quotas


def debit(connection: Connection, grant: Grant, moment: float) -> None:
    """Count one release of the day of ``moment``. Raises QuotaError when the grant allows no more."""
    limit = grant.release.daily_quota
    quotas.debit(connection, _all(grant), 1, limit=limit, period=quotas.DAY, moment=moment)


def used(connection: Connection, grant: Grant, moment: float) -> int:
    """How many releases of the day of ``moment`` count against the grant."""
    return quotas.used(connection, _all(grant), period=quotas.DAY, moment=moment)


def debit_standing(connection: Connection, grant: Grant, moment: float) -> None:
    """Count one release under the standing authorisation. Raises QuotaError when it has no room left."""
    limit = _standing_limit(grant)
    quotas.debit(connection, _standing(grant), 1, limit=limit, period=quotas.DAY, moment=moment)


def standing_left(connection: Connection, grant: Grant, moment: float) -> int:
    """How many releases the standing authorisation has left on the day of ``moment``; 0 without one."""
    spent = quotas.used(connection, _standing(grant), period=quotas.DAY, moment=moment)
    return max(_standing_limit(grant) - spent, 0)


def _standing_limit(grant: Grant) -> int:
    standing = grant.release.standing
    return 0 if standing is None else standing.daily_quota


def _all(grant: Grant) -> str:
    return f"releases grant {grant.grant_id}"


def _standing(grant: Grant) -> str:
    return f"standing releases grant {grant.grant_id}"
