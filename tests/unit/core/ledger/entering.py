"""Who enters what: parties with keys of their own, and one well-formed statement of every kind to vary."""

from __future__ import annotations

from typing import Any, TypeVar

from blindplate.core.domains import Domain
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.core.ledger.state import Applied, LedgerState
from blindplate.core.parties import Custodian, PartyKeys
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.cameras import (
    CameraCounts,
    CameraStanding,
    CameraStatus,
    ListCount,
    RegisterEntry,
)
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.erasures import DayCount, Erasures, Looked, Place
from blindplate.core.statements.evaluations import EvaluationCounts
from blindplate.core.statements.evidence import EvidenceCount, EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import (
    Assessment,
    Grant,
    GrantedZone,
    ListKind,
    ReleaseMode,
    ReleasePolicy,
)
from blindplate.core.statements.holds import HoldEnd, HoldReason, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import AnsweredBatch, Batches, MatcherCounts
from blindplate.core.statements.model import DomainPart, EpochRulePart, StatementModel
from blindplate.core.statements.policies import (
    ListPolicy,
    PseudonymMode,
    RegisteredCamera,
    ZonePolicy,
    ZoneRegister,
    register_digest,
)
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import DecisionEntry, Outcome, OutcomeEntry, RequestEntry
from blindplate.core.statements.releases import Verdict

_Model = TypeVar("_Model", bound=StatementModel)

OPERATOR, CUSTODIAN_A, CUSTODIAN_B, MATCHER, OWNER, CAMERA, STRANGER = (
    SigningKey.from_seed(bytes([number]) * 32) for number in range(1, 8)
)
PARTIES = PartyKeys(OPERATOR.public, CUSTODIAN_A.public, CUSTODIAN_B.public, MATCHER.public)
MADE = 1_800_000_000
DAY = 86_400
OWNER_ID = "spiffe://blindplate/owner/police"
CAMERA_ID = "spiffe://blindplate/camera/camera-1"
DISCLOSURE = Disclosure(fields=frozenset({DisclosedField.CAMERA}), time_granularity_seconds=60)
REGISTER = ZoneRegister(
    zone="inner",
    generation=1,
    cameras=(
        RegisteredCamera(
            camera_id="camera-1", identity=CAMERA_ID, signing_key=CAMERA.public, latitude=51.5, longitude=-0.1
        ),
    ),
)
DOCUMENT = REGISTER.statement(OPERATOR)
DIGEST = register_digest(DOCUMENT.payload)
REGISTER_ENTRY = RegisterEntry(zone="inner", generation=1, cameras=1, register_digest=DIGEST, made_at=MADE)
STATUS = CameraStatus(
    camera_id="camera-1",
    zone="inner",
    identity=CAMERA_ID,
    signing_key=CAMERA.public,
    standing=CameraStanding.REVOKED,
    reason="Stolen.",
    made_at=MADE,
)
GRANT = Grant(
    grant_id="police-1",
    owner=OWNER_ID,
    owner_key=OWNER.public,
    list_id="police",
    list_kind=ListKind.HOTLIST,
    zones=(GrantedZone(zone="inner", generation=1, register_digest=DIGEST),),
    not_before=MADE,
    not_after=MADE + 365 * DAY,
    notice_seconds=DAY,
    purpose="Find vehicles sought in connection with serious crime.",
    lawful_basis="Data Protection Act 2018, Part 3",
    privacy_assessment=Assessment(address="https://police.example/dpia.pdf", sha256=b"p" * 32),
    equality_assessment=Assessment(address="https://police.example/eqia.pdf", sha256=b"e" * 32),
    consultation="Consultation 2026/14",
    decision="Decision 3301",
    list_size=100,
    capacity=1000,
    evaluations_per_day=1000,
    evaluations_per_generation=10_000,
    release=ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=10),
    disclosure=DISCLOSURE,
    epoch=EpochRulePart(kind="span", seconds=3600),
    window_seconds=DAY,
    parameter_set="prompt",
)
SUSPENSION = GrantSuspension(
    grant_id="police-1", custodian=Custodian.A, suspended=True, reason="To be looked into.", made_at=MADE
)
END = GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=MADE)
POLICY = ZonePolicy(
    zone="inner",
    serial=1,
    not_before=MADE,
    not_after=MADE + 365 * DAY,
    mode=PseudonymMode.OBLIVIOUS,
    custodian_a=CUSTODIAN_A.public,
    custodian_b=CUSTODIAN_B.public,
    matcher=MATCHER.public,
    lists=(
        ListPolicy(
            list_id="police",
            list_kind=ListKind.HOTLIST,
            generation=1,
            grant_id="police-1",
            epoch=EpochRulePart(kind="span", seconds=3600),
            disclosure=DISCLOSURE,
            evaluation_key_a=b"A" * 32,
            evaluation_key_b=b"B" * 32,
        ),
    ),
)
EVALUATION_KEY = EvaluationKey(
    custodian=Custodian.A, domain=DomainPart.of(Domain("police", "inner", 1)), public=b"A" * 32
)
VERSION = ListVersion(
    grant_id="police-1",
    list_id="police",
    list_version=1,
    entries=10,
    leaves=10,
    added=10,
    removed=0,
    root=b"r" * 32,
    made_at=MADE,
)
REQUEST = RequestEntry(
    request_id=b"q" * 32,
    grant_id="police-1",
    requester=OWNER_ID,
    list_id="police",
    zone="inner",
    purpose=Purpose.MURDER,
    lawful_basis="Data Protection Act 2018, Part 3",
    case_commitment=b"c" * 32,
    alternate=False,
    emergency=False,
    made_at=MADE,
    expires_at=MADE + DAY,
)
DECISION = DecisionEntry(
    custodian=Custodian.B,
    sequence=0,
    decision_id=b"d" * 32,
    previous=bytes(32),
    request_id=b"q" * 32,
    grant_id="police-1",
    verdict=Verdict.DENIED,
    code="quota",
    automatic=True,
    emergency=False,
    officers=0,
    decided_at=MADE,
)
OUTCOME = OutcomeEntry(request_id=b"q" * 32, grant_id="police-1", outcome=Outcome.CONFIRMED, made_at=MADE)
BATCHES = Batches(
    batches=(
        AnsweredBatch(
            grant_id="police-1",
            list_id="police",
            sequence=0,
            segment_id=b"s" * 32,
            slots=8192,
            root=b"r" * 32,
            answer_sha256=b"h" * 32,
        ),
    ),
    made_at=MADE,
)
MATCHER_COUNTS = MatcherCounts(since=MADE, records=(), refused_claims=0, made_at=MADE)
CAMERA_COUNTS = CameraCounts(
    camera_id="camera-1",
    zone="inner",
    since=MADE,
    accepted=(ListCount(list_id="police", records=3),),
    made_at=MADE,
)
EVALUATION_COUNTS = EvaluationCounts(
    custodian=Custodian.B, day="2027-01-15", grants=(), zones=(), subject_searches=0, made_at=MADE
)
HOLD = LegalHold(
    grant_id="police-1",
    request_id=b"q" * 32,
    reason=HoldReason.CRIMINAL_PROCEEDINGS,
    lawful_basis="Criminal Procedure and Investigations Act 1996",
    until=MADE + 60 * DAY,
    made_at=MADE + DAY,
)
HOLD_END = HoldEnd(grant_id="police-1", request_id=b"q" * 32, made_at=MADE + 2 * DAY)
ERASURES = Erasures(
    since=MADE,
    day="2027-01-15",
    records=(DayCount(list_id="police", zone="inner", received=3, erased_acknowledged=2),),
    places=(Looked(place=Place.RECORDS, items=1),),
    checked_at=MADE + DAY,
    made_at=MADE + DAY,
)
EVIDENCE = EvidenceErasures(
    grant_id="police-1",
    day="2027-01-15",
    evidence=(EvidenceCount(list_id="police", zone="inner", erased=2, kept=1, held=0),),
    overdue=0,
    made_at=MADE,
)
# One of every kind, in an order in which each is taken after those before it.
EVERY_KIND: tuple[tuple[StatementModel, tuple[SigningKey, ...]], ...] = (
    (REGISTER_ENTRY, (OPERATOR,)),
    (GRANT, (OPERATOR, CUSTODIAN_A, CUSTODIAN_B)),
    (EVALUATION_KEY, (CUSTODIAN_A,)),
    (POLICY, (CUSTODIAN_A, CUSTODIAN_B)),
    (VERSION, (OWNER,)),
    (REQUEST, (OWNER,)),
    (DECISION, (CUSTODIAN_B,)),
    (OUTCOME, (OWNER,)),
    (BATCHES, (MATCHER,)),
    (MATCHER_COUNTS, (MATCHER,)),
    (ERASURES, (MATCHER,)),
    (CAMERA_COUNTS, (CAMERA,)),
    (EVALUATION_COUNTS, (CUSTODIAN_B,)),
    (HOLD, (OWNER,)),
    (HOLD_END, (OWNER,)),
    (EVIDENCE, (OWNER,)),
    (SUSPENSION, (CUSTODIAN_A,)),
    (STATUS, (OPERATOR,)),
    (END, (OPERATOR,)),
)


def changed(model: _Model, **fields: Any) -> _Model:
    """The same statement with other fields, as well formed."""
    return type(model)(**{**dict(model), **fields})


def signed(model: StatementModel, *signers: SigningKey) -> bytes:
    """The entry of a statement by these signers."""
    return entry_bytes(model.statement(*signers))


def entry_of(model: StatementModel) -> bytes:
    """The entry of a statement, by whoever signs its kind."""
    signers = next(signers for sample, signers in EVERY_KIND if type(sample) is type(model))
    return signed(model, *signers)


def document_of(model: StatementModel) -> bytes | None:
    """The document that goes with the sample register's entry."""
    return document_bytes(DOCUMENT) if isinstance(model, RegisterEntry) else None


def granted(*further: StatementModel) -> LedgerState:
    """A state that holds the sample register and grant, and what else is named, all of which it must take."""
    state = LedgerState(PARTIES)
    for index, model in enumerate((REGISTER_ENTRY, GRANT, *further)):
        applied = state.apply(index, entry_of(model), MADE, document_of(model))
        assert applied.error is None, applied.error
    return state


def entered(state: LedgerState, model: StatementModel, witnessed_at: int = MADE) -> Applied:
    """What becomes of a statement, signed as its kind is, as the next entry."""
    return state.apply(1000, entry_of(model), witnessed_at, document_of(model))


def register(zone: str, generation: int, *cameras: RegisteredCamera) -> tuple[RegisterEntry, Statement]:
    """A register's entry and the register."""
    document = ZoneRegister(zone=zone, generation=generation, cameras=cameras).statement(OPERATOR)
    digest = register_digest(document.payload)
    return (
        RegisterEntry(
            zone=zone, generation=generation, cameras=len(cameras), register_digest=digest, made_at=MADE
        ),
        document,
    )
