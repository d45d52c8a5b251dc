"""Where a charging day stands: kept, settled, opened, owed. Reads the owner's database alone; counts, no plates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from blindplate.client.owner.charging.charges import ChargeOutcome, charges_of, hits_of
from blindplate.client.owner.charging.days import ChargingDay, charging_day
from blindplate.client.owner.charging.keeping import kept_of
from blindplate.client.owner.charging.notices import count_notices
from blindplate.client.owner.charging.opening import opened_at
from blindplate.client.owner.charging.settlements import Settled, count_settlements
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.session import Session


@dataclass(frozen=True, slots=True)
class DayStatus:
    """One day. ``kept`` counts reads, all else vehicles or hits; ``settled_late`` outcomes settled after the opening.

    ``opened_at`` (seconds since 1970, UTC) is when the list to be opened was made; None before.
    """

    day: ChargingDay
    closed: bool
    kept: int
    settlements: Mapping[Settled, int]
    opened_at: float | None
    hits: Mapping[HitState, int]
    outcomes: Mapping[ChargeOutcome, int]
    settled_late: int
    notices: int
    notices_settled: int

    @property
    def owed(self) -> int:
        """Vehicles that still owe for the day and can be sent a notice."""
        return self.outcomes[ChargeOutcome.LIABLE] - self.settled_late

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "day": self.day.day.isoformat(),
            "free": self.day.is_free,
            "payment_closes_at": self.day.closes_at,
            "payment_closed": self.closed,
            "reads_kept": self.kept,
            "settlements": {one.value: count for one, count in self.settlements.items()},
            "opened_at": self.opened_at,
            "hits": {one.value: count for one, count in self.hits.items()},
            "outcomes": {one.value: count for one, count in self.outcomes.items()},
            "settled_late": self.settled_late,
            "owed": self.owed,
            "notices": self.notices,
            "notices_settled": self.notices_settled,
        }


def day_status(session: Session, day: date) -> DayStatus:
    """Where ``day`` stands. Raises GrantError without charging terms, StorageError."""
    charged_day = charging_day(session.grant, day)
    with session.store.reading() as connection:
        return status_in(connection, charged_day, session.now())


def status_in(connection: Connection, day: ChargingDay, now: float) -> DayStatus:
    """The same, in a transaction of the caller's."""
    found = charges_of(connection, day.day)
    outcomes = Counter(one.outcome for one in found)
    late = sum(one.outcome is ChargeOutcome.LIABLE and bool(one.settled) for one in found)
    numbered, settled = count_notices(connection, day.day)
    return DayStatus(
        day=day,
        closed=day.is_closed(now),
        kept=kept_of(connection, day.epoch.index),
        settlements=count_settlements(connection, day.day),
        opened_at=opened_at(connection, day),
        hits=hits_of(connection, day),
        outcomes={one: outcomes[one] for one in ChargeOutcome},
        settled_late=late,
        notices=numbered,
        notices_settled=settled,
    )
