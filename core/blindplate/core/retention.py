"""How long an owner may keep a claimed record and all that came of it: the days its grants name, from the capture.

Guarantees that an amendment shortens the time of what was captured before it, and never lengthens it. Knows no clock.
A legal hold, which keeps a record longer, is ``core.ledger.holds``. Protocol section 7, guarantee G7; docs/spec/owner.md
section 8.
"""

from __future__ import annotations

from typing import Final

from blindplate.core.ledger.grants import GrantHistory

DAY_SECONDS: Final = 86_400


def evidence_due(history: GrantHistory, captured_at: float, now: float) -> float:
    """By when the evidence of a record captured at ``captured_at`` must be gone, as known ``now``.

    All in seconds since 1970, UTC; the capture is rounded down where it is not known exactly. The least of what every
    amendment in force from the capture on names; of all amendments where none was, as far as this reader knows.
    """
    counting = history.during(captured_at, max(now, captured_at + 1)) or history.amendments
    return captured_at + DAY_SECONDS * min(one.grant.evidence_days for one in counting)
