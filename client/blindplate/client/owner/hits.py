"""Hits: sealed records the owner has claimed. Until release a hit only says that some entry of one bin was read.

Guarantees that a record is one hit however often it is claimed, and that nothing of its plate is stored here before
its release but which bin it fell into; a bin of a vehicle added alone holds that vehicle alone. Protocol section 5;
docs/spec/owner.md section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from blindplate.client.owner.tables import hits, reveals
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import NotFoundError
from blindplate.core.records.record import SealedRecord


class HitState(StrEnum):
    """Sealed until asked for; alarmed when what came out contradicts the list or the record's own commitments."""

    SEALED = "sealed"
    REQUESTED = "requested"
    DENIED = "denied"
    REVEALED = "revealed"
    REMOVED = "removed"
    ALARMED = "alarmed"


# A hit on an entry removed since is kept as such, but never shown.
HIDDEN: Final = frozenset({HitState.REMOVED})


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit as it may be shown. Times are seconds since 1970, UTC.

    ``captured_at`` is rounded down to ``granularity`` seconds. An ``alternate`` is a read of a spelling the engine
    held less likely.
    """

    hit_id: int
    domain: Domain
    epoch: Epoch
    captured_at: float
    granularity: float
    alternate: bool
    received_at: float
    state: HitState


@dataclass(frozen=True, slots=True)
class SealedHit:
    """A hit with what it takes to open it, the custodians' shares apart, and the slot of the answer it came by."""

    hit: Hit
    record: SealedRecord
    match_secret: bytes = field(repr=False)
    segment_id: bytes
    slot: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A record handed over for its match secret, and the slot of the answer that gave the secret."""

    slot: int
    record: SealedRecord
    match_secret: bytes = field(repr=False)


def keep_hits(
    connection: Connection, claimed: Iterable[Claimed], *, sequence: int, segment_id: bytes, now: float
) -> int:
    """Store what is not yet stored. Gives how many were new."""
    new = 0
    for one in claimed:
        row = {
            "record_id": one.record.header.record_id,
            "sequence": sequence,
            "segment_id": segment_id,
            "slot": one.slot,
            "record": one.record.to_bytes(),
            "match_secret": one.match_secret,
            "state": HitState.SEALED,
            "received_at": now,
            "captured_at": one.record.header.capture_time_ms / 1000,
        }
        new += connection.execute(insert(hits).prefix_with("OR IGNORE").values(row)).rowcount
    return new


def find_hit(connection: Connection, hit_id: int) -> SealedHit:
    """The hit of that number. Raises NotFoundError, also for one that is never shown."""
    chosen = select(hits).where(hits.c.hit_id == hit_id, hits.c.state.not_in(HIDDEN))
    row = connection.execute(chosen).mappings().first()
    if row is None:
        raise NotFoundError(f"There is no hit {hit_id}.", "List the hits to find its number.")
    record = SealedRecord.from_bytes(row["record"])
    return SealedHit(_hit(row, record), record, row["match_secret"], row["segment_id"], row["slot"])


def hits_after(connection: Connection, hit_id: int, limit: int = 1_000) -> list[Hit]:
    """The hits that may be shown, numbered above ``hit_id``, in order."""
    chosen = select(hits).where(hits.c.hit_id > hit_id, hits.c.state.not_in(HIDDEN))
    rows = connection.execute(chosen.order_by(hits.c.hit_id).limit(limit)).mappings()
    return [_hit(row, SealedRecord.from_bytes(row["record"])) for row in rows]


def last_hit(connection: Connection) -> int:
    """The highest number given so far; 0 before the first."""
    return connection.execute(select(func.max(hits.c.hit_id))).scalar() or 0


def last_revealed_at(connection: Connection) -> float:
    """When a hit was revealed last; 0 before the first."""
    return connection.execute(select(func.max(reveals.c.revealed_at))).scalar() or 0.0


def revealed_after(connection: Connection, moment: float) -> list[tuple[float, Hit]]:
    """The hits revealed after ``moment``, each with when, in that order."""
    chosen = select(hits, reveals.c.revealed_at).join(reveals, reveals.c.hit_id == hits.c.hit_id)
    chosen = chosen.where(reveals.c.revealed_at > moment).order_by(reveals.c.revealed_at)
    rows = connection.execute(chosen).mappings()
    return [(row["revealed_at"], _hit(row, SealedRecord.from_bytes(row["record"]))) for row in rows]


def sealed_hits(connection: Connection, limit: int, *, without: Collection[int] = ()) -> list[Hit]:
    """The oldest hits that nobody has asked for; no alternates, which are never released automatically.

    Hits numbered in ``without`` are left out.
    """
    chosen = select(hits).where(hits.c.state == HitState.SEALED).order_by(hits.c.hit_id)
    found: list[Hit] = []
    for row in connection.execute(chosen).mappings():
        if row["hit_id"] in without:
            continue
        hit = _hit(row, SealedRecord.from_bytes(row["record"]))
        if not hit.alternate:
            found.append(hit)
        if len(found) == limit:
            break
    return found


def set_hit_state(connection: Connection, hit_id: int, state: HitState) -> None:
    """Put a hit into a state."""
    connection.execute(update(hits).where(hits.c.hit_id == hit_id).values(state=state))


def count_by_state(connection: Connection) -> dict[HitState, int]:
    """How many hits are in each state."""
    rows = connection.execute(select(hits.c.state, func.count().label("found")).group_by(hits.c.state))
    return {HitState(row.state): row.found for row in rows}


def _hit(row: Mapping[Any, Any], record: SealedRecord) -> Hit:
    header = record.header
    return Hit(
        hit_id=row["hit_id"],
        domain=header.domain,
        epoch=header.epoch,
        captured_at=header.capture_time_ms / 1000,
        granularity=header.time_granularity_ms / 1000,
        alternate=header.alternate,
        received_at=row["received_at"],
        state=HitState(row["state"]),
    )
