"""How many reads of a day were kept: counted, and nothing else remembered of them.

Guarantees that a read is counted in the answer whose token kept it and nowhere twice, however often that answer is taken:
what is forgotten of answers goes into the day's sum only once they were acknowledged. Docs/spec/owner.md section 7.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.dialects.sqlite import insert

from blindplate.client.owner.charging.tables import kept_reads
from blindplate.client.owner.tables import answers, segments


def note_forgotten(connection: Connection, *chosen: ColumnElement[bool]) -> None:
    """Add what the chosen answers, about to be forgotten, kept to the sums of their days."""
    for row in connection.execute(_kept_by_day().where(answers.c.kept > 0, *chosen)).all():
        added = insert(kept_reads).values(epoch_index=row.epoch_index, kept=row.kept)
        summed = {"kept": kept_reads.c.kept + row.kept}
        connection.execute(added.on_conflict_do_update(index_elements=["epoch_index"], set_=summed))


def kept_of(connection: Connection, epoch_index: int) -> int:
    """How many reads of a day were kept so far."""
    summed = select(kept_reads.c.kept).where(kept_reads.c.epoch_index == epoch_index)
    found = connection.execute(_kept_by_day().where(segments.c.epoch_index == epoch_index)).first()
    return (connection.execute(summed).scalar() or 0) + (0 if found is None else int(found.kept))


def kept_in_all(connection: Connection, until: float) -> int:
    """How many reads were kept by answers received until then (seconds since 1970, UTC), of all days."""
    before: int = connection.execute(select(func.coalesce(func.sum(kept_reads.c.kept), 0))).scalar_one()
    received = select(func.coalesce(func.sum(answers.c.kept), 0)).where(answers.c.received_at <= until)
    return before + int(connection.execute(received).scalar_one())


def kept_since(connection: Connection) -> float | None:
    """When the first answer came that is remembered, 0 where older ones were summed up; None before any."""
    if connection.execute(select(kept_reads.c.kept).limit(1)).first() is not None:
        return 0.0
    found: float | None = connection.execute(select(func.min(answers.c.received_at))).scalar()
    return found


def _kept_by_day() -> Select[Any, Any]:
    return (
        select(segments.c.epoch_index, func.sum(answers.c.kept).label("kept"))
        .join(segments, segments.c.segment_id == answers.c.segment_id)
        .group_by(segments.c.epoch_index)
    )
