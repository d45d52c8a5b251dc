"""Lists: how long they are and how they change, and for each what it came to, from reads to releases.

A list is told by its name; grants that follow one another may name the same. Protocol sections 6 and 7;
docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blindplate.client.auditor.record_figures import PlaceCounts
from blindplate.client.auditor.release_figures import Tally
from blindplate.client.auditor.wording import LIST_KINDS, agency
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import LedgerState


@dataclass(frozen=True, slots=True)
class Version:
    """One committed version of a list."""

    entry: int
    number: int
    entries: int
    added: int
    removed: int
    made_at: int


@dataclass(frozen=True, slots=True)
class ListFigures:
    """One grant's list: how long it may be, and every version committed to."""

    grant_id: str
    list_id: str
    agency: str
    allowed: int
    versions: tuple[Version, ...]

    @property
    def entries(self) -> int:
        """How long it is now."""
        return self.versions[-1].entries if self.versions else 0

    @property
    def added(self) -> int:
        """Vehicles ever added."""
        return sum(version.added for version in self.versions)

    @property
    def removed(self) -> int:
        """Vehicles ever removed."""
        return sum(version.removed for version in self.versions)


@dataclass(frozen=True, slots=True)
class ListTotals:
    """One list over all zones: ``received`` reads, ``claimed`` hits, and ``requests`` by where they stand."""

    list_id: str
    agency: str
    list_kind: str
    received: int
    claimed: int
    erased: int
    open: int
    requests: Tally


def lists(state: LedgerState) -> tuple[ListFigures, ...]:
    """The list of every grant there ever was."""
    return tuple(
        ListFigures(
            grant_id,
            history.latest.list_id,
            agency(history.latest.owner),
            history.latest.list_size,
            tuple(
                Version(
                    one.index,
                    one.statement.list_version,
                    one.statement.entries,
                    one.statement.added,
                    one.statement.removed,
                    one.statement.made_at,
                )
                for one in state.list_versions.get(grant_id, ())
            ),
        )
        for grant_id, history in sorted(state.grants.items())
    )


def list_totals(
    grants: Mapping[str, GrantHistory], places: Sequence[PlaceCounts], requests: Sequence[Tally]
) -> tuple[ListTotals, ...]:
    """Every list that a grant names or that was counted; ``requests`` bear the lists' names."""
    asked = {one.name: one for one in requests}
    named = {history.latest.list_id for history in grants.values()}
    found: list[ListTotals] = []
    for list_id in sorted({*named, *asked, *(one.list_id for one in places)}):
        held = [one for one in places if one.list_id == list_id]
        latest = [one.latest for one in grants.values() if one.latest.list_id == list_id]
        found.append(
            ListTotals(
                list_id,
                ", ".join(sorted({agency(grant.owner) for grant in latest})),
                ", ".join(sorted({LIST_KINDS[grant.list_kind] for grant in latest})),
                sum(one.counts.received for one in held),
                sum(one.counts.claimed for one in held),
                sum(one.counts.erased for one in held),
                sum(one.open for one in held),
                asked.get(list_id, Tally(list_id)),
            )
        )
    return tuple(found)
