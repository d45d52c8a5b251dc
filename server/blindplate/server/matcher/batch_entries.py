"""Which batches the ledger has yet to be told of, and which answers may therefore be offered.

Guarantees that a batch is named by one statement alone, and that an answer counts as entered only by that statement's
receipt. The root over a batch is made of what is stored with its answer, outside of any writing transaction. Every
function runs inside the caller's transaction. Protocol sections 5 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select, update

from blindplate.core.batches import OPENING_BYTES, answer_digest, batch_root
from blindplate.core.signing import Statement
from blindplate.core.statements.matching import AnsweredBatch
from blindplate.server.matcher import outbox
from blindplate.server.matcher.tables import answers

# As many as a statement names.
MAX_BATCHES: Final = 64


def unentered(connection: Connection) -> list[AnsweredBatch]:
    """The batches of answers that no statement names yet, at most 64, each list's in order."""
    rows = connection.execute(
        select(answers)
        .where(answers.c.entry.is_(None), answers.c.body.is_not(None))
        .order_by(answers.c.list_id, answers.c.sequence)
        .limit(MAX_BATCHES)
    )
    return [
        AnsweredBatch(
            grant_id=row.grant_id,
            list_id=row.list_id,
            sequence=row.sequence,
            segment_id=row.segment_id,
            slots=len(row.openings) // OPENING_BYTES,
            root=batch_root(row.openings),
            answer_sha256=answer_digest(row.body),
        )
        for row in rows
    ]


def put(connection: Connection, batches: Sequence[AnsweredBatch], statement: Statement) -> None:
    """Have the ``statement`` that names ``batches`` sent."""
    number = outbox.put(connection, statement)
    for batch in batches:
        key = (answers.c.list_id == batch.list_id) & (answers.c.sequence == batch.sequence)
        connection.execute(update(answers).where(key).values(entry=number))


def entered(connection: Connection, indices: Mapping[int, int]) -> None:
    """Statements, by their numbers in the outbox, stand at these indices of the ledger: offer what they name."""
    for number, index in indices.items():
        connection.execute(update(answers).where(answers.c.entry == number).values(ledger_index=index))
    outbox.remove(connection, indices)
