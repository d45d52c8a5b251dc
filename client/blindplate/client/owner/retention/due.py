"""Which hits an owner may keep no longer: past the days of its grants, from their capture, and under no legal hold.

Guarantees that a time known only as rounded is counted from its beginning, so that nothing is kept too long for it.
Specified in docs/spec/owner.md section 8.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from blindplate.client.owner.retention.tables import holds
from blindplate.client.owner.tables import hits
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.retention import DAY_SECONDS, evidence_due


def due_hits(connection: Connection, history: GrantHistory, now: float) -> list[int]:
    """The numbers of the hits whose evidence is to be erased at ``now`` (seconds since 1970, UTC), oldest capture first."""
    shortest = min(one.grant.evidence_days for one in history.amendments)
    held = select(holds.c.hit_id).where(holds.c.until > now)
    chosen = select(hits.c.hit_id, hits.c.captured_at).where(
        hits.c.captured_at <= now - DAY_SECONDS * shortest, hits.c.hit_id.not_in(held)
    )
    rows = connection.execute(chosen.order_by(hits.c.captured_at)).all()
    return [row.hit_id for row in rows if evidence_due(history, row.captured_at, now) <= now]
