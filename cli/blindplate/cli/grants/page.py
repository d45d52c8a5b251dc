"""A grant in plain words, for a committee member: who, what for, where, how long, how much, who decides, who signed.

Guarantees that every field which limits or permits anything is on the page. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from blindplate.core.domains import LONDON
from blindplate.core.errors import BlindplateError
from blindplate.core.parties import PartyKeys
from blindplate.core.signing import Statement, verify_statement
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.grants import Grant, ListKind, ReleaseMode, ReleasePolicy
from blindplate.core.statements.priorities import Priority

_DAY: Final = 86_400
_HOUR: Final = 3_600
_FIELDS: Final = {
    DisclosedField.CAMERA: "which camera saw it",
    DisclosedField.CAPTURE_TIME: "the exact time",
    DisclosedField.PLACE: "where the camera stands",
    DisclosedField.DIRECTION: "the direction of travel",
    DisclosedField.CONFIDENCE: "how sure the reading is",
    DisclosedField.TEXT_AS_READ: "the text as read",
    DisclosedField.PLATE_PATCH: "a picture of the plate",
    DisclosedField.VEHICLE: "make, model and colour",
    DisclosedField.STILL: "stills of the scene",
    DisclosedField.CLIP: "film of the scene",
    DisclosedField.AUDIO: "sound recordings",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One question a reader has, and its answer."""

    question: str
    answer: str


def page(grant: Grant) -> list[Line]:
    """The page of a grant, line by line."""
    return [
        Line("Which grant", f"{grant.grant_id}, {_amendment(grant.amendment)}"),
        Line("For whom", grant.owner),
        Line("What for", grant.purpose),
        Line("On what legal basis", grant.lawful_basis),
        Line("Which list", f"{grant.list_id}: {_kind(grant.list_kind)}, at most {grant.list_size:,} vehicles"),
        Line("Where", "; ".join(f"zone {zone.zone} (key generation {zone.generation})" for zone in grant.zones)),
        Line("From when", f"{_date(grant.not_before)}, and no sooner than {_span(grant.notice_seconds)} after it is public"),
        Line("Until when", _date(grant.not_after)),
        Line("Who approves a release", _release(grant.release)),
        Line("What a released record says", _disclosed(grant.disclosure.fields)),
        Line("How exact the time is before a release", _span(grant.disclosure.time_granularity_seconds)),
        Line("How long an unmatched record is kept", _span(grant.window_seconds)),
        Line("When what was matched may be opened", _opened(grant)),
        Line("How often it is matched", f"every {grant.tick_seconds:g} s, {grant.batches_per_tick} batch a tick and segment"),
        Line(
            "How many look-ups the owner has",
            f"{grant.evaluations_per_day:,} a day, {grant.evaluations_per_generation:,} under one key generation",
        ),
        Line("How large an upload may be", f"{grant.capacity:,} places in an epoch"),
        Line("Privacy assessment", f"{grant.privacy_assessment.address} (SHA-256 {grant.privacy_assessment.sha256.hex()})"),
        Line("Equality assessment", f"{grant.equality_assessment.address} (SHA-256 {grant.equality_assessment.sha256.hex()})"),
        Line("Consultation", grant.consultation),
        Line("Decision", grant.decision),
    ]  # fmt: skip


def signatures(statement: Statement, parties: PartyKeys) -> list[Line]:
    """Who has signed, who has not, and whose signature is false."""
    sides = (
        ("Operator", parties.operator),
        ("Custodian A", parties.custodian_a),
        ("Custodian B", parties.custodian_b),
    )
    return [Line(f"Signed by {name}", _signed(statement, key)) for name, key in sides]


def _signed(statement: Statement, key: bytes) -> str:
    try:
        verify_statement(statement, Grant.media_type(), [key])
    except BlindplateError:
        return "no"
    return "yes"


def _amendment(number: int) -> str:
    return "as first granted" if number == 0 else f"amendment {number}"


def _kind(kind: ListKind) -> str:
    return "vehicles that owe the charge" if kind is ListKind.EMISSIONS else "vehicles that are sought"


def _opened(grant: Grant) -> str:
    if grant.charging is None:
        return "as soon as it was matched"
    days = grant.charging.payment_days
    return (
        f"when payment has closed, at the end of the {days}. day after the charging day; until then it is kept unopened, "
        "one record a vehicle, zone and day"
        if days
        else "at the end of the charging day; until then it is kept unopened, one record a vehicle, zone and day"
    )


def _release(policy: ReleasePolicy) -> str:
    bound = f"at most {policy.daily_quota:,} a day at each custodian"
    officers = f"{policy.officers or 1} officer{'s' if policy.officers > 1 else ''} of each custodian"
    emergency = "; in an emergency nobody, which is then public" if policy.emergency else ""
    if policy.mode is ReleaseMode.AUTOMATIC:
        return f"nobody: both custodians check and release by themselves, {bound}; {officers} for uncertain readings{emergency}"
    if policy.standing is not None:
        purposes = ", ".join(purpose.value for purpose in policy.standing.purposes)
        priorities = policy.standing.priorities
        of = f" of entries of priority {' or '.join(priorities)}" if set(priorities) < set(Priority) else ""
        return f"nobody for {purposes}{of}, up to {policy.standing.daily_quota:,} a day; beyond that {officers}, {bound}{emergency}"
    return f"{officers}, {bound}{emergency}"


def _disclosed(fields: Sequence[DisclosedField] | frozenset[DisclosedField]) -> str:
    named = [text for field, text in _FIELDS.items() if field in fields]
    return "the plate; " + ", ".join(named) if named else "the plate alone"


def _date(moment: int) -> str:
    utc = datetime.fromtimestamp(moment, UTC)
    return f"{utc.astimezone(LONDON):%d %B %Y %H:%M} London time ({utc:%Y-%m-%dT%H:%MZ})"


def _span(seconds: int) -> str:
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            number = seconds // unit
            return f"{number:,} {name}{'s' if number > 1 else ''}"
    return f"{seconds:,} second{'s' if seconds != 1 else ''}"
