"""What came of releases, on its way into the ledger.

Guarantees that an outcome is stored in the transaction that makes it true, and entered sooner or later however often
something stops in between; entered twice, which a crash can do, it says the same. Protocol sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import outcomes
from blindplate.core.errors import BlindplateError, StateError
from blindplate.core.signing import Statement
from blindplate.core.statements.release_entries import Outcome, OutcomeEntry
from blindplate.edge.logs import log

_TOGETHER: Final = 200


def put_outcome(connection: Connection, session: Session, request_id: bytes, outcome: Outcome) -> None:
    """Note what came of a release, to be entered. The same as said last is not noted again."""
    said = select(outcomes.c.outcome).where(outcomes.c.request_id == request_id)
    if connection.execute(said.order_by(outcomes.c.number.desc()).limit(1)).scalar() == outcome:
        return
    entry = OutcomeEntry(
        request_id=request_id,
        grant_id=session.grant.grant_id,
        outcome=outcome,
        made_at=int(session.now()),
    )
    row = {
        "request_id": request_id,
        "outcome": outcome,
        "statement": entry.statement(session.signing_key).to_json(),
    }
    connection.execute(insert(outcomes).values(row))


def enter_all(session: Session) -> int:
    """Enter what waits, in order; gives how many. Raises the first refusal, after trying the others.

    Raises UnavailableError when the ledger does not answer.
    """
    with session.store.reading() as connection:
        chosen = select(outcomes).where(outcomes.c.ledger_index.is_(None)).order_by(outcomes.c.number)
        waiting = connection.execute(chosen).mappings().all()
    refused: list[BlindplateError] = []
    for start in range(0, len(waiting), _TOGETHER):
        refused += _enter(session, waiting[start : start + _TOGETHER])
    if refused:
        raise refused[0]
    return len(waiting)


def _enter(session: Session, rows: Sequence[Mapping[Any, Any]]) -> list[BlindplateError]:
    """Enter some by one call, or one by one where the ledger refuses them together; gives what it said to those it refused."""
    try:
        indices = session.ledger.enter_together([Statement.from_json(row["statement"]) for row in rows])
    except StateError:
        raise
    except BlindplateError as error:
        if len(rows) > 1:
            return [refused for row in rows for refused in _enter(session, [row])]
        log().error("outcome-refused", error=error)
        return [error]
    with session.store.writing() as connection:
        done = update(outcomes).where(outcomes.c.number == bindparam("entered"))
        connection.execute(
            done.values(ledger_index=bindparam("at")),
            [{"entered": row["number"], "at": index} for row, index in zip(rows, indices, strict=True)],
        )
    return []
