"""Where a list stands: its entries, what is evaluated and uploaded, what came back. Reads only; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from blindplate.client.owner import commitments, roster, segments, waiting
from blindplate.client.owner.commitments import Commitment
from blindplate.client.owner.hits import HIDDEN, HitState, count_by_state
from blindplate.client.owner.list_files import last_taken
from blindplate.client.owner.pseudonymise import missing_count
from blindplate.client.owner.publish import due_epochs
from blindplate.client.owner.retention.check import TOLERANCE_SECONDS
from blindplate.client.owner.retention.due import due_hits
from blindplate.client.owner.retention.holding import all_holds
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import answers, entries
from blindplate.core.domains import Epoch
from blindplate.core.statements.priorities import Priority

SOON_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """One epoch that is due: segments in force, and the list version up to which it is covered (0: not at all)."""

    epoch: Epoch
    segments: int
    version: int


@dataclass(frozen=True, slots=True)
class ListStatus:
    """A list as it stands. ``unevaluated`` counts entries by zone; times are seconds since 1970, UTC.

    ``revision`` is that of the list file taken last, None where it had none. ``expiring`` counts entries whose weed date
    comes within ``SOON_DAYS``, ``waiting`` vehicles whose effective date is to come, the first on ``next_effective``.
    ``held`` counts hits under a legal hold, ``overdue`` those that should have been erased two hours ago.
    ``committed`` is the commitment made last, ``in_force`` the last that both custodians have witnessed.
    """

    list_id: str
    grant_id: str
    grant_ends: float
    version: int
    committed: Commitment | None
    in_force: Commitment | None
    revision: int | None
    entries: int
    allowed: int
    priorities: Mapping[Priority, int]
    expiring: int
    waiting: int
    next_effective: date | None
    unevaluated: Mapping[str, int]
    epochs: tuple[EpochStatus, ...]
    answers: int
    hits: Mapping[HitState, int]
    held: int
    overdue: int


def list_status(session: Session) -> ListStatus:
    """The state of the list at this moment. Raises StorageError."""
    grant, now = session.grant, session.now()
    with session.store.reading() as connection:
        covering = {
            epoch: segments.current_in(connection, session.reach(epoch), session.stage)
            for epoch in due_epochs(session, now)
        }
        counted, taken = count_by_state(connection), last_taken(connection)
        return ListStatus(
            list_id=grant.list_id,
            grant_id=grant.grant_id,
            grant_ends=grant.not_after,
            version=roster.latest_version(connection),
            committed=commitments.latest(connection),
            in_force=commitments.in_force(connection),
            revision=None if taken is None else taken.number,
            entries=roster.count(connection),
            allowed=grant.list_size,
            priorities=_by_priority(connection),
            expiring=_expiring(connection, now),
            waiting=waiting.count(connection),
            next_effective=waiting.next_day(connection),
            unevaluated={domain.zone: missing_count(connection, domain) for domain in grant.domains()},
            epochs=tuple(
                EpochStatus(epoch, len(current), max((one.last_version for one in current), default=0))
                for epoch, current in covering.items()
            ),
            answers=connection.execute(select(func.count()).select_from(answers)).scalar_one(),
            hits={state: found for state, found in counted.items() if state not in HIDDEN},
            held=sum(one.until > now for one in all_holds(connection)),
            overdue=len(due_hits(connection, session.history, now - TOLERANCE_SECONDS)),
        )


def _by_priority(connection: Connection) -> dict[Priority, int]:
    chosen = select(entries.c.priority, func.count().label("found")).where(
        entries.c.removed_version.is_(None)
    )
    found = {
        Priority(row.priority): row.found for row in connection.execute(chosen.group_by(entries.c.priority))
    }
    return {one: found[one] for one in Priority if one in found}


def _expiring(connection: Connection, now: float) -> int:
    until = roster.london_day(now) + timedelta(days=SOON_DAYS)
    chosen = select(func.count()).select_from(entries)
    return connection.execute(
        chosen.where(entries.c.removed_version.is_(None), entries.c.weed_date < until)
    ).scalar_one()
