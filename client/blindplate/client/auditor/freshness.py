"""How long ago the ledger was witnessed, by the clock of whoever asks.

A checkpoint of long ago is as true as on its first day, and hides whatever was entered since: by its signatures alone
nobody can tell. Guarantees that one older, or further ahead, than its reader allows is a finding. Says nothing of the
reader's own clock. Protocol section 7; docs/spec/audit.md.
"""

from __future__ import annotations

from blindplate.client.auditor.findings import Finding, Kind, Severity, at
from blindplate.client.auditor.wording import duration
from blindplate.core.ledger.checkpoints import SignedCheckpoint


def age_of(signed: SignedCheckpoint, now: float) -> str:
    """When both custodians had witnessed a checkpoint, by the older of both times, and how long before ``now`` that was.

    Raises UnwitnessedError unless both had.
    """
    moment = signed.oldest()
    age = int(now) - moment
    ago = f"{duration(age)} ago" if age >= 0 else f"{duration(-age)} ahead of this machine's clock"
    return f"witnessed by both custodians on {at(moment)}, {ago}"


def stale(signed: SignedCheckpoint, now: float, max_age_seconds: float) -> list[Finding]:
    """A finding unless both custodians witnessed it within so many seconds of ``now``. Raises as ``age_of``."""
    if abs(now - signed.oldest()) <= max_age_seconds:
        return []
    sentence = f"The ledger's latest checkpoint was {age_of(signed, now)}; at most {max_age_seconds:,.0f} s were allowed."
    return [Finding(None, Kind.CHECKPOINT_STALE, Severity.VIOLATION, sentence)]
