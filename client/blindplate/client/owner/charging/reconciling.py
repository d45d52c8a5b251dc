"""A day's books held against themselves and against the ledger's counts, down to the last read.

Of one day everything that was opened is accounted for by its outcome. What was kept is held against the matcher's signed
counts over all days, which are all that the ledger has: it counts reads, of no day and no vehicle, so that nothing of who
paid shows there. What passes between two counts is allowed for. Protocol sections 7 and 8; docs/charging.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from blindplate.client.owner.charging.charges import ChargeOutcome, charged_hits
from blindplate.client.owner.charging.days import charging_day
from blindplate.client.owner.charging.keeping import kept_in_all, kept_since
from blindplate.client.owner.charging.ledger_counts import LedgerCounts, latest_counts
from blindplate.client.owner.charging.status import DayStatus, status_in
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.session import Session
from blindplate.core.errors import CountError, NotFoundError

# How far the clocks of owner and matcher, and an answer on its way, can put a count apart.
_SLACK_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Balance:
    """One sum that must come out: ``found`` lies between ``least`` and ``most``. ``what`` says it to a reader."""

    what: str
    found: int
    least: int
    most: int

    @property
    def holds(self) -> bool:
        """Whether it comes out."""
        return self.least <= self.found <= self.most


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A day, its sums, and when the matcher's counts were made that they were held against; None without any."""

    status: DayStatus
    balances: tuple[Balance, ...]
    counted_at: int | None

    @property
    def holds(self) -> bool:
        """Whether every sum comes out."""
        return all(one.holds for one in self.balances)


def reconcile(session: Session, day: date) -> Reconciled:
    """Hold a day against the ledger. Raises GrantError without charging terms, and as ``OwnerLedger.refresh``."""
    charged_day = charging_day(session.grant, day)
    with session.store.reading() as connection:
        status = status_in(connection, charged_day, session.now())
        recorded = charged_hits(connection, day)
    balances = list(_of_day(status, recorded))
    try:
        counts = latest_counts(session)
    except NotFoundError:
        return Reconciled(status, tuple(balances), None)
    balances += _of_ledger(session, counts)
    return Reconciled(status, tuple(balances), counts.made_at)


def _of_day(status: DayStatus, recorded: int) -> Iterator[Balance]:
    revealed = status.hits.get(HitState.REVEALED, 0)
    yield _equal("outcomes, each of a vehicle, by kind", sum(status.outcomes.values()), recorded)
    hits = sum(status.hits.values())
    yield Balance("reads opened, of all that were kept", hits, 0, status.kept)
    yield _equal("reads revealed and shown, by vehicles that owe", revealed, _shown(status))
    yield Balance(
        "notices, and those to come, by vehicles that owe",
        status.notices - status.notices_settled,
        0,
        status.owed,
    )


def _shown(status: DayStatus) -> int:
    """What stays revealed: one read of each vehicle that owes, foreign ones included."""
    return status.owed + status.outcomes[ChargeOutcome.FOREIGN]


def _of_ledger(session: Session, counts: LedgerCounts) -> Iterator[Balance]:
    for zone, record in sorted(counts.records.items()):
        try:
            record.require_balanced()
        except CountError:
            yield Balance(f"records received in zone {zone}, each accounted for once", 1, 0, 0)
        accepted = counts.accepted.get(zone, 0)
        yield Balance(
            f"records that cameras handed in in zone {zone}, of those received", accepted, 0, record.received
        )
    with session.store.reading() as connection:
        since = kept_since(connection)
        least = kept_in_all(connection, counts.made_at - _SLACK_SECONDS)
        most = kept_in_all(connection, counts.made_at + _SLACK_SECONDS)
    if since is not None and since < counts.since:
        # The matcher's counts began anew after this owner's.
        return
    records = counts.records.values()
    erased = sum(one.erased_unclaimed for one in records)
    kept = sum(one.kept + one.claimed + one.erased_unopened for one in records)
    # What was kept and neither opened nor wanted in its window is among the unclaimed.
    yield Balance(
        "reads kept, opened and erased unopened, by the matcher", kept, max(0, least - erased), most
    )


def _equal(what: str, found: int, wanted: int) -> Balance:
    return Balance(what, found, wanted, wanted)
