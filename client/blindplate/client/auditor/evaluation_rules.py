"""What a custodian's counts of a day must be: rising, of that day's grants, and within what grants and registers allow.

Each rule raises an error of its own. A day that begins once everyone must have known a grant's end is none of the
grant's days, nor is one that the custodian had itself suspended the grant for from beginning to end. Protocol sections 3,
6 and 7, guarantee G5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.findings import Kind, Rule, named
from blindplate.client.auditor.grants import NOTHING_READ, GrantDates
from blindplate.core.errors import CountError, GrantError, PolicyError, QuotaError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import PseudonymMode, ZonePolicy

# What a custodian takes in a UTC day (``server.custodian``): keepers asked about, of whom custodian B is asked twice, for
# their pseudonyms and for their releases; and local keys by camera and list.
SEARCHES_PER_DAY: Final = {Custodian.A: 50, Custodian.B: 100}
LOCAL_KEYS_PER_DAY: Final = 50
DAY_SECONDS: Final = 86_400
_HOURS: Final = 24
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """Counts, the same day's before, each custodian's ``totals`` by grant with these, and what the ledger allows.

    ``policies`` are all that were ever entered.
    """

    entry: EvaluationCounts
    before: EvaluationCounts | None
    totals: Mapping[tuple[Custodian, str], int]
    state: LedgerState
    dates: GrantDates
    policies: Sequence[ZonePolicy]

    @property
    def who(self) -> str:
        """The custodian, as sentences name it."""
        return named(self.entry.custodian)

    def granted(self, history: GrantHistory) -> tuple[Grant, ...]:
        """The amendments under which this custodian can rightly have evaluated that day. Raises CountError."""
        start = first_second(self.entry.day)
        end = start + DAY_SECONDS
        if self.dates.ended(history.grant_id, NOTHING_READ, start) or self.dates.suspended_throughout(
            history, self.entry.custodian, start, end
        ):
            return ()
        return self.dates.overlapping(history, start, end)


def require_rising(view: EvaluationView) -> None:
    """A day's counts never decrease, and name nothing twice. Raises CountError."""
    entry, before = view.entry, view.before
    counts = _all(entry)
    if len(counts) != len(entry.grants) + 2 * len(entry.zones) + 1:
        raise CountError(f"{view.who} counts something twice in one statement of {entry.day}.")
    if before is not None and any(counts.get(key, 0) < value for key, value in _all(before).items()):
        raise CountError(f"{view.who} counts fewer evaluations on {entry.day} than it did before.")


def require_day_begun(view: EvaluationView) -> None:
    """A day is counted once it has begun. Raises CountError."""
    if view.entry.made_at + SKEW_SECONDS < first_second(view.entry.day):
        raise CountError(f"{view.who} entered counts of {view.entry.day} before that day.")


def require_granted(view: EvaluationView) -> None:
    """Everything was evaluated under a grant of that day. Raises GrantError."""
    entry, grants = view.entry, view.state.grants
    for one in entry.grants:
        history = grants.get(one.grant_id)
        if one.evaluated and (history is None or not view.granted(history)):
            raise GrantError(
                f"{view.who} evaluated {one.evaluated:,} pseudonyms on {entry.day} under {one.grant_id}, which was no "
                "grant in force on that day, had ended, or was suspended by this custodian."
            )
    for place in entry.zones:
        if (place.evaluated or place.local_keys) and not any(
            grant.list_id == place.list_id and any(zone.zone == place.zone for zone in grant.zones)
            for history in grants.values()
            for grant in view.granted(history)
        ):
            raise GrantError(
                f"{view.who} evaluated for cameras in zone {place.zone} and list {place.list_id} on {entry.day}, which no "
                "grant covers that was in force on that day, had not ended and was not suspended by this custodian."
            )


def require_day_quota(view: EvaluationView) -> None:
    """No owner had more evaluated in a day than its grant allows. Raises QuotaError."""
    entry = view.entry
    for one in entry.grants:
        history = view.state.grants.get(one.grant_id)
        allowed = [grant.evaluations_per_day for grant in (view.granted(history) if history else ())]
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
        rates = _camera_rates(view.state, place.zone)
        allowed = _HOURS * sum(rates.values())
        if place.evaluated > allowed:
            raise QuotaError(
                f"{view.who} evaluated {place.evaluated:,} pseudonyms for cameras in zone {place.zone} and list "
                f"{place.list_id} on {entry.day}, where the {len(rates)} registered cameras may have {allowed:,}."
            )


def require_local_policy(view: EvaluationView) -> None:
    """Keys left for a zone's cameras only under an entered policy that says local mode. Raises PolicyError."""
    entry, start = view.entry, first_second(view.entry.day)
    for place in entry.zones:
        if place.local_keys and not any(
            policy.zone == place.zone
            and policy.mode is PseudonymMode.LOCAL
            and policy.not_before < start + DAY_SECONDS
            and start < policy.not_after
            and any(one.list_id == place.list_id for one in policy.lists)
            for policy in view.policies
        ):
            raise PolicyError(
                f"{view.who} handed {place.local_keys:,} keys to cameras in zone {place.zone} for list {place.list_id} on "
                f"{entry.day}, for which no policy in the ledger puts the zone into local mode."
            )


def require_local_quota(view: EvaluationView) -> None:
    """No more keys left for a list and zone in a day than its cameras may ask for. Raises QuotaError."""
    entry = view.entry
    for place in entry.zones:
        cameras = len(_camera_rates(view.state, place.zone))
        if place.local_keys > LOCAL_KEYS_PER_DAY * cameras:
            raise QuotaError(
                f"{view.who} handed {place.local_keys:,} keys to the {cameras:,} cameras in zone {place.zone} for list "
                f"{place.list_id} on {entry.day}, each of which may ask {LOCAL_KEYS_PER_DAY} times."
            )


def require_searches(view: EvaluationView) -> None:
    """No more questions on keepers' behalf in a day than a custodian takes. Raises QuotaError."""
    entry, allowed = view.entry, SEARCHES_PER_DAY[view.entry.custodian]
    if entry.subject_searches > allowed:
        raise QuotaError(
            f"{view.who} answered {entry.subject_searches:,} questions on keepers' behalf on {entry.day}, where {allowed} "
            "a day are allowed."
        )


EVALUATION_RULES: Final = (
    Rule(Kind.EVALUATIONS_DECREASE, require_rising),
    Rule(Kind.EVALUATIONS_DECREASE, require_day_begun),
    Rule(Kind.EVALUATIONS_GRANT, require_granted),
    Rule(Kind.EVALUATIONS_DAY, require_day_quota),
    Rule(Kind.EVALUATIONS_GENERATION, require_generation_quota),
    Rule(Kind.EVALUATIONS_CAMERAS, require_camera_quota),
    Rule(Kind.LOCAL_KEYS, require_local_policy),
    Rule(Kind.LOCAL_KEYS, require_local_quota),
    Rule(Kind.SEARCHES, require_searches),
)


def first_second(day: str) -> int:
    """The day's first second since 1970, UTC. Raises CountError for what is no day."""
    try:
        return (date.fromisoformat(day) - _EPOCH).days * DAY_SECONDS
    except ValueError:
        raise CountError("A custodian counts evaluations of a day that no calendar has.") from None


def _camera_rates(state: LedgerState, zone: str) -> dict[str, int]:
    """The cameras of every register of a zone, and how much each may have evaluated in an hour."""
    rates: dict[str, int] = {}
    for register in state.registers.values():
        if register.zone == zone:
            for camera in register.cameras:
                rates[camera.camera_id] = max(rates.get(camera.camera_id, 0), camera.evaluations_per_hour)
    return rates


def _all(entry: EvaluationCounts) -> Mapping[tuple[str, ...], int]:
    return dict(_counted(entry))


def _counted(entry: EvaluationCounts) -> Iterator[tuple[tuple[str, ...], int]]:
    yield ("searches",), entry.subject_searches
    yield from ((("grant", one.grant_id), one.evaluated) for one in entry.grants)
    for one in entry.zones:
        yield ("cameras", one.list_id, one.zone), one.evaluated
        yield ("keys", one.list_id, one.zone), one.local_keys
