"""What a person at a charging authority does: each command one function, sharing the database with the daemon.

Guarantees that a file of settlements is taken whole or, unless its owner says otherwise, not at all. Docs/charging.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from blindplate.client.owner import roster
from blindplate.client.owner.charging import notices, reconciling, run
from blindplate.client.owner.charging.days import charging_day
from blindplate.client.owner.charging.notices import Issued
from blindplate.client.owner.charging.reconciling import Reconciled
from blindplate.client.owner.charging.run import PATIENCE_SECONDS, Ran
from blindplate.client.owner.charging.settlement_file import (
    Assumed,
    RowProblem,
    last_payable_day,
    read_settlement_file,
)
from blindplate.client.owner.charging.settlements import Entered, Settled, enter_settlements
from blindplate.client.owner.charging.status import DayStatus, day_status
from blindplate.client.owner.progress import Progress, silent
from blindplate.client.owner.session import open_session
from blindplate.client.owner.settings import OwnerSettings


@dataclass(frozen=True, slots=True)
class SettledReport:
    """What became of a file: its problems in order of lines, and what was entered; None when it was refused."""

    problems: tuple[RowProblem, ...]
    entered: Entered | None


def settle(
    settings: OwnerSettings, path: Path, kind: Settled, *, day: date | None = None, skip_bad: bool = False
) -> SettledReport:
    """Take a file of payments, refunds or exemptions; ``day`` counts for rows that name none.

    Raises ListFileError for a file that cannot be read row by row, GrantError without charging terms.
    """
    with open_session(settings) as session:
        today = roster.london_day(session.now())
        charging_day(session.grant, day or today)
        last = last_payable_day(today, settings.charging.prepay_days)
        file = read_settlement_file(path, Assumed(kind, settings.country, day, last))
        if file.refused and not skip_bad:
            return SettledReport(file.problems, None)
        with session.store.writing() as connection:
            entered = enter_settlements(connection, file.settlements, session.now())
        return SettledReport(file.problems, entered)


def status(settings: OwnerSettings, day: date | None = None) -> list[DayStatus]:
    """Where ``day`` stands, or every day whose reads may still be held, the newest first."""
    with open_session(settings) as session:
        if day is not None:
            return [day_status(session, day)]
        now = session.now()
        index = session.rule.at(now).index
        wanted: list[date] = []
        while index >= 0 and session.epoch(index).end() + session.hold_seconds > now:
            wanted.append(roster.london_day(session.epoch(index).start()))
            index -= 1
        return [day_status(session, one) for one in wanted]


def run_day(
    settings: OwnerSettings, day: date, *, patience: float = PATIENCE_SECONDS, progress: Progress = silent
) -> Ran:
    """Do now what is to be done of a day. Raises as ``run.run_day``."""
    with open_session(settings) as session:
        return run.run_day(session, day, patience=patience, progress=progress)


def write_notices(settings: OwnerSettings, day: date, folder: Path) -> Issued:
    """Write the day's notices. Raises as ``notices.write_notices``."""
    with open_session(settings) as session:
        return notices.write_notices(session, day, folder)


def reconcile(settings: OwnerSettings, day: date) -> Reconciled:
    """Hold the day against the ledger's counts. Raises as ``reconciling.reconcile``."""
    with open_session(settings) as session:
        return reconciling.reconcile(session, day)
