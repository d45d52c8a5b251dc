"""What an audit finds: one sentence a finding, for a reader who has never seen a ledger.

Guarantees that a rule which fails becomes a finding and never passes for a rule that holds. Whether an error ends the
audit instead is for its caller: what is wrong with the files' root or signatures is raised (docs/spec/audit.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from blindplate.core.errors import BlindplateError
from blindplate.core.parties import Custodian

_View = TypeVar("_View")


class Severity(StrEnum):
    """A violation breaks a rule. A note breaks none, and is something a reader should know."""

    VIOLATION = "violation"
    NOTE = "note"


class Kind(StrEnum):
    """Which rule a finding is about; stable, and explained in docs/spec/audit.md."""

    CHECKPOINT_STALE = "checkpoint-stale"
    FILE_ALTERED = "file-altered"
    FILE_MISSING = "file-missing"
    FILE_UNEXPLAINED = "file-unexplained"
    NOT_YET_WITNESSED = "not-yet-witnessed"
    DATE_MISSING = "date-missing"
    ENTRY_REFUSED = "entry-refused"
    ENTRY_DATED_AHEAD = "entry-dated-ahead"
    ENTRY_LATE = "entry-late"
    REQUEST_PLACE = "request-place"
    REQUEST_PURPOSE = "request-purpose"
    REQUEST_GRANT = "request-grant"
    REQUEST_LIFE = "request-life"
    REQUEST_EMERGENCY = "request-emergency"
    DECISION_CHAIN = "decision-chain"
    DECISION_WITHOUT_REQUEST = "decision-without-request"
    DECISION_TWICE = "decision-twice"
    DECISION_OTHER_GRANT = "decision-other-grant"
    DECISION_TOO_EARLY = "decision-too-early"
    APPROVAL_LATE = "approval-late"
    APPROVAL_OUTSIDE_GRANT = "approval-outside-grant"
    APPROVAL_NOT_IN_FORCE = "approval-not-in-force"
    APPROVAL_LIST_SIZE = "approval-list-size"
    APPROVAL_QUOTA = "approval-quota"
    APPROVAL_STANDING_QUOTA = "approval-standing-quota"
    APPROVAL_OFFICERS = "approval-officers"
    APPROVAL_ALTERNATE = "approval-alternate"
    APPROVAL_EMERGENCY = "approval-emergency"
    SUBJECT_TAG = "subject-tag"
    EMERGENCY_USED = "emergency-used"
    NOT_LISTED = "not-listed"
    OUTCOME_WITHOUT_RELEASE = "outcome-without-release"
    OUTCOME_CHANGED = "outcome-changed"
    OUTCOME_FAILED = "outcome-failed"
    LIST_SIZE = "list-size"
    BATCH_ORDER = "batch-order"
    BATCH_GRANT = "batch-grant"
    COUNTS_BALANCE = "counts-balance"
    COUNTS_DECREASE = "counts-decrease"
    COUNTS_OPEN = "counts-open"
    COUNTS_RELEASED = "counts-released"
    COUNTS_ANEW = "counts-anew"
    COUNTS_ANEW_OFTEN = "counts-anew-often"
    COUNTS_OVERDUE = "counts-overdue"
    ERASURES_ORDER = "erasures-order"
    ERASURES_MISSING = "erasures-missing"
    ERASURES_LATE = "erasures-late"
    ERASURES_SUMS = "erasures-sums"
    ERASURES_CHECKED = "erasures-checked"
    ERASURES_OVERDUE = "erasures-overdue"
    CLAIMS_REFUSED = "claims-refused"
    CAMERA_DECREASE = "camera-decrease"
    CAMERA_EXCESS = "camera-excess"
    CAMERA_SILENT = "camera-silent"
    EVALUATIONS_GRANT = "evaluations-grant"
    EVALUATIONS_DAY = "evaluations-day"
    EVALUATIONS_GENERATION = "evaluations-generation"
    EVALUATIONS_CAMERAS = "evaluations-cameras"
    EVALUATIONS_DECREASE = "evaluations-decrease"
    EVALUATIONS_APART = "evaluations-apart"
    LOCAL_KEYS = "local-keys"
    SEARCHES = "searches"
    EVIDENCE_COUNTS = "evidence-counts"
    EVIDENCE_HELD = "evidence-held"
    EVIDENCE_KEPT = "evidence-kept"
    EVIDENCE_OVERDUE = "evidence-overdue"
    EVIDENCE_SILENT = "evidence-silent"
    EVIDENCE_HOLD = "evidence-hold"


@dataclass(frozen=True, slots=True)
class Finding:
    """``index`` is the entry it is about, None for a file; ``sentence`` names no code and needs none."""

    index: int | None
    kind: Kind
    severity: Severity
    sentence: str


@dataclass(frozen=True, slots=True)
class Rule(Generic[_View]):
    """One rule: ``check`` raises a BlindplateError, whose first sentence is the finding, unless the rule holds."""

    kind: Kind
    check: Callable[[_View], None]
    severity: Severity = Severity.VIOLATION


def judged(rules: Iterable[Rule[_View]], view: _View, index: int) -> Iterator[Finding]:
    """A finding for each of ``rules`` that ``view`` breaks."""
    for rule in rules:
        try:
            rule.check(view)
        except BlindplateError as error:
            yield Finding(index, rule.kind, rule.severity, error.what)


def named(custodian: Custodian) -> str:
    """How sentences speak of a custodian."""
    return f"Custodian {custodian.name}"


def short(identifier: bytes) -> str:
    """How sentences name what has a digest for a name: by its first 8 hexadecimal digits."""
    return identifier[:4].hex()


def at(moment: float) -> str:
    """How sentences give a moment (seconds since 1970, UTC)."""
    date = datetime.fromtimestamp(moment, UTC)
    return f"{date.day} {date:%B %Y at %H:%M:%S} UTC"


def day_of(moment: float) -> str:
    """The UTC day of a moment, as ``YYYY-MM-DD``."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
