"""Whatever honest parties do, in whatever order, an audit finds nothing broken; and one thing left out is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.auditor.findings import Severity, day_of
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.core.statements.matching import RecordCount
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome, RequestEntry
from blindplate.core.statements.releases import Verdict
from tests.unit.client.auditor.ledgers import (
    DAY,
    EMISSIONS,
    POLICE,
    STANDING,
    ZONES,
    Ledger,
    audited,
    findings,
    grant,
)

LISTS = ("hotlist", "liable")
ACTIONS = (
    "read",
    "claim",
    "erase",
    "report",
    "count",
    "answer",
    "request",
    "decide",
    "outcome",
    "list",
    "amend",
    "suspend",
    "evaluate",
    "wait",
    "midnight",
)


@dataclass
class World:
    """Honest parties and what they know. ``draw`` gives a number below the one it is asked for."""

    data: st.DataObject
    ledger: Ledger = field(default_factory=lambda: Ledger.begun(grant(release=STANDING), grant(EMISSIONS)))
    received: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    claimed: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    erased: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    accepted: Counter[tuple[str, int, str]] = field(default_factory=Counter[tuple[str, int, str]])
    waiting: dict[Custodian, list[RequestEntry]] = field(
        default_factory=lambda: {one: [] for one in Custodian}
    )
    approved: Counter[bytes] = field(default_factory=Counter[bytes])
    releases: Counter[tuple[Custodian, str, int]] = field(default_factory=Counter[tuple[Custodian, str, int]])
    standing: Counter[tuple[Custodian, str, int]] = field(default_factory=Counter[tuple[Custodian, str, int]])
    requests: list[RequestEntry] = field(default_factory=list[RequestEntry])
    suspended: set[Custodian] = field(default_factory=set[Custodian])
    evaluated: Counter[tuple[Custodian, int, str]] = field(
        default_factory=Counter[tuple[Custodian, int, str]]
    )
    policy: ReleasePolicy = STANDING
    versions: int = 0
    entries: int = 0
    amendments: int = 0

    def draw(self, below: int) -> int:
        """A number."""
        return self.data.draw(st.integers(0, below - 1))

    def act(self, action: str) -> None:
        """One thing that happens."""
        getattr(self, action)()

    def read(self) -> None:
        zone, number, list_id = ZONES[self.draw(2)], self.draw(2), LISTS[self.draw(2)]
        count = self.draw(50)
        self.received[list_id, zone] += count
        self.accepted[zone, number, list_id] += count

    def _open(self, place: tuple[str, str]) -> int:
        return self.received[place] - self.claimed[place] - self.erased[place]

    def claim(self) -> None:
        for place in list(self.received):
            self.claimed[place] += self.draw(self._open(place) + 1)

    def erase(self) -> None:
        for place in list(self.received):
            self.erased[place] += self.draw(self._open(place) + 1)

    def report(self) -> None:
        zone, number = ZONES[self.draw(2)], self.draw(2)
        counts = {list_id: self.accepted[zone, number, list_id] for list_id in LISTS}
        self.ledger.camera(zone, number, **counts)

    def count(self) -> None:
        rows = [
            RecordCount(
                list_id=place[0],
                zone=place[1],
                received=self.received[place],
                answered=self.received[place],
                claimed=self.claimed[place],
                erased_acknowledged=self.erased[place],
                erased_unclaimed=0,
                erased_claimed=0,
                open=self._open(place),
            )
            for place in sorted(self.received)
        ]
        self.ledger.counts(*rows)

    def answer(self) -> None:
        grant_id = (POLICE, EMISSIONS)[self.draw(2)]
        if grant_id == EMISSIONS or not self.suspended:
            self.ledger.batches(1 + self.draw(3), grant_id)

    def request(self) -> None:
        emissions = self.draw(2)
        purposes = (Purpose.MISSING_PERSON, Purpose.MURDER)
        request = self.ledger.request(
            f"{len(self.requests)}",
            EMISSIONS if emissions else POLICE,
            zone=ZONES[self.draw(2)],
            purpose=Purpose.UNPAID_CHARGE if emissions else purposes[self.draw(2)],
            alternate=self.draw(3) == 0,
            emergency=not emissions and self.draw(4) == 0,
            expires_at=self.ledger.now + (600, DAY)[self.draw(2)],
        )
        self.requests.append(request)
        for custodian in Custodian:
            self.waiting[custodian].append(request)

    def decide(self) -> None:
        custodian = list(Custodian)[self.draw(2)]
        if not self.waiting[custodian]:
            return
        request = self.waiting[custodian].pop(self.draw(len(self.waiting[custodian])))
        police, day = request.grant_id == POLICE, self.ledger.now // DAY
        key = (custodian, request.grant_id, day)
        policy = self.policy if police else grant(EMISSIONS).release
        if self.ledger.now >= request.expires_at:
            self.ledger.decide(custodian, request, Verdict.EXPIRED, code="expired")
        elif (police and custodian in self.suspended) or self.releases[key] >= policy.daily_quota:
            self.ledger.decide(custodian, request, Verdict.DENIED, code="quota")
        else:
            self._approve(custodian, request, policy, key)

    def _approve(
        self,
        custodian: Custodian,
        request: RequestEntry,
        policy: ReleasePolicy,
        key: tuple[Custodian, str, int],
    ) -> None:
        standing = policy.standing
        spared = policy.mode is ReleaseMode.AUTOMATIC
        if standing and request.purpose in standing.purposes and self.standing[key] < standing.daily_quota:
            spared = True
        alone = spared and not request.alternate
        emergency = request.emergency and policy.emergency and not request.alternate and not spared
        self.ledger.decide(
            custodian,
            request,
            automatic=alone or emergency,
            emergency=emergency,
            officers=0 if alone or emergency else policy.officers,
        )
        self.releases[key] += 1
        self.standing[key] += alone
        self.approved[request.request_id] += 1

    def outcome(self) -> None:
        released = [one for one in self.requests if self.approved[one.request_id] == 2]
        if released:
            outcome = list(Outcome)[self.draw(len(Outcome))]
            self.ledger.outcome(released[self.draw(len(released))], outcome)

    def list(self) -> None:
        removed, added = self.draw(self.entries + 1), self.draw(100)
        self.versions += 1 + self.draw(3)
        self.entries += added - removed
        self.ledger.list_version(self.versions, self.entries, added, removed)

    def amend(self) -> None:
        self.amendments += 1
        officers = 1 + self.draw(2)
        self.policy = self.policy.model_copy(update={"daily_quota": 2 + self.draw(5), "officers": officers})
        self.ledger.grant(grant(amendment=self.amendments, release=self.policy, list_size=10_000))
        self.ledger.now += 60

    def suspend(self) -> None:
        custodian = list(Custodian)[self.draw(2)]
        self.suspended ^= {custodian}
        self.ledger.suspend(custodian, suspended=custodian in self.suspended)

    def evaluate(self) -> None:
        custodian, day = list(Custodian)[self.draw(2)], self.ledger.now // DAY
        for grant_id in (POLICE, EMISSIONS):
            if grant_id == EMISSIONS or custodian not in self.suspended:
                self.evaluated[custodian, day, grant_id] += self.draw(20)
        self.ledger.evaluations(
            custodian,
            day_of(self.ledger.now),
            {grant_id: self.evaluated[custodian, day, grant_id] for grant_id in (POLICE, EMISSIONS)},
        )

    def wait(self) -> None:
        self.ledger.now += self.draw(1200)

    def midnight(self) -> None:
        if self.ledger.now // DAY < grant().not_after // DAY - 2:
            self.ledger.now = (self.ledger.now // DAY + 1) * DAY
            # Windows end, and the matcher counts at least once a day.
            for place in list(self.received):
                self.erased[place] += self._open(place)
            self.count()


@settings(max_examples=60)
@given(data=st.data(), actions=st.lists(st.sampled_from(ACTIONS), min_size=10, max_size=60))
def test_an_honest_history_breaks_no_rule(data: st.DataObject, actions: list[str]) -> None:
    world = World(data)
    for action in actions:
        world.act(action)
    assert [one for one in findings(world.ledger) if one.severity is Severity.VIOLATION] == []


@settings(max_examples=40)
@given(data=st.data(), releases=st.integers(1, 4))
def test_an_honest_history_with_one_decision_batch_or_request_left_out_breaks_one(
    data: st.DataObject, releases: int
) -> None:
    ledger = Ledger.begun()
    begun = ledger.size
    for number in range(releases):
        ledger.release(str(number))
        ledger.batches(1)
    for custodian in Custodian:
        ledger.decide(custodian, ledger.request(f"last {custodian}"), Verdict.DENIED, code="quota")
    ledger.batches(1)
    assert audited(ledger).violations == []
    # The last of each row is the one that nothing after it could miss.
    left_out = data.draw(st.integers(begun, ledger.size - 6))
    del ledger.entries[left_out]
    assert audited(ledger).violations
