"""What came of release requests: whether the custodians agreed, how long they took, and what owners say they found.

Times are the difference of two dates by two parties' own clocks. Protocol section 6; docs/spec/audit.md section 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from blindplate.client.auditor.requests import Requested
from blindplate.core.parties import Custodian
from blindplate.core.statements.release_entries import Outcome
from blindplate.core.statements.releases import Verdict


class Way(StrEnum):
    """Who decided on a request at either custodian."""

    NO_OFFICER = "without an officer"
    OFFICERS = "by officers"
    EMERGENCY = "by emergency override"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What owners of one list say came of their releases: by the last that was said of each."""

    list_id: str
    released: int
    opened: int
    confirmed: int
    misread: int
    not_sought: int
    failed: int

    @property
    def false_hits(self) -> int:
        """Releases of a vehicle that nobody sought."""
        return self.misread + self.not_sought

    @property
    def judged(self) -> int:
        """Releases of which an owner says whether the vehicle was the one sought."""
        return self.confirmed + self.false_hits

    @property
    def unreported(self) -> int:
        """Releases of which nothing was said."""
        return self.released - self.opened - self.judged - self.failed


@dataclass(frozen=True, slots=True)
class Agreement:
    """Requests of one list by what the two custodians said. ``undecided``: one or both said neither yes nor no."""

    list_id: str
    both_approved: int
    both_refused: int
    a_alone_refused: int
    b_alone_refused: int
    undecided: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How long requests of one list took from being made to being answered, in seconds."""

    list_id: str
    way: Way
    answered: int
    half: int
    nine_in_ten: int
    longest: int


def outcomes(requests: Iterable[Requested]) -> tuple[Outcomes, ...]:
    """By list, those of which anything was released."""
    released = [one for one in requests if one.released]
    number = Counter(one.list_id for one in released)
    said = Counter((one.list_id, one.outcomes[-1]) for one in released if one.outcomes)
    return tuple(
        Outcomes(
            list_id,
            number[list_id],
            said[list_id, Outcome.OPENED],
            said[list_id, Outcome.CONFIRMED],
            said[list_id, Outcome.MISREAD],
            said[list_id, Outcome.NOT_SOUGHT],
            said[list_id, Outcome.FAILED],
        )
        for list_id in sorted(number)
    )


def agreements(requests: Iterable[Requested]) -> tuple[Agreement, ...]:
    """By list, those of which anything was asked for."""
    counted: dict[str, Counter[tuple[Verdict | None, ...]]] = {}
    for one in requests:
        said = (one.decisions.get(custodian) for custodian in Custodian)
        verdicts = tuple(decided.verdict if decided else None for decided in said)
        counted.setdefault(one.list_id, Counter())[verdicts] += 1
    yes, no = Verdict.APPROVED, Verdict.DENIED
    return tuple(
        Agreement(
            list_id,
            both_approved=counts[yes, yes],
            both_refused=counts[no, no],
            a_alone_refused=counts[no, yes],
            b_alone_refused=counts[yes, no],
            undecided=sum(counts[said] for said in counts if not {*said} <= {yes, no}),
        )
        for list_id, counts in sorted(counted.items())
    )


def taken(requests: Iterable[Requested]) -> tuple[Taken, ...]:
    """By list and way, those of which anything was answered."""
    times: dict[tuple[str, Way], list[int]] = {}
    for one in requests:
        seconds = answered_after(one)
        if seconds is not None:
            times.setdefault((one.list_id, _way(one)), []).append(seconds)
    return tuple(
        Taken(*key, len(held), _within(held, 5), _within(held, 9), max(held))
        for key, held in sorted(times.items())
    )


def answered_after(request: Requested) -> int | None:
    """Seconds until both custodians had approved it or one had refused; None when neither is so."""
    if request.released:
        answered = max(one.decided_at for one in request.decisions.values())
    else:
        refused = [one.decided_at for one in request.decisions.values() if one.verdict is Verdict.DENIED]
        if not refused:
            return None
        answered = min(refused)
    # Clocks may lie apart by more than a quick answer takes.
    return max(answered - request.made_at, 0)


def _way(request: Requested) -> Way:
    decided = request.decisions.values()
    if any(one.emergency for one in decided):
        return Way.EMERGENCY
    return Way.OFFICERS if any(one.officers for one in decided) else Way.NO_OFFICER


def _within(times: list[int], tenths: int) -> int:
    """The least time within which so many tenths of ``times`` lie."""
    return sorted(times)[ceil(len(times) * tenths / 10) - 1]
