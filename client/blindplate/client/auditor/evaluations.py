"""How many pseudonyms each custodian says it evaluated, held against what grants and registers allow (G5).

Guarantees that no day's counts exceed the grant's daily quota, no grant's total exceeds its quota for all key
generations it ever named, and no zone's cameras had more evaluated than their register allows; by a custodian's own
word, of which there are two. The last counts of a day stand for it. Protocol sections 3 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.findings import Finding, Kind, Rule, Severity, judged, named
from blindplate.client.auditor.grants import GrantDates
from blindplate.core.errors import CountError, GrantError, QuotaError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.statements.evaluations import EvaluationCounts

_DAY: Final = 86_400
_HOURS: Final = 24
_EPOCH: Final = date(1970, 1, 1)


@dataclass(slots=True)
class Evaluations:
    """What custodians have counted up to the last entry heard.

    ``days`` holds the last counts of each day, ``begun`` each custodian's counts under way, part by part.
    """

    dates: GrantDates
    days: dict[tuple[Custodian, str], EvaluationCounts] = field(
        default_factory=dict[tuple[Custodian, str], EvaluationCounts]
    )
    totals: dict[tuple[Custodian, str], int] = field(default_factory=dict[tuple[Custodian, str], int])
    begun: dict[Custodian, EvaluationCounts | None] = field(
        default_factory=dict[Custodian, "EvaluationCounts | None"]
    )

    def counts(self, index: int, entry: EvaluationCounts, state: LedgerState) -> Iterator[Finding]:
        """Hear of a custodian's counts, or of a part; they are judged once they are whole."""
        custodian = entry.custodian
        try:
            self.begun[custodian] = entry = entry.joined_to(self.begun.get(custodian))
        except CountError as error:
            sentence = f"{named(custodian)}: {error.what}"
            yield Finding(index, Kind.EVALUATIONS_DECREASE, Severity.VIOLATION, sentence)
            self.begun[custodian] = entry if entry.part == 0 else None
        if self.begun[custodian] is None or not entry.whole:
            return
        key = (entry.custodian, entry.day)
        before = self.days.get(key)
        had = _by_grant(before)
        for grant_id, evaluated in _by_grant(entry).items():
            total = (entry.custodian, grant_id)
            self.totals[total] = self.totals.get(total, 0) + max(evaluated - had.get(grant_id, 0), 0)
        self.days[key] = entry
        yield from judged(
            EVALUATION_RULES, EvaluationView(entry, before, self.totals, state, self.dates), index
        )


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """Counts, the same day's before, each custodian's ``totals`` by grant with these, and what the ledger allows."""

    entry: EvaluationCounts
    before: EvaluationCounts | None
    totals: Mapping[tuple[Custodian, str], int]
    state: LedgerState
    dates: GrantDates

    @property
    def who(self) -> str:
        """The custodian, as sentences name it."""
        return named(self.entry.custodian)


def require_rising(view: EvaluationView) -> None:
    """A day's counts never decrease, and name nothing twice. Raises CountError."""
    entry, before = view.entry, view.before
    counts = _all(entry)
    if len(counts) != len(entry.grants) + 2 * len(entry.zones) + 1:
        raise CountError(f"{view.who} counts something twice in one statement of {entry.day}.")
    if before is not None and any(counts.get(key, 0) < value for key, value in _all(before).items()):
        raise CountError(f"{view.who} counts fewer evaluations on {entry.day} than it did before.")


def require_granted(view: EvaluationView) -> None:
    """Everything was evaluated under a grant of that day. Raises GrantError."""
    entry, grants = view.entry, view.state.grants
    start = _start(entry.day)
    for one in entry.grants:
        history = grants.get(one.grant_id)
        if one.evaluated and (history is None or not view.dates.overlapping(history, start, start + _DAY)):
            raise GrantError(
                f"{view.who} evaluated {one.evaluated:,} pseudonyms on {entry.day} under {one.grant_id}, which was no "
                "grant in force on that day."
            )
    for place in entry.zones:
        if (place.evaluated or place.local_keys) and not any(
            grant.list_id == place.list_id and any(zone.zone == place.zone for zone in grant.zones)
            for history in grants.values()
            for grant in view.dates.overlapping(history, start, start + _DAY)
        ):
            raise GrantError(
                f"{view.who} evaluated for cameras in zone {place.zone} and list {place.list_id} on {entry.day}, which no "
                "grant in force on that day covers."
            )


def require_day_quota(view: EvaluationView) -> None:
    """No owner had more evaluated in a day than its grant allows. Raises QuotaError."""
    entry, start = view.entry, _start(view.entry.day)
    for one in entry.grants:
        history = view.state.grants.get(one.grant_id)
        allowed = [
            grant.evaluations_per_day
            for grant in (view.dates.overlapping(history, start, start + _DAY) if history else ())
        ]
        if allowed and one.evaluated > max(allowed):
            raise QuotaError(
                f"{view.who} evaluated {one.evaluated:,} pseudonyms on {entry.day} under grant {one.grant_id}, which "
                f"allows {max(allowed):,} a day."
            )


def require_generation_quota(view: EvaluationView) -> None:
    """No owner had more evaluated in all than its key generations allow. Raises QuotaError."""
    entry = view.entry
    for one in entry.grants:
        history = view.state.grants.get(one.grant_id)
        if history is None:
            continue
        grants = [amendment.grant for amendment in history.amendments]
        generations = {zone.generation for grant in grants for zone in grant.zones}
        allowed = len(generations) * max(grant.evaluations_per_generation for grant in grants)
        total = view.totals.get((entry.custodian, one.grant_id), 0)
        if total > allowed:
            raise QuotaError(
                f"{view.who} evaluated {total:,} pseudonyms in all under grant {one.grant_id}, which allows {allowed:,} "
                f"under its {len(generations)} key generation(s)."
            )


def require_camera_quota(view: EvaluationView) -> None:
    """No zone's cameras had more evaluated for a list in a day than they may together. Raises QuotaError."""
    entry = view.entry
    for place in entry.zones:
        rates: dict[str, int] = {}
        for register in view.state.registers.values():
            if register.zone == place.zone:
                for camera in register.cameras:
                    rate = max(rates.get(camera.camera_id, 0), camera.evaluations_per_hour)
                    rates[camera.camera_id] = rate
        allowed = _HOURS * sum(rates.values())
        if place.evaluated > allowed:
            raise QuotaError(
                f"{view.who} evaluated {place.evaluated:,} pseudonyms for cameras in zone {place.zone} and list "
                f"{place.list_id} on {entry.day}, where the {len(rates)} registered cameras may have {allowed:,}."
            )


def require_day_begun(view: EvaluationView) -> None:
    """A day is counted once it has begun. Raises CountError."""
    if view.entry.made_at + SKEW_SECONDS < _start(view.entry.day):
        raise CountError(f"{view.who} entered counts of {view.entry.day} before that day.")


EVALUATION_RULES: Final = (
    Rule(Kind.EVALUATIONS_DECREASE, require_rising),
    Rule(Kind.EVALUATIONS_DECREASE, require_day_begun),
    Rule(Kind.EVALUATIONS_GRANT, require_granted),
    Rule(Kind.EVALUATIONS_DAY, require_day_quota),
    Rule(Kind.EVALUATIONS_GENERATION, require_generation_quota),
    Rule(Kind.EVALUATIONS_CAMERAS, require_camera_quota),
)


def _start(day: str) -> int:
    """The day's first second since 1970. Raises CountError for what is no day."""
    try:
        return (date.fromisoformat(day) - _EPOCH).days * _DAY
    except ValueError:
        raise CountError("A custodian counts evaluations of a day that no calendar has.") from None


def _by_grant(entry: EvaluationCounts | None) -> dict[str, int]:
    return {one.grant_id: one.evaluated for one in entry.grants} if entry else {}


def _all(entry: EvaluationCounts) -> dict[tuple[str, ...], int]:
    counts: dict[tuple[str, ...], int] = {("searches",): entry.subject_searches}
    counts |= {("grant", one.grant_id): one.evaluated for one in entry.grants}
    counts |= {("cameras", one.list_id, one.zone): one.evaluated for one in entry.zones}
    counts |= {("keys", one.list_id, one.zone): one.local_keys for one in entry.zones}
    return counts
