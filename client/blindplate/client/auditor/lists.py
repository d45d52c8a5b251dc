"""How long the lists are, held against the grants they were made under, when they were made and when they were used.

Guarantees that a list version longer than any amendment allowed that can have been in force when it was entered is found,
and that no approval goes unnoticed of a request whose record can only have been read while the list in force was longer
than the grant then allowed. Which version a record was on, the ledger does not show. Protocol sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.findings import Finding, Kind, Rule, judged, named, short
from blindplate.client.auditor.grants import GRACE_SECONDS, GrantDates
from blindplate.client.auditor.requests import Requested
from blindplate.core.errors import PolicyError, QuotaError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.release_entries import DecisionEntry
from blindplate.core.statements.releases import Verdict


@dataclass(frozen=True, slots=True)
class Committed:
    """How many vehicles a version has, and between when it can have come into force (seconds since 1970, UTC)."""

    entries: int
    earliest: int
    latest: int


@dataclass(slots=True)
class Lists:
    """The versions entered so far, by grant, in order."""

    dates: GrantDates
    versions: dict[str, list[Committed]] = field(default_factory=dict[str, list[Committed]])

    def version(
        self, index: int, entry: ListVersion, history: GrantHistory, earliest: int
    ) -> Iterator[Finding]:
        """Hear of a version, which cannot have been entered before ``earliest``."""
        latest = self.dates.known_by(index, max(entry.made_at, earliest))
        committed = Committed(entry.entries, min(earliest, latest), latest)
        # By the owner's own date too, which may have waited for the ledger.
        begun = min(entry.made_at, committed.earliest)
        sizes = tuple(grant.list_size for grant in self.dates.overlapping(history, begun, latest))
        yield from judged(VERSION_RULES, VersionView(entry, sizes), index)
        self.versions.setdefault(entry.grant_id, []).append(committed)

    def decision(
        self, index: int, entry: DecisionEntry, history: GrantHistory, request: Requested
    ) -> Iterator[Finding]:
        """Hear of a decision on a request that was entered before."""
        if entry.verdict is Verdict.APPROVED:
            lengths = tuple(self._lengths(history, request.made_at))
            yield from judged(APPROVED_RULES, ApprovedView(entry, lengths), index)

    def _lengths(self, history: GrantHistory, moment: int) -> Iterator[Length]:
        """The versions by which a record asked for at ``moment`` can have been a hit, and what was allowed with each."""
        held = max(amendment.grant.window_seconds for amendment in history.amendments) + GRACE_SECONDS
        versions = self.versions.get(history.grant_id, [])
        ends = [*(one.latest for one in versions[1:]), moment + SKEW_SECONDS]
        for version, end in zip(versions, ends, strict=False):
            start = max(version.earliest, moment - held)
            grants = self.dates.overlapping(history, start, min(end, moment + SKEW_SECONDS))
            if start < end and grants:
                yield Length(version.entries, max(grant.list_size for grant in grants))


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version, and what the amendments allow that can have been in force; none before the grant begins."""

    entry: ListVersion
    sizes: tuple[int, ...]


def require_allowed(view: VersionView) -> None:
    """No more vehicles than an amendment in force allows. Raises QuotaError."""
    entry = view.entry
    if view.sizes and entry.entries > max(view.sizes):
        raise QuotaError(
            f"Version {entry.list_version} of list {entry.list_id} has {entry.entries:,} vehicles, where grant "
            f"{entry.grant_id} then allowed {max(view.sizes):,}."
        )


@dataclass(frozen=True, slots=True)
class Length:
    """How many vehicles a version has, and the most that any amendment beside it allowed."""

    entries: int
    allowed: int


@dataclass(frozen=True, slots=True)
class ApprovedView:
    """An approval, and what can have been in force at the record's capture; empty where the ledger shows no version."""

    decision: DecisionEntry
    lengths: tuple[Length, ...]


def require_short_list(view: ApprovedView) -> None:
    """Some list that can have been in force at the capture was no longer than its grant allowed. Raises PolicyError."""
    if view.lengths and all(one.entries > one.allowed for one in view.lengths):
        last = view.lengths[-1]
        raise PolicyError(
            f"{named(view.decision.custodian)} approved request {short(view.decision.request_id)} by a list of "
            f"{last.entries:,} vehicles, where grant {view.decision.grant_id} then allowed {last.allowed:,}."
        )


VERSION_RULES: Final = (Rule(Kind.LIST_SIZE, require_allowed),)
APPROVED_RULES: Final = (Rule(Kind.APPROVAL_LIST_SIZE, require_short_list),)
