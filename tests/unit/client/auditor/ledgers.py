"""Ledgers for the auditor's tests: every party's keys, honest entries in one line each, and the files they make.

The tiles are made by ``core.ledger.tiles``, not by the auditor's own tree, and the signatures by the parties' real keys:
a test breaks a ledger by entering what a party should not have, or by altering a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from blindplate.client.auditor.audit import Audit
from blindplate.client.auditor.files import fetch_checkpoint
from blindplate.client.auditor.findings import Finding, Kind, Severity, day_of
from blindplate.client.auditor.keys import AuditKeys
from blindplate.core.errors import NotFoundError
from blindplate.core.ledger.bundles import encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LogSigner
from blindplate.core.ledger.entries import document_bytes, entry_bytes, passed_over
from blindplate.core.ledger.layout import (
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    document_path,
    entries_path,
    tiles_between,
    witnessed_path,
)
from blindplate.core.ledger.tiles import grown
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import leaf_hash
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.cameras import CameraCounts, ListCount, RegisterEntry
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.erasures import (
    DAY_COUNTED,
    DayCount,
    Erasures,
    Looked,
    Place,
    day_begins,
    next_day,
)
from blindplate.core.statements.evaluations import EvaluationCounts, GrantEvaluations, ZoneEvaluations
from blindplate.core.statements.evidence import EvidenceCount, EvidenceErasures
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import (
    Assessment,
    Grant,
    GrantedZone,
    ListKind,
    ReleaseMode,
    ReleasePolicy,
    StandingAuthorisation,
)
from blindplate.core.statements.holds import HoldReason, LegalHold
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.matching import AnsweredBatch, Batches, MatcherCounts, RecordCount
from blindplate.core.statements.model import EpochRulePart, StatementModel
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
from blindplate.edge.settings import LedgerKeysPart, TrustedKeys

DAY: Final = 86_400
# 3 March 2025, midnight UTC.
BEGINS: Final = 1_740_960_000
ORIGIN: Final = "ledger.test/one"
POLICE: Final = "police-1"
EMISSIONS: Final = "emissions-1"
TRANSPORT: Final = "transport-1"
FORCE: Final = "spiffe://test/owner/police"
AUTHORITY: Final = "spiffe://test/owner/emissions"
IDENTITIES: Final = {POLICE: FORCE, EMISSIONS: AUTHORITY, TRANSPORT: "spiffe://test/owner/transport-police"}
LISTS: Final = {POLICE: "hotlist", EMISSIONS: "liable", TRANSPORT: "transport"}
ZONES: Final = ("inner", "outer")
# Of the police's lists, and of the emissions authority's.
LAWFUL_BASIS: Final = {True: "DPA 2018 Part 3", False: "UK GDPR article 6(1)(e)"}


def key(name: str) -> SigningKey:
    """A party's key, the same every time."""
    return SigningKey.from_seed(sha256(name.encode()).digest())


def made(text: str) -> bytes:
    """32 bytes that stand for something random."""
    return sha256(text.encode()).digest()


OPERATOR, MATCHER = key("operator"), key("matcher")
CUSTODIANS: Final = {Custodian.A: key("custodian a"), Custodian.B: key("custodian b")}
OWNERS: Final = {POLICE: key("police"), EMISSIONS: key("emissions"), TRANSPORT: key("transport")}
LOG: Final = LogSigner.from_seed(ORIGIN, made("log"))
WITNESSES: Final = {
    one: Cosigner.from_seed(f"witness.test/{one}", made(f"witness {one}")) for one in Custodian
}


def audit_keys() -> AuditKeys:
    """The keys file of these ledgers."""
    pairs = [LOG.keys, *(WITNESSES[one].keys for one in Custodian)]
    log, a, b = ((first.to_text(), second.to_text()) for first, second in pairs)
    return AuditKeys(
        parties=TrustedKeys(
            operator=OPERATOR.public,
            custodian_a=CUSTODIANS[Custodian.A].public,
            custodian_b=CUSTODIANS[Custodian.B].public,
            matcher=MATCHER.public,
        ),
        ledger=LedgerKeysPart(origin=ORIGIN, log=log, witness_a=a, witness_b=b),
    )


def register(zone: str, generation: int = 1, cameras: int = 2) -> ZoneRegister:
    """A zone's register of some cameras, each allowed 1,000 evaluations an hour."""
    return ZoneRegister(
        zone=zone,
        generation=generation,
        cameras=tuple(
            RegisteredCamera(
                camera_id=f"{zone}-{number}",
                identity=f"spiffe://test/camera/{zone}-{number}",
                signing_key=key(f"{zone}-{number}").public,
                latitude=51.5,
                longitude=-0.1,
                evaluations_per_hour=1000,
            )
            for number in range(cameras)
        ),
    )


def granted(zone: str, generation: int = 1, cameras: int = 2) -> GrantedZone:
    """A zone as a grant names it."""
    digest = register_digest(register(zone, generation, cameras).statement(OPERATOR).payload)
    return GrantedZone(zone=zone, generation=generation, register_digest=digest)


def grant(grant_id: str = POLICE, **changes: Any) -> Grant:
    """A grant of a month over both zones: of a hotlist that two officers release, or of an emissions list."""
    police = grant_id != EMISSIONS
    values: dict[str, Any] = {
        "grant_id": grant_id,
        "owner": IDENTITIES.get(grant_id, FORCE),
        "owner_key": OWNERS.get(grant_id, OWNERS[POLICE]).public,
        "list_id": LISTS.get(grant_id, "hotlist"),
        "list_kind": ListKind.HOTLIST if police else ListKind.EMISSIONS,
        "zones": tuple(granted(zone) for zone in ZONES),
        "not_before": BEGINS,
        "not_after": BEGINS + 30 * DAY,
        "notice_seconds": 60,
        "purpose": "Find vehicles sought in connection with serious crime."
        if police
        else "Collect the charge.",
        "lawful_basis": LAWFUL_BASIS[police],
        "privacy_assessment": Assessment(address="https://operator.test/privacy.pdf", sha256=made("privacy")),
        "equality_assessment": Assessment(
            address="https://operator.test/equality.pdf", sha256=made("equality")
        ),
        "consultation": "Consultation 2025/3",
        "decision": "Decision MD-2025-17",
        "list_size": 1000,
        "capacity": 100_000,
        "evaluations_per_day": 5000,
        "evaluations_per_generation": 20_000,
        "release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=5, officers=2)
        if police
        else ReleasePolicy(mode=ReleaseMode.AUTOMATIC, daily_quota=1000),
        "disclosure": Disclosure(fields=frozenset(DisclosedField), time_granularity_seconds=60),
        "epoch": EpochRulePart(kind="span", seconds=3600),
        "window_seconds": DAY,
        "parameter_set": "prompt",
    }
    return Grant(**(values | changes))


STANDING: Final = ReleasePolicy(
    mode=ReleaseMode.STANDING,
    daily_quota=5,
    officers=2,
    standing=StandingAuthorisation(purposes=(Purpose.MISSING_PERSON,), daily_quota=2),
    emergency=True,
)


@dataclass
class MemorySource:
    """A ledger's files in memory."""

    files: dict[str, bytes]

    def get(self, path: str) -> bytes:
        """As ``LedgerSource.get``."""
        if path not in self.files:
            raise NotFoundError(f"The ledger has no file {path}.")
        return self.files[path]


@dataclass
class Ledger:
    """A ledger as it is written; ``now`` is the time, which every entry moves on by a second."""

    entries: list[bytes] = field(default_factory=list[bytes])
    times: list[int] = field(default_factory=list[int])
    documents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    now: int = BEGINS - DAY
    chains: dict[Custodian, tuple[int, bytes]] = field(
        default_factory=lambda: dict.fromkeys(Custodian, (0, bytes(32)))
    )
    answers: dict[str, int] = field(default_factory=dict[str, int])
    # The matcher states each day as it ends, of what it counted last, unless a test does that itself.
    states_days: bool = True
    counted: MatcherCounts | None = None
    stated: str = ""
    day_sums: dict[tuple[str, str], Counter[str]] = field(default_factory=dict[tuple[str, str], Counter[str]])

    @classmethod
    def begun(cls, *grants: Grant) -> Ledger:
        """With registers and grants, in force since yesterday midnight; the time is noon."""
        ledger = cls()
        for zone in ZONES:
            ledger.register(register(zone))
        for one in grants or (grant(), grant(EMISSIONS)):
            ledger.grant(one)
        ledger.now = BEGINS + 12 * 3600
        for custodian in Custodian:
            ledger.evaluations(custodian)
        ledger.counts()
        return ledger

    @property
    def size(self) -> int:
        """How many entries."""
        return len(self.entries)

    def enter(self, model: StatementModel, *signers: SigningKey) -> int:
        """Enter a statement as it is; give its index."""
        return self.enter_bytes(entry_bytes(model.statement(*signers)))

    def enter_bytes(self, entry: bytes) -> int:
        """Enter any bytes."""
        while self.states_days and self.counted is not None and self.now >= day_begins(next_day(self.day)):
            now, self.now = self.now, day_begins(next_day(self.day)) + 1
            self.states_days = False
            self.erasures()
            self.states_days, self.now = True, max(now, self.now)
        self.entries.append(entry)
        self.now += 1
        self.times.append(self.now)
        return self.size - 1

    def register(self, one: ZoneRegister, **changes: Any) -> int:
        """Enter a register and its document."""
        statement = one.statement(OPERATOR)
        digest = register_digest(statement.payload)
        self.documents[document_path(digest)] = document_bytes(statement)
        entry = RegisterEntry(
            zone=one.zone,
            generation=one.generation,
            cameras=len(one.cameras),
            register_digest=digest,
            made_at=self.now,
        )
        return self.enter(entry.model_copy(update=changes), OPERATOR)

    def grant(self, one: Grant) -> int:
        """Enter a grant or an amendment."""
        return self.enter(one, OPERATOR, *CUSTODIANS.values())

    def suspend(self, custodian: Custodian, *, suspended: bool = True, grant_id: str = POLICE) -> int:
        """A custodian's own word on a grant."""
        word = GrantSuspension(
            grant_id=grant_id, custodian=custodian, suspended=suspended, reason="inquiry", made_at=self.now
        )
        return self.enter(word, CUSTODIANS[custodian])

    def end(self, grant_id: str = POLICE) -> int:
        """A grant's end."""
        return self.enter(GrantEnd(grant_id=grant_id, reason="no longer needed", made_at=self.now), OPERATOR)

    def list_version(self, number: int, entries: int, added: int, removed: int = 0, **changes: Any) -> int:
        """A version of a list, the police's unless said otherwise."""
        version = ListVersion(
            grant_id=POLICE,
            list_id="hotlist",
            list_version=number,
            entries=entries,
            leaves=2 * entries,
            added=added,
            removed=removed,
            root=made(f"list {number}"),
            made_at=self.now,
        )
        version = version.model_copy(update={"list_id": LISTS[changes.get("grant_id", POLICE)]} | changes)
        return self.enter(version, OWNERS[version.grant_id])

    def request(self, name: str = "one", grant_id: str = POLICE, **changes: Any) -> RequestEntry:
        """Enter a release request."""
        police = grant_id != EMISSIONS
        entry = RequestEntry(
            request_id=made(f"request {name}"),
            grant_id=grant_id,
            requester=IDENTITIES.get(grant_id, FORCE),
            list_id=LISTS.get(grant_id, "hotlist"),
            zone="inner",
            purpose=Purpose.ROBBERY_OR_THEFT if police else Purpose.UNPAID_CHARGE,
            lawful_basis=LAWFUL_BASIS[police],
            case_commitment=made(f"case {name}"),
            alternate=False,
            emergency=False,
            made_at=self.now,
            expires_at=self.now + DAY,
        )
        entry = entry.model_copy(update=changes)
        self.enter(entry, OWNERS.get(grant_id, OWNERS[POLICE]))
        return entry

    def decide(
        self, custodian: Custodian, request: RequestEntry, verdict: Verdict = Verdict.APPROVED, **changes: Any
    ) -> DecisionEntry:
        """Enter a custodian's decision, in its chain: of two officers, or automatic for the emissions list."""
        sequence, previous = self.chains[custodian]
        approved, police = verdict is Verdict.APPROVED, request.grant_id != EMISSIONS
        tagged = approved and custodian is Custodian.B
        entry = DecisionEntry(
            custodian=custodian,
            sequence=sequence,
            decision_id=made(f"decision {custodian} {sequence}"),
            previous=previous,
            request_id=request.request_id,
            grant_id=request.grant_id,
            verdict=verdict,
            code="ok" if approved else "policy",
            automatic=not police,
            emergency=False,
            officers=2 if police and approved else 0,
            subject_tag=made("tag") if tagged else None,
            decided_at=self.now,
        )
        entry = entry.model_copy(update=changes)
        self.enter(entry, CUSTODIANS[custodian])
        self.chains[custodian] = (entry.sequence + 1, entry.decision_id)
        return entry

    def release(self, name: str = "one", grant_id: str = POLICE, **changes: Any) -> RequestEntry:
        """A request that both custodians approve."""
        request = self.request(name, grant_id, **changes)
        for custodian in Custodian:
            self.decide(custodian, request)
        return request

    def outcome(self, request: RequestEntry, outcome: Outcome = Outcome.CONFIRMED) -> int:
        """What came of a release."""
        entry = OutcomeEntry(
            request_id=request.request_id, grant_id=request.grant_id, outcome=outcome, made_at=self.now
        )
        return self.enter(entry, OWNERS[request.grant_id])

    def hold(self, request: RequestEntry, days: int = 100) -> int:
        """The evidence of a request is held from now."""
        hold = LegalHold(
            grant_id=request.grant_id,
            request_id=request.request_id,
            reason=HoldReason.CRIMINAL_PROCEEDINGS,
            lawful_basis="CPIA 1996",
            until=self.now + days * DAY,
            made_at=self.now,
        )
        return self.enter(hold, OWNERS[request.grant_id])

    def evidence(
        self, erased: int = 0, kept: int = 0, held: int = 0, *, grant_id: str = POLICE, **changes: Any
    ) -> int:
        """What an owner says of the evidence of yesterday."""
        row = EvidenceCount(list_id=LISTS[grant_id], zone="inner", erased=erased, kept=kept, held=held)
        told = EvidenceErasures(
            grant_id=grant_id,
            day=day_of(self.now - DAY),
            evidence=(row,),
            overdue=0,
            made_at=self.now,
        )
        return self.enter(told.model_copy(update=changes), OWNERS[grant_id])

    def batches(self, number: int = 1, grant_id: str = POLICE, **changes: Any) -> int:
        """Some batches of one list, in order."""
        batches: list[AnsweredBatch] = []
        for _ in range(number):
            self.answers[grant_id] = self.answers.get(grant_id, 0) + 1
            batch = AnsweredBatch(
                grant_id=grant_id,
                list_id=LISTS.get(grant_id, "hotlist"),
                sequence=self.answers[grant_id],
                segment_id=made("segment"),
                slots=8192,
                root=made("batch"),
                answer_sha256=made("answer"),
            )
            batches.append(batch.model_copy(update=changes))
        return self.enter(Batches(batches=tuple(batches), made_at=self.now), MATCHER)

    def counts(self, *rows: RecordCount, since: int = BEGINS, refused: int = 0) -> int:
        """The matcher's counts."""
        counts = MatcherCounts(since=since, records=rows, refused_claims=refused, made_at=self.now)
        if self.counted is None or since != self.counted.since:
            self.stated, self.day_sums = "", {}
        self.counted = counts
        return [self.enter(part, MATCHER) for part in counts.split()][-1]

    @property
    def day(self) -> str:
        """The next day to be stated."""
        assert self.counted is not None
        return next_day(self.stated) if self.stated else day_of(self.counted.since)

    def erasures(self, *records: DayCount, **changes: Any) -> int:
        """The next day's statement: of ``records``, or of whatever the last counts have more than the days before."""
        assert self.counted is not None
        rows = [
            DayCount(list_id=row.list_id, zone=row.zone, **self._more(row)) for row in self.counted.records
        ]
        entry = Erasures(
            since=self.counted.since,
            day=self.day,
            records=records or tuple(row for row in rows if any(getattr(row, name) for name in DAY_COUNTED)),
            places=tuple(Looked(place=one, items=0) for one in Place),
            checked_at=self.now,
            made_at=self.now,
        ).model_copy(update=changes)
        for row in entry.records:
            total = self.day_sums.setdefault((row.list_id, row.zone), Counter())
            total.update({name: getattr(row, name) for name in DAY_COUNTED})
        self.stated = entry.day
        return [self.enter(part, MATCHER) for part in entry.split()][-1]

    def _more(self, row: RecordCount) -> dict[str, int]:
        before = self.day_sums.get((row.list_id, row.zone), Counter())
        return {name: max(getattr(row, name) - before[name], 0) for name in DAY_COUNTED}

    def camera(self, zone: str = "inner", number: int = 0, *, since: int = BEGINS, **accepted: int) -> int:
        """A camera's counts, by list."""
        counts = CameraCounts(
            camera_id=f"{zone}-{number}",
            zone=zone,
            since=since,
            accepted=tuple(ListCount(list_id=list_id, records=count) for list_id, count in accepted.items()),
            made_at=self.now,
        )
        return self.enter(counts, key(f"{zone}-{number}"))

    def evaluations(
        self,
        custodian: Custodian = Custodian.A,
        day: str = "2025-03-03",
        grants: Mapping[str, int] | None = None,
        cameras: Mapping[tuple[str, str], int] | None = None,
        searches: int = 0,
        keys: Mapping[tuple[str, str], int] | None = None,
    ) -> int:
        """A custodian's counts of a day; ``keys`` are those handed to cameras."""
        counts = EvaluationCounts(
            custodian=custodian,
            day=day,
            grants=tuple(
                GrantEvaluations(grant_id=grant_id, evaluated=count)
                for grant_id, count in (grants or {}).items()
            ),
            zones=tuple(
                ZoneEvaluations(
                    list_id=list_id,
                    zone=zone,
                    evaluated=(cameras or {}).get((list_id, zone), 0),
                    local_keys=(keys or {}).get((list_id, zone), 0),
                )
                for list_id, zone in {**(cameras or {}), **(keys or {})}
            ),
            subject_searches=searches,
            made_at=self.now,
        )
        return self.enter(counts, CUSTODIANS[custodian])

    def policy(self, zone: str = "inner", mode: PseudonymMode = PseudonymMode.LOCAL, **changes: Any) -> int:
        """A zone's policy for the police's list, of a year."""
        one = grant()
        values: dict[str, Any] = {
            "zone": zone,
            "serial": 1,
            "not_before": BEGINS - DAY,
            "not_after": BEGINS + 365 * DAY,
            "mode": mode,
            "custodian_a": CUSTODIANS[Custodian.A].public,
            "custodian_b": CUSTODIANS[Custodian.B].public,
            "matcher": MATCHER.public,
            "lists": (
                ListPolicy(
                    list_id="hotlist",
                    list_kind=ListKind.HOTLIST,
                    generation=1,
                    grant_id=POLICE,
                    epoch=one.epoch,
                    disclosure=one.disclosure,
                    evaluation_key_a=made("evaluation key a"),
                    evaluation_key_b=made("evaluation key b"),
                ),
            ),
        }
        return self.enter(ZonePolicy(**(values | changes)), *CUSTODIANS.values())

    def checkpoint(self, size: int | None = None, moment: int | None = None) -> bytes:
        """The checkpoint of the first ``size`` entries, signed by all."""
        size = self.size if size is None else size
        root = Frontier.empty().appended(leaf_hash(entry) for entry in self.entries[:size]).root()
        return witnessed(Checkpoint(ORIGIN, size, root), self.now if moment is None else moment)

    def records(self, size: int) -> dict[str, bytes]:
        """The checkpoints beside entries: one at once after each but requests, which get the next, or the last one."""
        relevant = [index for index, entry in enumerate(self.entries[:size]) if not passed_over(entry)]
        requests = RequestEntry.media_type().encode()
        rounds = [index + 1 for index in relevant if requests not in self.entries[index]]
        made: dict[int, bytes] = {}
        frontier = Frontier.empty()
        for end in sorted({*rounds, size} if relevant else set[int]()):
            frontier = frontier.appended(leaf_hash(entry) for entry in self.entries[frontier.size : end])
            made[end] = witnessed(Checkpoint(ORIGIN, end, frontier.root()), self.times[end - 1])
        return {witnessed_path(index): made[min(end for end in made if end > index)] for index in relevant}

    def files(self, sizes: Iterable[int] = (), witnessed: int | None = None) -> dict[str, bytes]:
        """Every public file, with partial tiles for each of ``sizes``; the checkpoint is of ``witnessed`` entries."""
        files = self.documents | self.records(self.size if witnessed is None else witnessed)
        tiles: dict[Tile, bytes] = {}
        before = 0
        for size in (*sorted(size for size in sizes if 0 < size < self.size), self.size):
            hashes = [leaf_hash(entry) for entry in self.entries[before:size]]
            tiles |= grown(tiles.__getitem__, before, hashes)
            for tile in tiles_between(before, size):
                files[tile.path] = tiles[tile]
                if tile.level == 0:
                    first = tile.index * TILE_WIDTH
                    bundle = encode_bundle(self.entries[first : first + tile.width])
                    files[entries_path(tile.index, tile.width)] = bundle
            before = size
        files[CHECKPOINT] = self.checkpoint(witnessed)
        return files

    def source(self, sizes: Iterable[int] = (), witnessed: int | None = None) -> MemorySource:
        """The same to be read."""
        return MemorySource(self.files(sizes, witnessed))

    def write(self, folder: Path, sizes: Iterable[int] = (), witnessed: int | None = None) -> Path:
        """The same as a folder."""
        for path, content in self.files(sizes, witnessed).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder


@lru_cache(maxsize=4096)
def witnessed(checkpoint: Checkpoint, moment: int) -> bytes:
    """A checkpoint as both custodians cosigned it."""
    note = LOG.sign(checkpoint, moment)
    return note.with_signatures(
        line for cosigner in WITNESSES.values() for line in cosigner.cosign(checkpoint, moment)
    ).to_bytes()


def row(list_id: str = "hotlist", zone: str = "inner", received: int = 0, **counts: int) -> RecordCount:
    """Counts that balance: what is not said to be claimed or erased is open."""
    gone = sum(counts.get(name, 0) for name in ("claimed", "erased_acknowledged", "erased_unclaimed"))
    values = {
        "answered": received,
        "claimed": 0,
        "erased_acknowledged": 0,
        "erased_unclaimed": 0,
        "erased_claimed": 0,
        "open": received - gone,
    }
    return RecordCount(list_id=list_id, zone=zone, received=received, **(values | counts))


def audited(ledger: Ledger) -> Audit:
    """An audit of the whole of it."""
    source = ledger.source()
    audit = Audit(source, audit_keys())
    audit.advance(fetch_checkpoint(source, audit_keys().ledger.keys()))
    return audit


def findings(ledger: Ledger) -> list[Finding]:
    """What an audit of the whole of it finds."""
    return audited(ledger).findings


def violated(ledger: Ledger) -> set[Kind]:
    """The rules that an audit finds broken."""
    return {one.kind for one in findings(ledger) if one.severity is Severity.VIOLATION}


def noted(ledger: Ledger) -> set[Kind]:
    """What an audit finds worth a note."""
    return {one.kind for one in findings(ledger) if one.severity is Severity.NOTE}
