"""A grant in plain words, for a committee member: who, what for, where, how long, how much, who decides, who signed.

Guarantees that every field of a grant is on the page, in words or as it is, so that two grants which differ look
different. It judges nothing: what signing refuses and warns of is in ``client.grants.checks``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from blindplate.core.domains import LONDON
from blindplate.core.errors import BlindplateError
from blindplate.core.parties import PartyKeys, key_id
from blindplate.core.signing import Statement, verify_statement
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.grants import (
    Assessment,
    Grant,
    GrantedZone,
    ListKind,
    ReleaseMode,
    ReleasePolicy,
)
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.policies import ZoneRegister
from blindplate.core.statements.priorities import Priority

Registers = Mapping[bytes, ZoneRegister]

_DAY: Final = 86_400
_HOUR: Final = 3_600
_WHICH: Final = "Which grant"
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


def page(grant: Grant, registers: Registers | None) -> list[Line]:
    """The page of a grant, line by line; ``registers`` are the ledger's, None where it was not read."""
    return [
        Line(_WHICH, f"{grant.grant_id}, {amendment_name(grant.amendment)}"),
        Line("For whom", f"{grant.owner}, who signs with the key {grant.owner_key.hex()}"),
        Line("What for", grant.purpose),
        Line("On what legal basis", grant.lawful_basis),
        Line("Which list", f"{grant.list_id}: {_kind(grant.list_kind)}, at most {grant.list_size:,} vehicles"),
        *(Line(f"Where: zone {zone.zone}", _zone(zone, registers)) for zone in grant.zones),
        Line("From when", f"{date(grant.not_before)}, and no sooner than {span(grant.notice_seconds)} after it is public"),
        Line("Until when", date(grant.not_after)),
        Line("Who approves a release", _release(grant.release)),
        Line("What a released record says", _disclosed(grant.disclosure.fields)),
        Line("What its owner learns of a hit without any release", _before_release(grant.disclosure)),
        Line("How far one vehicle can be followed without any release", _linkable(grant.epoch)),
        Line("How long an unmatched record is kept", span(grant.window_seconds)),
        Line("How long its owner may keep what was matched", _evidence(grant)),
        Line("When what was matched may be opened", _opened(grant)),
        Line("How long a camera may hold a record back", _delay(grant.disclosure.max_delay_seconds)),
        Line("How often it is matched", f"every {grant.tick_seconds:g} s, up to {_batches(grant.batches_per_tick)} for each part of the list"),
        Line(
            "How many plates the owner may have turned into pseudonyms",
            f"{grant.evaluations_per_day:,} a day; {grant.evaluations_per_generation:,} under one key generation, "
            "which is all it can ever look for",
        ),
        Line("How large its encrypted list may be", f"{grant.capacity:,} places in force at a time"),
        Line("Which encryption parameters", f"the set {grant.parameter_set}"),
        Line("Privacy assessment", _assessment(grant.privacy_assessment)),
        Line("Equality assessment", _assessment(grant.equality_assessment)),
        Line("Consultation", grant.consultation),
        Line("Decision", grant.decision),
    ]  # fmt: skip


def changes(before: Grant, after: Grant, registers: Registers | None) -> list[Line]:
    """What an amendment changes of the one before it beside its number, each question with both answers."""
    old, new = ({line.question: line.answer for line in page(one, registers)} for one in (before, after))
    asked = [*new, *(question for question in old if question not in new)]
    return [
        Line(question, f"{old.get(question, 'not granted')}\nbecomes\n{new.get(question, 'not granted')}")
        for question in asked
        if question != _WHICH and old.get(question) != new.get(question)
    ]


def signatures(statement: Statement, parties: PartyKeys) -> list[Line]:
    """Who has signed, who has not, whose signature is false, and whether anyone signed who should not have."""
    sides = {
        "the operator": parties.operator,
        "custodian A": parties.custodian_a,
        "custodian B": parties.custodian_b,
    }
    known = {key_id(public) for public in sides.values()}
    strangers = [one for one in statement.signatures if one.key_id not in known]
    lines = [Line(f"Signed by {name}", _signed(statement, public)) for name, public in sides.items()]
    if strangers:
        told = ", ".join(one.key_id.hex() for one in strangers)
        lines.append(
            Line("Signed by anyone else", f"YES, by keys that are no party's: {told}. No ledger takes it so.")
        )
    return lines


def _signed(statement: Statement, public: bytes) -> str:
    if all(one.key_id != key_id(public) for one in statement.signatures):
        return "not yet"
    try:
        verify_statement(statement, Grant.media_type(), [public])
    except BlindplateError:
        return "NO: a signature in its name is FALSE"
    return "yes"


def amendment_name(number: int) -> str:
    """What people call the amendment of that number."""
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


def _evidence(grant: Grant) -> str:
    return (
        f"{_count(grant.evidence_days, 'day')} from its capture, and longer only under a legal hold, which the ledger "
        "shows; a later amendment can shorten this for what was captured before, and never lengthen it"
    )


def _zone(zone: GrantedZone, registers: Registers | None) -> str:
    named = f"key generation {zone.generation}; register {zone.register_digest.hex()}"
    if registers is None:
        return f"the cameras of its public register, whose number the ledger tells; {named}"
    register = registers.get(zone.register_digest)
    if register is None:
        return f"NOT IN THE LEDGER: nobody can say which cameras are meant; {named}"
    return f"{_count(len(register.cameras), 'camera')} in its public register; {named}"


def _release(policy: ReleasePolicy) -> str:
    bound = f"at most {policy.daily_quota:,} a day at each custodian"
    officers = f"{_count(policy.officers, 'officer')} of each custodian"
    emergency = "; in an emergency nobody, which is then public" if policy.emergency else ""
    if policy.mode is ReleaseMode.AUTOMATIC:
        return f"nobody: both custodians check and release by themselves, {bound}; {officers} for uncertain readings{emergency}"
    if policy.standing is not None:
        purposes = ", ".join(purpose.value.replace("-", " ") for purpose in policy.standing.purposes)
        priorities = policy.standing.priorities
        of = f" of entries of priority {' or '.join(priorities)}" if set(priorities) < set(Priority) else ""
        return f"nobody for {purposes}{of}, up to {policy.standing.daily_quota:,} a day; beyond that {officers}, {bound}{emergency}"
    return f"{officers}, {bound}{emergency}"


def _disclosed(fields: Collection[DisclosedField]) -> str:
    named = [text for field, text in _FIELDS.items() if field in fields]
    return "the plate; " + ", ".join(named) if named else "the plate alone"


def _before_release(disclosure: Disclosure) -> str:
    shown = "not by which camera" if disclosure.camera_withheld else "by which camera"
    return f"that a listed vehicle was read, in which zone and {shown}, and when, in steps of {span(disclosure.time_granularity_seconds)}"


def _linkable(epoch: EpochRulePart) -> str:
    charging_day = "a charging day (midnight to midnight, London)"
    length = charging_day if epoch.kind == "charging-day" else f"a span of {span(epoch.seconds)} (UTC)"
    return (
        f"within {length} and one zone: there the matcher can tell that two records it still holds are of one vehicle, "
        "though not of which. From one such span to the next, and from zone to zone, it cannot"
    )


def _delay(seconds: int) -> str:
    return (
        f"up to {span(seconds)}, to shuffle it among others"
        if seconds
        else "not at all, but for what sending takes"
    )


def _batches(number: int) -> str:
    return "one batch" if number == 1 else f"{number} batches"


def _assessment(paper: Assessment) -> str:
    return f"{paper.address} (SHA-256 {paper.sha256.hex()})"


def date(moment: int) -> str:
    """A moment (seconds since 1970, UTC) as people in London write it, and in UTC."""
    utc = datetime.fromtimestamp(moment, UTC)
    return f"{utc.astimezone(LONDON):%d %B %Y %H:%M:%S} London time ({utc:%Y-%m-%dT%H:%M:%SZ})"


def span(seconds: int) -> str:
    """A length of time in its largest whole unit."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return _count(seconds // unit, name)
    return _count(seconds, "second")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
