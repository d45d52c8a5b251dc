"""What was settled for which day: paid, refunded or exempt; and when that was entered here.

Guarantees that what is entered is durable, that the same again changes nothing, and that a settlement which came after
its day was opened keeps what was opened out of every notice. Settlements are forgotten with their day's window: who paid
is then known here no longer. No payment is made or checked here. Specified in docs/spec/owner.md section 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from blindplate.client.owner.charging.tables import charges, settlements
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.tables import hits, reveals
from blindplate.core.plates import CanonicalPlate


class Settled(StrEnum):
    """Why nothing more is owed for a day."""

    PAID = "paid"
    REFUNDED = "refunded"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Settlement:
    """One vehicle and day. ``reference`` is the owner's own, to find it again."""

    plate: CanonicalPlate = field(repr=False)
    day: date
    kind: Settled
    reference: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of settlements: new ones, ones known before, and of the new ones those of vehicles opened before."""

    new: int
    known: int
    late: int


def enter_settlements(connection: Connection, settled: Sequence[Settlement], now: float) -> Entered:
    """Store what is not known yet; what was opened of them is kept out of notices, and forgotten."""
    days = {one.day for one in settled}
    known = {
        (row.day, row.plate, row.kind)
        for day in days
        for row in connection.execute(select(settlements).where(settlements.c.day == day))
    }
    opened = {
        (row.day, row.plate)
        for day in days
        for row in connection.execute(select(charges.c.day, charges.c.plate).where(charges.c.day == day))
    }
    new: dict[tuple[object, ...], dict[str, object]] = {}
    late = 0
    for one in settled:
        plate = one.plate.encode()
        key = one.day, plate, one.kind
        if key in known or key in new:
            continue
        new[key] = {
            "day": one.day,
            "plate": plate,
            "kind": one.kind,
            "reference": one.reference,
            "entered_at": now,
        }
        if (one.day, plate) in opened:
            late += settle_opened(connection, one.day, plate, one.kind)
    if new:
        connection.execute(insert(settlements), list(new.values()))
    return Entered(len(new), len(settled) - len(new), late)


def settled_plates(connection: Connection, day: date) -> set[bytes]:
    """The encoded plates for which nothing more is owed for ``day``."""
    return set(connection.execute(select(settlements.c.plate).where(settlements.c.day == day)).scalars())


def settlement_of(connection: Connection, day: date, plate: bytes) -> Settled | None:
    """How the day of an encoded plate was settled; the first of its settlements where it has several."""
    of_it = (settlements.c.day == day, settlements.c.plate == plate)
    chosen = select(settlements.c.kind).where(*of_it).order_by(settlements.c.entered_at, settlements.c.kind)
    found: str | None = connection.execute(chosen.limit(1)).scalar()
    return None if found is None else Settled(found)


def count_settlements(connection: Connection, day: date) -> dict[Settled, int]:
    """How many vehicles each kind of settlement is of."""
    chosen = select(settlements.c.kind, func.count().label("found")).where(settlements.c.day == day)
    rows = connection.execute(chosen.group_by(settlements.c.kind))
    found = {Settled(row.kind): row.found for row in rows}
    return {one: found.get(one, 0) for one in Settled}


def settle_opened(connection: Connection, day: date, plate: bytes, kind: Settled) -> bool:
    """Mark what was opened of a vehicle and day as settled, and forget what its record disclosed. Whether there was any."""
    of_it = (charges.c.day == day, charges.c.plate == plate)
    opened = update(charges).where(*of_it, charges.c.settled == "").values(settled=kind)
    if not connection.execute(opened).rowcount:
        return False
    found = list(connection.execute(select(charges.c.hit_id).where(*of_it)).scalars())
    forget_revealed(connection, found)
    return True


def forget_revealed(connection: Connection, hit_ids: Iterable[int]) -> None:
    """Erase what was revealed of hits that are not to be shown any more."""
    rows = [{"gone": hit_id} for hit_id in hit_ids]
    if rows:
        connection.execute(delete(reveals).where(reveals.c.hit_id == bindparam("gone")), rows)
        connection.execute(
            update(hits).where(hits.c.hit_id == bindparam("gone")).values(state=HitState.REMOVED), rows
        )


def forget_settlements(connection: Connection, before: date) -> int:
    """Forget the settlements of days before ``before``. Gives how many."""
    return connection.execute(delete(settlements).where(settlements.c.day < before)).rowcount
