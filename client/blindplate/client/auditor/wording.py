"""What codes and names of the ledger mean, in the words of the report.

Knows every code that this release of the software enters; another is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from blindplate.client.auditor.findings import Kind
from blindplate.core.statements.disclosure import DisclosedField
from blindplate.core.statements.erasures import Place
from blindplate.core.statements.grants import ListKind, ReleaseMode
from blindplate.core.statements.purposes import Purpose

# Of fewer than these no percentage is given.
FEW: Final = 50
PURPOSES: Final[Mapping[str, str]] = {
    Purpose.UNPAID_CHARGE: "Unpaid charge",
    Purpose.MURDER: "Murder",
    Purpose.ROBBERY_OR_THEFT: "Robbery or theft",
    Purpose.SEXUAL_OFFENCES: "Sexual offences",
    Purpose.VIOLENCE: "Violence",
    Purpose.VEHICLE_CRIME: "Vehicle crime",
    Purpose.TERRORISM: "Terrorism",
    Purpose.MISSING_PERSON: "Missing person",
    Purpose.ROAD_SAFETY: "Road safety",
}
LIST_KINDS: Final[Mapping[str, str]] = {
    ListKind.HOTLIST: "Vehicles sought by police",
    ListKind.EMISSIONS: "Vehicles that owe a charge",
}
MODES: Final[Mapping[str, str]] = {
    ReleaseMode.AUTOMATIC: "Without an officer",
    ReleaseMode.STANDING: "Without an officer for some purposes, up to a daily limit; otherwise by officers",
    ReleaseMode.MANUAL: "By officers of both custodians",
}
FIELDS: Final[Mapping[str, str]] = {
    DisclosedField.CAMERA: "which camera",
    DisclosedField.CAPTURE_TIME: "when",
    DisclosedField.PLACE: "where",
    DisclosedField.DIRECTION: "direction of travel",
    DisclosedField.CONFIDENCE: "how sure the camera was",
    DisclosedField.TEXT_AS_READ: "the plate as read",
    DisclosedField.PLATE_PATCH: "a picture of the plate",
    DisclosedField.VEHICLE: "make, model and colour",
    DisclosedField.STILL: "stills of the scene",
    DisclosedField.CLIP: "film of the scene",
    DisclosedField.AUDIO: "sound recordings",
}
PLACES: Final[Mapping[str, str]] = {
    Place.RECORDS: "Sealed records",
    Place.RECEIPTS: "Notes that a record was taken in",
    Place.ANSWERS: "Answers to list owners",
    Place.SLOTS: "Which record is where in an answer",
    Place.WAITING: "Which record still waits for which list",
    Place.KEPT_TAGS: "Marks of records kept until payment closes",
    Place.MEDIA: "Notes of pictures and films of hits",
    Place.SEGMENTS: "Encrypted lists",
    Place.SEGMENT_FILES: "Files of encrypted lists",
    Place.MEDIA_FILES: "Sealed pictures and films of hits",
    Place.WINDOW_KEYS: "Keys that open what waits to be compared",
    Place.RETENTION_KEYS: "Keys of the marks of kept records",
    Place.TEMPORARY_FILES: "Half-written files",
    Place.FREE_PAGES: "Remains in the database's unused space",
    Place.WRITE_AHEAD_LOG: "Remains in the database's log",
}
# The stable codes of core.errors that a custodian's refusal can bear.
REFUSALS: Final[Mapping[str, str]] = {
    "chain": "The custodian's own record was not in order",
    "commitment": "The record contradicts what was promised when it was made",
    "envelope": "The record's sealed part could not be opened",
    "expired": "The request came too late, or its time was over",
    "gone": "The key that opens the record had been destroyed",
    "grant": "No grant in force covered it",
    "identity": "Somebody asked who may not",
    "match-proof": "No true match was shown",
    "membership": "The vehicle was not on the list before it was read",
    "message": "The request was not in the form it must have",
    "policy": "The rules or an officer forbade it",
    "proof": "The record was not among those its camera signed for",
    "quota": "The number of releases allowed was used up",
    "replay": "The request had been made before",
    "share": "The record's sealed part does not fit the record",
    "signature": "The record was not signed by a camera of its zone",
    "unwitnessed": "The request was not in the ledger for both custodians to see",
}
RULES: Final[Mapping[Kind, str]] = {
    Kind.CHECKPOINT_STALE: "The ledger was witnessed lately",
    Kind.FILE_ALTERED: "Public files hold what the entries say",
    Kind.FILE_MISSING: "Public files are all there",
    Kind.FILE_UNEXPLAINED: "Nothing else is among the public files",
    Kind.NOT_YET_WITNESSED: "Entries are witnessed by both custodians",
    Kind.DATE_MISSING: "The ledger shows when entries were witnessed",
    Kind.ENTRY_REFUSED: "Entries are by who may enter them, and fit those before",
    Kind.ENTRY_DATED_AHEAD: "No entry is dated later than it was witnessed",
    Kind.ENTRY_LATE: "Entries are entered when they are made",
    Kind.REQUEST_PLACE: "Requests are for a zone of their grant",
    Kind.REQUEST_PURPOSE: "Requests are for a purpose of their kind of list",
    Kind.REQUEST_GRANT: "Requests are made while their grant is in force",
    Kind.REQUEST_LIFE: "Requests expire within 31 days",
    Kind.REQUEST_EMERGENCY: "Emergencies are claimed only where the grant allows it",
    Kind.DECISION_CHAIN: "No custodian's decision is missing",
    Kind.DECISION_WITHOUT_REQUEST: "Every request was in the ledger before it was decided",
    Kind.DECISION_TWICE: "Each custodian decides a request once",
    Kind.DECISION_OTHER_GRANT: "A request is decided under its own grant",
    Kind.DECISION_TOO_EARLY: "Requests expire no sooner than they should",
    Kind.APPROVAL_LATE: "Nothing is approved after it expired",
    Kind.APPROVAL_OUTSIDE_GRANT: "Nothing is approved that should not have been asked for",
    Kind.APPROVAL_NOT_IN_FORCE: "Nothing is approved outside a grant in force",
    Kind.APPROVAL_LIST_SIZE: "Nothing is released by a list longer than its grant allowed",
    Kind.APPROVAL_QUOTA: "No more is released in a day than the grant allows",
    Kind.APPROVAL_STANDING_QUOTA: "No more is released without officers than the grant allows",
    Kind.APPROVAL_OFFICERS: "As many officers decide as the grant demands",
    Kind.APPROVAL_ALTERNATE: "Doubtful readings are looked at by a person",
    Kind.APPROVAL_EMERGENCY: "Emergency overrides are asked for and allowed",
    Kind.SUBJECT_TAG: "Keepers can find releases of their vehicle",
    Kind.EMERGENCY_USED: "Emergency overrides are shown",
    Kind.NOT_LISTED: "Records asked for were true hits",
    Kind.OUTCOME_WITHOUT_RELEASE: "Nothing is opened before both custodians approved",
    Kind.OUTCOME_CHANGED: "Outcomes are reported once",
    Kind.OUTCOME_FAILED: "Released records open as they must",
    Kind.LIST_SIZE: "No list is longer than its grant allows",
    Kind.BATCH_ORDER: "Every answer is in the ledger, once",
    Kind.BATCH_GRANT: "Nothing is matched outside a grant",
    Kind.COUNTS_BALANCE: "Every record is accounted for",
    Kind.COUNTS_DECREASE: "The matcher's totals never go down",
    Kind.COUNTS_ANEW: "The matcher's counts go on without a break",
    Kind.COUNTS_ANEW_OFTEN: "The matcher's counts begin anew at most once a week",
    Kind.COUNTS_OVERDUE: "The matcher counts what it did every day",
    Kind.COUNTS_OPEN: "No record is held beyond its window",
    Kind.COUNTS_RELEASED: "No more is released than was claimed",
    Kind.ERASURES_ORDER: "The matcher states what it erased of every day, once",
    Kind.ERASURES_MISSING: "The matcher states what it erased within hours of the day",
    Kind.ERASURES_LATE: "The matcher looks every night for what it has left",
    Kind.ERASURES_SUMS: "What the matcher erased day by day adds up to its totals",
    Kind.ERASURES_CHECKED: "The matcher looks everywhere for what it has left",
    Kind.ERASURES_OVERDUE: "Nothing outlives its window at the matcher",
    Kind.CLAIMS_REFUSED: "Nobody claims records that did not match",
    Kind.CAMERA_DECREASE: "Cameras' totals never go down",
    Kind.CAMERA_EXCESS: "The matcher counts all that cameras handed in",
    Kind.CAMERA_SILENT: "Every registered camera reports",
    Kind.EVALUATIONS_GRANT: "No pseudonyms are made outside a grant",
    Kind.EVALUATIONS_DAY: "No owner has more pseudonyms made in a day than allowed",
    Kind.EVALUATIONS_GENERATION: "No owner has more pseudonyms made in all than allowed",
    Kind.EVALUATIONS_CAMERAS: "No cameras have more pseudonyms made than they can need",
    Kind.EVALUATIONS_DECREASE: "Counts of pseudonyms never go down",
    Kind.EVALUATIONS_APART: "Both custodians make the same pseudonyms",
    Kind.LOCAL_KEYS: "Keys are handed to cameras only where a policy says so",
    Kind.SEARCHES: "No more is asked on keepers' behalf in a day than allowed",
    Kind.EVIDENCE_COUNTS: "Agencies count what they erased and keep once, and no more than was released to them",
    Kind.EVIDENCE_HELD: "No more evidence is held than the ledger has holds for",
    Kind.EVIDENCE_KEPT: "Evidence is erased when its days are over",
    Kind.EVIDENCE_OVERDUE: "Agencies find nothing left that they should have erased",
    Kind.EVIDENCE_SILENT: "Agencies say every day what they erased",
    Kind.EVIDENCE_HOLD: "Evidence that is kept longer is shown",
}


def agency(owner: str) -> str:
    """How the report calls a list owner: the last part of its SPIFFE id."""
    return owner.rstrip("/").rsplit("/", 1)[-1]


def plural(number: int, one: str, more: str = "") -> str:
    """A number and what it counts."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def share(part: int, whole: int) -> str:
    """A part of a whole: in per cent, or as two numbers where a percentage would say more than so few can."""
    if whole < FEW:
        return f"{part:,} of {whole:,}" if whole else "none yet"
    return f"{part / whole:.2%}"


def duration(seconds: int) -> str:
    """A length of time in its two largest units, rounded down."""
    parts = (
        ("day", seconds // 86_400),
        ("hour", seconds // 3600 % 24),
        ("minute", seconds // 60 % 60),
        ("second", seconds % 60),
    )
    largest = next((at for at, (_, number) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(
        plural(number, unit)
        for at, (unit, number) in enumerate(parts[largest : largest + 2])
        if number or not at
    )


def long_day(day: str) -> str:
    """A day (``YYYY-MM-DD``) as people write it."""
    moment = date.fromisoformat(day)
    return f"{moment.day} {moment:%B %Y}"
