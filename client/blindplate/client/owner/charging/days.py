"""Charging days as calendar days of Europe/London, and where one stands: still to pay, closed, to be opened.

Pure: times come in as seconds since 1970, UTC. Protocol section 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from blindplate.core.charging import is_free, payment_closes
from blindplate.core.domains import CHARGING_DAY, Epoch
from blindplate.core.errors import GrantError, TooEarlyError
from blindplate.core.statements.grants import Grant

_FIRST: Final = date(1970, 1, 1)
# Custodians and matcher judge by clocks of their own, and what comes too early for one of them is denied for good.
_SLOWEST_CLOCK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ChargingDay:
    """One day of a grant with charging terms. Times are seconds since 1970, UTC.

    ``closes_at`` is when payment for it closes: from then on what was kept may be opened.
    """

    day: date
    epoch: Epoch
    closes_at: float

    @property
    def is_free(self) -> bool:
        """Whether nothing is charged on it."""
        return is_free(self.day)

    def is_closed(self, now: float) -> bool:
        """Whether payment for it has closed."""
        return now >= self.closes_at

    def may_be_opened(self, now: float) -> bool:
        """Whether payment for it has closed by everybody's clock."""
        return now >= self.closes_at + _SLOWEST_CLOCK_SECONDS

    def require_openable(self, now: float) -> None:
        """Raise TooEarlyError until payment for the day has closed by everybody's clock."""
        self.require_closed(now)
        if not self.may_be_opened(now):
            raise TooEarlyError(
                f"Payment for {self.day} has closed this minute, perhaps not yet by every custodian's clock."
            )

    def require_closed(self, now: float) -> None:
        """Raise TooEarlyError while the day can still be paid for."""
        if not self.is_closed(now):
            raise TooEarlyError(f"Payment for {self.day} has not closed yet.")


def charging_day(grant: Grant, day: date) -> ChargingDay:
    """A calendar day under a grant. Raises GrantError for a grant without charging terms, or a day before 1970."""
    if grant.charging is None:
        raise GrantError(
            f"Grant {grant.grant_id} has no charging terms.", "Ask for an amended grant that has them."
        )
    if day < _FIRST:
        raise GrantError("There are no charging days before 1970.", "Name another day.")
    epoch = Epoch(CHARGING_DAY, (day - _FIRST).days)
    return ChargingDay(day, epoch, payment_closes(epoch, grant.charging.payment_days))


def calendar_day(epoch_index: int) -> date:
    """The calendar day of a charging day's epoch index."""
    return _FIRST + timedelta(days=epoch_index)
