"""No release without a witnessed entry first: the ledger as a release decision sees it.

Guarantees, when ``require_entry`` returns, that the ledger holds the public entry of exactly this request, and that
both custodians cosigned a checkpoint that covers it within the last minute, which agrees with what this custodian has
itself read of the ledger. What is not there yet may be there soon: it is no reason to refuse a request for good.
Protocol sections 6 and 7, guarantee G6.
"""

from __future__ import annotations

from typing import Final, Protocol

from blindplate.core.errors import UnwitnessedError
from blindplate.core.statements.release_entries import RequestEntry, request_entry
from blindplate.server.custodian.authentic import Authentic

FRESH_SECONDS: Final = 60


class Ledger(Protocol):
    """What this custodian has itself read of the ledger, and the ledger's newest checkpoint."""

    def request_entry(self, request_id: bytes) -> tuple[int, int, RequestEntry] | None:
        """The index of a request's entry, when this custodian witnessed it, and the entry; None for none read yet."""
        ...

    def require_witnessed(self, index: int, max_age_seconds: int = FRESH_SECONDS) -> object:
        """Raise UnwitnessedError unless both custodians just cosigned a checkpoint that covers ``index``.

        Raises ForkError or RollbackError when it contradicts what was read before, UnavailableError.
        """
        ...


def require_entry(authentic: Authentic, ledger: Ledger) -> None:
    """Raise UnwitnessedError unless the request's entry stands in the ledger, freshly witnessed by both custodians.

    Raises ForkError, RollbackError or UnavailableError when the ledger's checkpoint cannot be relied on.
    """
    found = ledger.request_entry(authentic.request_id)
    if found is None:
        raise UnwitnessedError(
            "This custodian has not witnessed a ledger entry of this release request.",
            "Enter it in the ledger, wait until both custodians have witnessed it, then ask again.",
        )
    index, _, entry = found
    if entry != request_entry(authentic.request_id, authentic.request, authentic.record.header):
        raise UnwitnessedError(
            "The ledger's entry of this release request says something else than the request.",
            "Make a new request, and enter what it says.",
        )
    ledger.require_witnessed(index, FRESH_SECONDS)
