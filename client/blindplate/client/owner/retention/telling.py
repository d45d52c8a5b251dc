"""What the ledger is told daily of the evidence: how much was erased, is kept, is held, and what was found overdue.

Guarantees that a finished UTC day is told of once, in order, whatever stops in between: the statement is stored in the
transaction that takes its counts, and its bytes are entered until they have a receipt. A day on which nothing worked is told
of when work goes on, by what is kept then. Specified in docs/spec/owner.md section 8.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from blindplate.client.owner.retention.erasing import utc_day
from blindplate.client.owner.retention.tables import erased_evidence, holds, statements
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits, reveals
from blindplate.core.records.record import SealedRecord
from blindplate.core.signing import Statement
from blindplate.core.statements.evidence import EvidenceCount, EvidenceErasures


def untold_days(connection: Connection, now: float) -> list[str]:
    """The finished UTC days that no statement was made of yet, oldest first; before the first statement the last one alone."""
    yesterday = date.fromisoformat(utc_day(now)) - timedelta(days=1)
    told = connection.execute(select(func.max(statements.c.day))).scalar()
    erased = connection.execute(select(func.min(erased_evidence.c.day))).scalar()
    first = date.fromisoformat(told) + timedelta(days=1) if told else yesterday
    if not told and erased:
        first = min(first, date.fromisoformat(erased))
    return [(first + timedelta(days=n)).isoformat() for n in range((yesterday - first).days + 1)]


def make_statement(session: Session, day: str, overdue: int) -> None:
    """Sign what is to be said of ``day``, and store it with its counts taken. Nothing is made of a day that has one."""
    with session.store.writing() as connection:
        if connection.execute(select(statements.c.day).where(statements.c.day == day)).first():
            return
        whole = EvidenceErasures(
            grant_id=session.grant.grant_id,
            day=day,
            evidence=_rows(connection, session, day),
            overdue=overdue,
            made_at=int(session.now()),
        )
        for part in whole.split():
            row = {
                "day": day,
                "part": part.part,
                "statement": part.statement(session.signing_key).to_json(),
            }
            connection.execute(insert(statements).values(row))
        connection.execute(delete(erased_evidence).where(erased_evidence.c.day == day))


def enter_statements(session: Session) -> int:
    """Enter what waits, in order; gives how many. Raises UnavailableError when the ledger does not answer."""
    order = (statements.c.day, statements.c.part)
    with session.store.reading() as connection:
        chosen = select(statements).where(statements.c.ledger_index.is_(None)).order_by(*order)
        waiting = connection.execute(chosen).all()
    for row in waiting:
        index = session.ledger.enter(Statement.from_json(row.statement))
        with session.store.writing() as connection:
            of_it = (statements.c.day == row.day, statements.c.part == row.part)
            connection.execute(update(statements).where(*of_it).values(ledger_index=index))
    with session.store.writing() as connection:
        last = select(func.max(statements.c.day)).scalar_subquery()
        done = (statements.c.ledger_index.is_not(None), statements.c.day < last)
        connection.execute(delete(statements).where(*done))
    return len(waiting)


def _rows(connection: Connection, session: Session, day: str) -> tuple[EvidenceCount, ...]:
    erased = {
        row.zone: row.erased
        for row in connection.execute(select(erased_evidence).where(erased_evidence.c.day == day))
    }
    shown = select(hits.c.record).join(reveals, reveals.c.hit_id == hits.c.hit_id)
    kept = _by_zone(connection, shown)
    held = _by_zone(
        connection, shown.join(holds, holds.c.hit_id == hits.c.hit_id).where(holds.c.until > session.now())
    )
    return tuple(
        EvidenceCount(
            list_id=session.grant.list_id,
            zone=zone,
            erased=erased.get(zone, 0),
            kept=kept.get(zone, 0),
            held=held.get(zone, 0),
        )
        for zone in sorted({*erased, *kept})
    )


def _by_zone(connection: Connection, records: Select[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for record in connection.execute(records).scalars():
        zone = SealedRecord.from_bytes(record).header.domain.zone
        found[zone] = found.get(zone, 0) + 1
    return found
