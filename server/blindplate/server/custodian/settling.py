"""Deciding by what holds when it is decided, however long it took to examine it.

Guarantees that between the checks of a request and the transaction that decides it nothing came that could have changed
them: no entry of the ledger that this custodian has read meanwhile, no word of its own on a grant, no amendment that
began or grant that ran out. Otherwise the request is examined again. What is read after that transaction has begun came
later than the decision. Protocol section 7, guarantee G5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from prometheus_client import Counter
from sqlalchemy import Connection

from blindplate.core.errors import BlindplateError, GrantError, MembershipError, UnavailableError
from blindplate.edge.logs import log
from blindplate.server.custodian.authentic import Authentic
from blindplate.server.custodian.checks import Evidence
from blindplate.server.custodian.docket import Docket
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.storage import writing

# Examining takes some milliseconds once the ledger's checkpoint is there, and entries come every second or so.
_TRIES: Final = 5
MEMBERSHIP_FAILURES: Final = Counter(
    "blindplate_membership_failures",
    "Releases asked for of vehicles that were on no list in time, by list.",
    ("list",),
)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the checks made of an authentic request: the evidence, or the error that is the verdict on it."""

    authentic: Authentic
    outcome: Evidence | BlindplateError


# An error alone: a stored request that is not its requester's own word any more.
Found = TypeVar("Found", bound=Examined | BlindplateError)


def settle(
    docket: Docket,
    permissions: Callable[[], Permissions],
    examine: Callable[[Permissions], Found],
    decide: Callable[[Connection, Found], None],
) -> None:
    """Have ``decide`` take, in a writing transaction, what ``examine`` found by ``permissions`` that still hold in it.

    A hit on a vehicle that no list held alarms. Raises what both raise, StorageError, and UnavailableError when the
    permissions changed each time.
    """
    for _ in range(_TRIES):
        by = permissions()
        found = examine(by)
        with writing(docket.engine) as connection:
            # This custodian gives its words under the same lock: none comes between this and the decision.
            holds = _holds(found, by, permissions(), docket.clock.now())
            if holds:
                decide(connection, found)
        if holds:
            _alarm(found)
            return
    raise UnavailableError(
        "What this custodian allows changed again and again while it examined a release request.",
        "Ask again in some seconds.",
    )


def _holds(found: Examined | BlindplateError, by: Permissions, current: Permissions, moment: float) -> bool:
    if current != by:
        return False
    if isinstance(found, BlindplateError) or isinstance(found.outcome, BlindplateError):
        return True
    grant = found.outcome.grant
    try:
        return current.grant_at(grant.grant_id, moment) == grant
    except GrantError:
        return False


def _alarm(found: Examined | BlindplateError) -> None:
    if not isinstance(found, Examined) or not isinstance(found.outcome, MembershipError):
        return
    # Matcher and owner agree on a hit that no list held: one of them lies, or was lied to.
    authentic, error = found.authentic, found.outcome
    MEMBERSHIP_FAILURES.labels(authentic.record.header.domain.list_id).inc()
    request = authentic.request_id.hex()
    log().error("membership-failed", grant=authentic.grant.grant_id, request=request, error=error)
