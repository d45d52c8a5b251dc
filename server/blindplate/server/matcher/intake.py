"""The Intake service: window keys out, sealed records in.

Translates only: ``admission`` judges, ``records_store`` takes. Guarantees that one bad record stops no other, that
every refusal carries its typed error, is counted and is logged without content, and that what is acknowledged as
accepted is durable. Protocol section 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
from sqlalchemy import Connection

from blindplate.core.errors import BlindplateError, MessageError, ReplayError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.limits import Rate, RateLimiter
from blindplate.server.matcher import records_store
from blindplate.server.matcher.admission import Judged, judge
from blindplate.server.matcher.backlog import Backlog
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.metrics import RECORDS, REFUSED_RECORDS
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.window_keys import WindowKeys
from blindplate.v1 import intake_pb2 as v1
from blindplate.v1 import intake_pb2_grpc

MAX_WIRES: Final = 500
ACCESS: Final[Access] = {
    "/blindplate.v1.Intake/WindowKeys": frozenset({Role.CAMERA}),
    "/blindplate.v1.Intake/Submit": frozenset({Role.CAMERA}),
}
_Context = grpc.ServicerContext


@dataclass(frozen=True, slots=True)
class IntakeServicer(intake_pb2_grpc.IntakeServicer):
    """Takes records from the cameras that the registers name."""

    database: Database
    ledger: FollowedLedger
    window_keys: WindowKeys
    secrets: MatchSecrets
    backlog: Backlog
    limiter: RateLimiter
    rate: Rate
    clock: Clock

    def WindowKeys(self, request: v1.WindowKeysRequest, context: _Context) -> v1.WindowKeysResponse:  # noqa: N802  gRPC's name
        """The announced keys in force or to come, the newest last."""
        del request, context
        announced = self.window_keys.announcements(self.clock.now())
        return v1.WindowKeysResponse(statements=[statement.to_proto() for statement in announced])

    def Submit(self, request: v1.SubmitRequest, context: _Context) -> v1.SubmitResponse:  # noqa: N802  gRPC's name
        """Take what may be taken, and say of each record what became of it."""
        del context
        if len(request.wires) > MAX_WIRES:
            raise MessageError(f"A submission holds more than {MAX_WIRES} records.", "Send fewer at once.")
        camera = caller()
        self.limiter.take(camera.spiffe_id, len(request.wires), self.rate)
        self.database.require_room()
        with self.backlog.taking() as one_of:
            outcomes = self._take(request, camera.spiffe_id, one_of)
        _report(camera.name, outcomes)
        return v1.SubmitResponse(
            receipts=[
                _receipt(wire.record.header.record_id, outcome)
                for wire, outcome in zip(request.wires, outcomes, strict=True)
            ]
        )

    def _take(
        self, request: v1.SubmitRequest, camera_identity: str, one_of: Callable[[str], None]
    ) -> list[BlindplateError | None]:
        now, grants = self.clock.now(), self.ledger.current
        outcomes: list[BlindplateError | None] = []
        judged: list[tuple[int, Judged]] = []
        for place, wire in enumerate(request.wires):
            outcomes.append(None)
            try:
                one = judge(wire, camera_identity, grants, self.window_keys, now)
                one_of(one.admitted.wire.record.header.domain.list_id)
                judged.append((place, one))
            except BlindplateError as error:
                outcomes[place] = error
        if not judged:
            return outcomes
        for (place, _), outcome in zip(judged, self._taken([one for _, one in judged], now), strict=True):
            if isinstance(outcome, BlindplateError):
                outcomes[place] = outcome
            elif outcome is not None:
                RECORDS.labels("received").inc()
        return outcomes

    def _taken(self, judged: Sequence[Judged], now: float) -> list[int | ReplayError | None]:
        put: list[int] = []

        def take(connection: Connection) -> list[int | ReplayError | None]:
            taken = records_store.take(connection, [one.admitted for one in judged], int(now * 1000))
            # Before the commit: later, the read might be claimed and its secret forgotten before it is put here.
            for one, outcome in zip(judged, taken, strict=True):
                if isinstance(outcome, int):
                    self.secrets.put(outcome, one.pair)
                    put.append(outcome)
            return taken

        try:
            return self.database.write(take)
        except BaseException:
            self.secrets.forget(put)
            raise


def _receipt(record_id: bytes, refusal: BlindplateError | None) -> v1.Receipt:
    if refusal is None:
        return v1.Receipt(record_id=record_id, acceptance=v1.ACCEPTANCE_ACCEPTED)
    return v1.Receipt(
        record_id=record_id,
        acceptance=v1.ACCEPTANCE_REFUSED,
        code=refusal.code,
        what=refusal.what,
        remedy=refusal.remedy,
    )


def _report(camera: str, outcomes: list[BlindplateError | None]) -> None:
    refused = Counter(outcome.code for outcome in outcomes if outcome is not None)
    for code, number in refused.items():
        REFUSED_RECORDS.labels(code).inc(number)
    if refused:
        log().warning("records-refused", camera=camera, codes=dict(refused))
