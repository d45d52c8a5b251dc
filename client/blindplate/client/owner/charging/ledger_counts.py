"""The newest counts that matcher and cameras entered in the ledger, for the owner's list.

Guarantees that each is signed as the ledger demands: by the pinned matcher, by a key that the operator enrolled for that
camera. Whether newer ones are kept back, or totals ever went back, is for the auditor to find out. Protocol section 7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from blindplate.client.owner.session import Session
from blindplate.core.errors import BlindplateError, NotFoundError
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.statements.cameras import CameraCounts
from blindplate.core.statements.matching import MatcherCounts, RecordCount

# Cameras report once an hour; one that has not for a day and more is off.
_BACK_SECONDS: Final = 26 * 3600


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """``records`` are the matcher's counts of the list by zone, made at ``made_at`` (seconds since 1970, UTC).

    ``accepted`` is how many records of the list its ``cameras`` handed in by zone, by the last word of each before that.
    """

    since: int
    made_at: int
    records: Mapping[str, RecordCount]
    accepted: Mapping[str, int]
    cameras: int


def latest_counts(session: Session) -> LedgerCounts:
    """Read the ledger backwards until the counts of the last day are known. Raises NotFoundError without any."""
    matcher: MatcherCounts | None = None
    cameras: dict[tuple[str, str], CameraCounts] = {}
    for entry in session.ledger.entries_back():
        counts = _counts(session, entry)
        if isinstance(counts, MatcherCounts) and matcher is None:
            matcher = counts
        if counts is None or matcher is None:
            continue
        if counts.made_at < matcher.made_at - _BACK_SECONDS:
            break
        if isinstance(counts, CameraCounts) and counts.made_at <= matcher.made_at:
            cameras.setdefault((counts.zone, counts.camera_id), counts)
    if matcher is None:
        raise NotFoundError("The ledger has no counts of the matcher yet.", "Ask again in an hour.")
    list_id = session.grant.list_id
    accepted = Counter[str]()
    for one in cameras.values():
        accepted[one.zone] += sum(part.records for part in one.accepted if part.list_id == list_id)
    records = {one.zone: one for one in matcher.records if one.list_id == list_id}
    return LedgerCounts(matcher.since, matcher.made_at, records, accepted, len(cameras))


def _counts(session: Session, entry: bytes) -> MatcherCounts | CameraCounts | None:
    try:
        if parse_entry(entry).payload_type not in (MatcherCounts.media_type(), CameraCounts.media_type()):
            return None
        model = session.ledger.state.check(entry)
    except BlindplateError:
        # What does not bear the signatures it must counts for nobody.
        return None
    return model if isinstance(model, MatcherCounts | CameraCounts) else None
