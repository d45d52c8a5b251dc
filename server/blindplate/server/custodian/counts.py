"""What is counted of a custodian's evaluations, and how the counts of each day come into the ledger.

Guarantees that a unit is counted in the transaction that debits it, before an element is touched; that the counts of
a running day are entered every so often; and that those of each day before are entered once it is over, also after
days without this process. Days are of UTC. A database put back to an earlier time counts too little for what was done
since: the entries made then tell. Protocol sections 3 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select, update

from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.evaluations import EvaluationCounts, GrantEvaluations, ZoneEvaluations
from blindplate.server.custodian import outbox
from blindplate.server.custodian.quotas import DAY
from blindplate.server.custodian.storage import reading, writing
from blindplate.server.custodian.tables import COUNTED_DAYS, COUNTS

# A call that took the time just before midnight may commit its count this much later.
_LATE_SECONDS: Final = 60
# Entered counts are kept a month, for the custodian's own audit.
_KEEP_DAYS: Final = 31


class Counted(StrEnum):
    """What a count is of, and by what it is told apart."""

    OWNER = "owner"  # pseudonyms, by grant
    CAMERA = "camera"  # pseudonyms, by list and zone
    LOCAL_KEY = "local-key"  # keys handed out, by list and zone
    SEARCH = "search"  # calls on behalf of a keeper: evaluations, and at custodian B searches besides


def add(
    connection: Connection, kind: Counted, units: int, *, subject: str = "", zone: str = "", moment: float
) -> None:
    """Count ``units``, of a grant or list ``subject``, on the day of ``moment``. Needs a writing transaction."""
    key = {"day": int(moment) // DAY, "kind": kind, "subject": subject, "zone": zone}
    changed = connection.execute(
        update(COUNTS)
        .where(*(COUNTS.c[name] == value for name, value in key.items()))
        .values(counted=COUNTS.c.counted + units)
    )
    if not changed.rowcount:
        connection.execute(insert(COUNTS).values(counted=units, **key))


@dataclass(frozen=True, slots=True)
class CountEntries:
    """Enters one custodian's counts, those of a running day every ``seconds``."""

    custodian: Custodian
    signer: SigningKey
    engine: Engine
    seconds: int

    def enter(self, moment: float) -> None:
        """Put into the outbox what is due at ``moment`` (seconds since 1970, UTC). Raises StorageError."""
        now = int(moment)
        with reading(self.engine) as connection:
            due = self._due(connection, now)
        for day in due:
            with writing(self.engine) as connection:
                for part in self._counts(connection, day, now).split():
                    outbox.put(connection, part.statement(self.signer))
                connection.execute(delete(COUNTED_DAYS).where(COUNTED_DAYS.c.day == day))
                connection.execute(insert(COUNTED_DAYS).values(day=day, made_at=now))
        if due:
            self._forget(now)

    def _due(self, connection: Connection, now: int) -> list[int]:
        made = {row.day: row.made_at for row in connection.execute(select(COUNTED_DAYS))}
        days = {*made, *connection.execute(select(COUNTS.c.day).distinct()).scalars(), now // DAY}
        return sorted(day for day in days if self._is_due(day, made.get(day), now))

    def _is_due(self, day: int, made_at: int | None, now: int) -> bool:
        if day == now // DAY:
            return made_at is None or now - made_at >= self.seconds
        closed = (day + 1) * DAY + _LATE_SECONDS
        return now >= closed and (made_at is None or made_at < closed)

    def _counts(self, connection: Connection, day: int, now: int) -> EvaluationCounts:
        rows = connection.execute(
            select(COUNTS).where(COUNTS.c.day == day).order_by(COUNTS.c.subject, COUNTS.c.zone)
        ).all()
        return EvaluationCounts(
            custodian=self.custodian,
            day=datetime.fromtimestamp(day * DAY, UTC).date().isoformat(),
            grants=tuple(
                GrantEvaluations(grant_id=row.subject, evaluated=row.counted)
                for row in rows
                if row.kind == Counted.OWNER
            ),
            zones=_zones((row.kind, row.subject, row.zone, row.counted) for row in rows),
            subject_searches=sum(row.counted for row in rows if row.kind == Counted.SEARCH),
            made_at=now,
        )

    def _forget(self, now: int) -> None:
        old = now // DAY - _KEEP_DAYS
        with writing(self.engine) as connection:
            for table in (COUNTS, COUNTED_DAYS):
                connection.execute(delete(table).where(table.c.day < old))


def _zones(rows: Iterable[tuple[str, str, str, int]]) -> tuple[ZoneEvaluations, ...]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for kind, subject, zone, counted in rows:
        if kind in (Counted.CAMERA, Counted.LOCAL_KEY):
            found.setdefault((subject, zone), {})[kind] = counted
    return tuple(
        ZoneEvaluations(
            list_id=list_id,
            zone=zone,
            evaluated=counts.get(Counted.CAMERA, 0),
            local_keys=counts.get(Counted.LOCAL_KEY, 0),
        )
        for (list_id, zone), counts in sorted(found.items())
    )
