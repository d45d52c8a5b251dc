"""What is owed for a day: one outcome a vehicle and day, of what was opened.

Guarantees that a vehicle has at most one outcome for a day, in however many zones and however often it was read and opened,
and that what was opened of a vehicle that owes nothing is forgotten at once. What a vehicle is exempt by is told in
``exemptions``; who paid, in ``settlements``. Protocol section 8; docs/spec/owner.md section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Join, func, insert, select

from blindplate.client.owner.charging.days import ChargingDay, calendar_day
from blindplate.client.owner.charging.exemptions import exemption
from blindplate.client.owner.charging.settlements import forget_revealed, settle_opened, settlement_of
from blindplate.client.owner.charging.tables import charges
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.reveal import Revealed, revealed_before
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits, segments
from blindplate.core.plates import CanonicalPlate
from blindplate.core.statements.uploads import Stage

_HOME: Final = "GB"


class ChargeOutcome(StrEnum):
    """Liable: the charge is owed. Foreign: it is, and the vehicle has no record here to send a notice by."""

    LIABLE = "liable"
    EXEMPT = "exempt"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Charge:
    """The outcome of a vehicle and day. ``reason`` is the exemption's; ``settled`` is empty while nothing was."""

    day: date
    plate: CanonicalPlate = field(repr=False)
    hit_id: int
    outcome: ChargeOutcome
    reason: str
    settled: str


def record_charges(session: Session, day: date | None = None) -> int:
    """Give every hit that was revealed and has none its outcome; of one day, or of all. Gives how many vehicles are new."""
    with session.store.reading() as connection:
        waiting = _without_outcome(connection, day)
    recorded = 0
    for hit_id, epoch_index in waiting:
        with session.store.writing() as connection:
            revealed = revealed_before(connection, hit_id)
            if revealed is not None:
                recorded += _record(connection, session, calendar_day(epoch_index), revealed)
    return recorded


def charges_of(connection: Connection, day: date) -> list[Charge]:
    """Every outcome of a day, in the order of their hits."""
    rows = connection.execute(select(charges).where(charges.c.day == day).order_by(charges.c.hit_id))
    return [
        Charge(
            row.day,
            CanonicalPlate.decode(row.plate),
            row.hit_id,
            ChargeOutcome(row.outcome),
            row.reason,
            row.settled,
        )
        for row in rows
    ]


def charged_hits(connection: Connection, day: date) -> int:
    """How many different hits the outcomes of a day stand on."""
    chosen = select(func.count(charges.c.hit_id.distinct())).where(charges.c.day == day)
    return connection.execute(chosen).scalar_one()


def hits_of(connection: Connection, day: ChargingDay) -> dict[HitState, int]:
    """How many hits of a day are in each state."""
    chosen = select(hits.c.state, func.count().label("found")).select_from(_opened())
    chosen = chosen.where(segments.c.epoch_index == day.epoch.index, segments.c.stage == Stage.OPEN)
    found: Mapping[str, int] = {
        row.state: row.found for row in connection.execute(chosen.group_by(hits.c.state))
    }
    return {state: found[state] for state in HitState if state in found}


def hits_in(connection: Connection, day: ChargingDay | None, *states: HitState) -> list[int]:
    """The numbers of hits in one of ``states``, of one day or of all, oldest first."""
    chosen = select(hits.c.hit_id).select_from(_opened()).where(segments.c.stage == Stage.OPEN)
    if day is not None:
        chosen = chosen.where(segments.c.epoch_index == day.epoch.index)
    return list(connection.execute(chosen.where(hits.c.state.in_(states)).order_by(hits.c.hit_id)).scalars())


def _without_outcome(connection: Connection, day: date | None) -> list[tuple[int, int]]:
    chosen = select(hits.c.hit_id, segments.c.epoch_index).select_from(_opened())
    chosen = chosen.where(
        segments.c.stage == Stage.OPEN,
        hits.c.state == HitState.REVEALED,
        hits.c.hit_id.not_in(select(charges.c.hit_id)),
    )
    found = connection.execute(chosen.order_by(hits.c.hit_id)).all()
    return [
        (row.hit_id, row.epoch_index) for row in found if day is None or calendar_day(row.epoch_index) == day
    ]


def _opened() -> Join:
    return hits.join(segments, segments.c.segment_id == hits.c.segment_id)


def _record(connection: Connection, session: Session, day: date, revealed: Revealed) -> int:
    outcome, reason = _judged(session, day, revealed)
    plate = revealed.plate.encode()
    row = {
        "day": day,
        "plate": plate,
        "hit_id": revealed.hit_id,
        "outcome": outcome,
        "reason": reason,
        "settled": "",
        "decided_at": session.now(),
    }
    new = connection.execute(insert(charges).prefix_with("OR IGNORE").values(row)).rowcount
    if not new or outcome is ChargeOutcome.EXEMPT:
        # Another read of a vehicle that has its outcome for the day, or nothing is owed.
        forget_revealed(connection, [revealed.hit_id])
    kind = settlement_of(connection, day, plate)
    if kind is not None:
        settle_opened(connection, day, plate, kind)
    return new


def _judged(session: Session, day: date, revealed: Revealed) -> tuple[ChargeOutcome, str]:
    exempt = exemption(revealed.entry.details, day, session.settings.charging.grace_until)
    if exempt is not None:
        return ChargeOutcome.EXEMPT, exempt.value
    if revealed.plate.country != _HOME:
        return ChargeOutcome.FOREIGN, ""
    return ChargeOutcome.LIABLE, ""
