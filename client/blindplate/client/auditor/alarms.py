"""What ought not to happen and breaks no rule of the ledger: how often each was noted, nought included.

docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.findings import Finding, Kind, Severity

_ALARMS: Final[tuple[tuple[str, str, tuple[Kind, ...]], ...]] = (
    ("no-true-hit", "A record was asked for that was no true hit", (Kind.NOT_LISTED,)),
    ("did-not-open", "A released record did not open as it must", (Kind.OUTCOME_FAILED,)),
    ("claims-refused", "Hits were claimed by somebody who could not show them", (Kind.CLAIMS_REFUSED,)),
    (
        "outside-grant",
        "An agency asked for what its grant does not allow",
        (
            Kind.REQUEST_PLACE,
            Kind.REQUEST_PURPOSE,
            Kind.REQUEST_GRANT,
            Kind.REQUEST_LIFE,
            Kind.REQUEST_EMERGENCY,
        ),
    ),
    (
        "not-entered",
        "A release was asked for without being entered in the ledger first, and refused",
        (Kind.DECISION_WITHOUT_REQUEST,),
    ),
    ("override", "A custodian approved by emergency override", (Kind.EMERGENCY_USED,)),
    ("outcome-changed", "An agency changed what it had reported of a release", (Kind.OUTCOME_CHANGED,)),
    ("erasures-late", "The matcher did not look one night for what it had left", (Kind.ERASURES_LATE,)),
    ("counts-anew", "The matcher's counts began anew", (Kind.COUNTS_ANEW,)),
    ("released-unclaimed", "More records were released than had been claimed", (Kind.COUNTS_RELEASED,)),
    ("cameras-silent", "Registered cameras were found to report nothing", (Kind.CAMERA_SILENT,)),
    ("evaluations-apart", "The custodians' counts of a day were far apart", (Kind.EVALUATIONS_APART,)),
    ("evidence-hold", "An agency holds evidence for longer than its grant gives", (Kind.EVIDENCE_HOLD,)),
    ("late", "Something was entered more than an hour after it was made", (Kind.ENTRY_LATE,)),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """``name`` is stable; ``noted`` is how often it was."""

    name: str
    meaning: str
    noted: int


def alarms(findings: Iterable[Finding]) -> tuple[Alarm, ...]:
    """Every alarm there is, with the notes of its kinds."""
    noted = Counter(one.kind for one in findings if one.severity is Severity.NOTE)
    return tuple(Alarm(name, meaning, sum(noted[kind] for kind in kinds)) for name, meaning, kinds in _ALARMS)
