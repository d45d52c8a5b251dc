"""Four weeks of a city, made small: three agencies, two zones, every kind of entry, and figures that are known."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import Final

from blindplate.client.auditor.findings import day_of
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.core.statements.matching import RecordCount
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import Outcome, RequestEntry
from blindplate.core.statements.releases import Verdict
from tests.unit.client.auditor.ledgers import (
    DAY,
    EMISSIONS,
    LISTS,
    OPERATOR,
    POLICE,
    STANDING,
    TRANSPORT,
    ZONES,
    Ledger,
    grant,
    granted,
    key,
    register,
)

DAYS: Final = 28
_PURPOSES: Final = (
    *4 * (Purpose.ROBBERY_OR_THEFT,),
    *3 * (Purpose.VEHICLE_CRIME,),
    *2 * (Purpose.VIOLENCE,),
    Purpose.MURDER,
    Purpose.SEXUAL_OFFENCES,
)
_POLICY: Final = STANDING.model_copy(update={"daily_quota": 40})
_Place = tuple[str, str]


@cache
def month() -> Ledger:
    """The ledger; no rule is broken in it."""
    return _Month().run()


class _Month:
    def __init__(self) -> None:
        self.ledger = Ledger.begun(
            grant(release=_POLICY, list_size=30_000),
            grant(
                EMISSIONS,
                list_size=200_000,
                purpose="Collect the daily charge of vehicles that do not meet the standard.",
            ),
            grant(
                TRANSPORT,
                release=ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=20, officers=1),
                list_size=5000,
            ),
        )
        self.random = random.Random(2025)
        self.received: Counter[_Place] = Counter()
        self.claimed: Counter[_Place] = Counter()
        self.acknowledged: Counter[_Place] = Counter()
        self.unclaimed: Counter[_Place] = Counter()
        self.accepted: Counter[tuple[str, int, str]] = Counter()
        self.sizes = {POLICE: 0, EMISSIONS: 0, TRANSPORT: 0}
        self.released: Counter[str] = Counter()
        self.requests = 0
        self.expiring: list[RequestEntry] = []

    def run(self) -> Ledger:
        midnight = (self.ledger.now // DAY + 1) * DAY
        for day in range(DAYS):
            self.ledger.now = midnight + day * DAY + 6 * 3600
            for grant_id in (POLICE, EMISSIONS, TRANSPORT):
                self.ledger.evidence(kept=self.released[grant_id], grant_id=grant_id)
            self._lists(day)
            self._reads(day)
            for grant_id in (POLICE, EMISSIONS, TRANSPORT):
                self.ledger.batches(2, grant_id)
            self._releases(day)
            self._changes(day)
            self.ledger.now = midnight + day * DAY + 20 * 3600
            self._expire()
            self._count()
        return self.ledger

    def _lists(self, day: int) -> None:
        for grant_id, most in ((POLICE, 24_000), (EMISSIONS, 150_000), (TRANSPORT, 3000)):
            if day % 7 and grant_id == EMISSIONS:
                continue
            size = self.sizes[grant_id]
            removed = self.random.randrange(size // 50 + 1)
            added = max(min(most // 3, most - size), 0) // 2 + self.random.randrange(60) + removed
            self.sizes[grant_id] = size + added - removed
            self.ledger.list_version(day + 1, self.sizes[grant_id], added, removed, grant_id=grant_id)

    def _reads(self, day: int) -> None:
        weekend = 0.7 if day % 7 > 4 else 1.0
        for grant_id, rate in ((POLICE, 0.002), (EMISSIONS, 0.047), (TRANSPORT, 0.0006)):
            for zone in ZONES:
                place = (LISTS[grant_id], zone)
                for number in range(2):
                    count = int(
                        weekend * self.random.randrange(28_000, 34_000) * (1.4 if zone == "inner" else 1.0)
                    )
                    self.received[place] += count
                    self.accepted[zone, number, place[0]] += count
                still = self._open(place)
                hits = int(still * rate)
                self.claimed[place] += hits
                self.acknowledged[place] += int(still * 0.93) - hits
                self.unclaimed[place] += int(still * 0.01)

    def _open(self, place: _Place) -> int:
        return self.received[place] - self.claimed[place] - self.acknowledged[place] - self.unclaimed[place]

    def _releases(self, day: int) -> None:
        for _ in range(self.random.randrange(5, 9)):
            self._release(self._request(POLICE, day), 2)
        for _ in range(self.random.randrange(1, 4)):
            self._release(self._request(TRANSPORT, day), 1)
        for _ in range(self.random.randrange(8, 12)):
            request = self._request(EMISSIONS, day)
            for custodian in Custodian:
                self.ledger.decide(custodian, request)
            self.released[EMISSIONS] += 1
            self.ledger.outcome(request, Outcome.OPENED)

    def _request(self, grant_id: str, day: int) -> RequestEntry:
        self.requests += 1
        self.ledger.now += 120
        emergency = grant_id == POLICE and day in (9, 20) and self.requests % 5 == 0
        purpose = Purpose.UNPAID_CHARGE if grant_id == EMISSIONS else self.random.choice(_PURPOSES)
        return self.ledger.request(
            str(self.requests),
            grant_id,
            zone=self.random.choice(("inner", "inner", "outer")),
            purpose=Purpose.MURDER if emergency else purpose,
            emergency=emergency,
            expires_at=self.ledger.now + 8 * 3600,
        )

    def _release(self, request: RequestEntry, officers: int) -> None:
        chance = self.random.random()
        if request.emergency:
            for custodian in Custodian:
                self.ledger.decide(custodian, request, automatic=True, emergency=True, officers=0)
        elif chance < 0.1:
            code = self.random.choice(("membership", "policy", "policy", "quota"))
            self.ledger.decide(Custodian.A, request, officers=officers)
            self.ledger.decide(Custodian.B, request, Verdict.DENIED, code=code)
            return
        elif chance < 0.14:
            self.expiring.append(request)
            return
        elif chance < 0.16:
            return
        else:
            for custodian in Custodian:
                self.ledger.decide(custodian, request, officers=officers)
        self.released[request.grant_id] += 1
        outcomes = (*12 * (Outcome.CONFIRMED,), Outcome.MISREAD, Outcome.NOT_SOUGHT, Outcome.OPENED)
        if self.random.random() < 0.9:
            self.ledger.outcome(request, self.random.choice(outcomes))

    def _expire(self) -> None:
        for request in self.expiring:
            for custodian in Custodian:
                self.ledger.decide(custodian, request, Verdict.EXPIRED, code="expired")
        self.expiring.clear()

    def _changes(self, day: int) -> None:
        if day == 7:
            self.ledger.suspend(Custodian.B, grant_id=TRANSPORT)
            self.ledger.suspend(Custodian.B, suspended=False, grant_id=TRANSPORT)
        if day == 12:
            self.ledger.register(register("outer", 2, cameras=3))
            zones = (granted("inner"), granted("outer", 2, cameras=3))
            self.ledger.grant(grant(amendment=1, release=_POLICY, list_size=30_000, zones=zones))
        if day == 16:
            self._tell("outer-1", CameraStanding.SUSPECT, "reads far too little")
        if day == 18:
            self._tell("outer-2", CameraStanding.REVOKED, "stolen")
        if day == DAYS - 1:
            self.ledger.end(TRANSPORT)

    def _tell(self, camera: str, standing: CameraStanding, reason: str) -> None:
        status = CameraStatus(
            camera_id=camera,
            zone="outer",
            identity=f"spiffe://test/camera/{camera}",
            signing_key=key(camera).public,
            standing=standing,
            reason=reason,
            made_at=self.ledger.now,
        )
        self.ledger.enter(status, OPERATOR)

    def _count(self) -> None:
        ledger = self.ledger
        for zone in ZONES:
            for number in range(2):
                counts = {list_id: self.accepted[zone, number, list_id] for list_id in LISTS.values()}
                ledger.camera(zone, number, **counts)
        for custodian in Custodian:
            ledger.evaluations(
                custodian,
                day_of(ledger.now),
                {POLICE: 300, EMISSIONS: 500},
                {(list_id, zone): 40_000 for list_id in LISTS.values() for zone in ZONES},
                searches=2 if custodian is Custodian.B else 0,
            )
        ledger.counts(
            *(
                RecordCount(
                    list_id=place[0],
                    zone=place[1],
                    received=self.received[place],
                    answered=self.received[place],
                    claimed=self.claimed[place],
                    erased_acknowledged=self.acknowledged[place],
                    erased_unclaimed=self.unclaimed[place],
                    erased_claimed=self.claimed[place] // 2,
                    open=self._open(place),
                )
                for place in sorted(self.received)
            )
        )
