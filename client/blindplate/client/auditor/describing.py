"""One line about an entry, for whoever watches the ledger go by."""

from __future__ import annotations

from blindplate.client.auditor.findings import day_of, named, short
from blindplate.client.auditor.wording import plural
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import CameraCounts, CameraStatus, RegisterEntry
from blindplate.core.statements.erasures import Erasures
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.evidence import EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.holds import HoldEnd, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.core.statements.policies import ZonePolicy
from blindplate.core.statements.release_entries import DecisionEntry, OutcomeEntry, RequestEntry


def describe(model: StatementModel | None) -> str:
    """What an entry says, None for one that should have been refused. Holds no text that its maker chose freely."""
    match model:
        case RegisterEntry():
            return f"register of zone {model.zone}, generation {model.generation}: {model.cameras:,} cameras"
        case CameraStatus():
            return f"camera {model.camera_id} in zone {model.zone} {model.standing}"
        case Grant():
            return f"grant {model.grant_id}, amendment {model.amendment}"
        case GrantSuspension():
            done = "suspends" if model.suspended else "acts again on"
            return f"{named(model.custodian)} {done} grant {model.grant_id}"
        case GrantEnd():
            return f"grant {model.grant_id} ends"
        case ZonePolicy():
            return f"policy of zone {model.zone}, serial {model.serial}"
        case EvaluationKey():
            domain = model.domain
            return f"{named(model.custodian)}'s key for {domain.list_id} in {domain.zone}, generation {domain.generation}"
        case ListVersion():
            return (
                f"list {model.list_id}, version {model.list_version}: {model.entries:,} vehicles, "
                f"{model.added:,} added, {model.removed:,} removed"
            )
        case _:
            return _describe_event(model)


def _describe_event(model: StatementModel | None) -> str:
    match model:
        case RequestEntry():
            return f"request {short(model.request_id)} for {model.purpose} in zone {model.zone}, grant {model.grant_id}"
        case DecisionEntry():
            how = " by emergency override" if model.emergency else ""
            return f"{named(model.custodian)} on request {short(model.request_id)}: {model.verdict} ({model.code}){how}"
        case OutcomeEntry():
            return f"outcome of request {short(model.request_id)}: {model.outcome}"
        case LegalHold():
            return f"evidence of request {short(model.request_id)} held until {day_of(model.until)}: {model.reason}"
        case HoldEnd():
            return f"evidence of request {short(model.request_id)} held no longer"
        case EvidenceErasures():
            erased = sum(row.erased for row in model.evidence)
            return f"evidence under grant {model.grant_id} on {model.day}: {erased:,} erased"
        case Batches():
            lists = sorted({batch.list_id for batch in model.batches})
            return f"{plural(len(model.batches), 'answer')} for {', '.join(lists)}"
        case MatcherCounts():
            return f"the matcher's counts: {sum(row.received for row in model.records):,} records received in all"
        case Erasures():
            erased = sum(row.erased for row in model.records)
            return f"the matcher's erasures of {model.day}: {erased:,} records erased, {model.overdue:,} items overdue"
        case CameraCounts():
            return f"camera {model.camera_id} in zone {model.zone}: {sum(one.records for one in model.accepted):,} records"
        case EvaluationCounts():
            return f"{named(model.custodian)}'s evaluations of {model.day}"
        case _:
            return "an entry that the ledger should have refused"
