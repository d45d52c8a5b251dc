"""The Answers service: masked answers out, claims in, acknowledgements in.

Translates only: the rules are in ``lifecycle``. Guarantees that an answer goes to an owner of its list alone, once its
batch stands in the ledger and while a grant is in force (what went out may be claimed and acknowledged later), that a
record is handed over only against the match secret it commits to, that a retention token hands nothing over, that a claim without it gets the same refusal, in
the same time, whether its slot holds a read, held one, or is a dummy, and that every refused claim is counted.
Protocol sections 5 and 8, guarantee G3.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import grpc
from sqlalchemy import Connection

from blindplate.core.errors import BlindplateError, GoneError, MatchProofError, MessageError, OverloadedError
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.wire import MATCH_SECRET_BYTES
from blindplate.core.statements.uploads import Stage
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.matcher import answers_store, counts_store, media_store, openings, records_store
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.keeping import Keeping, Shown
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.media import wanted_of
from blindplate.server.matcher.metrics import RECORDS, REFUSED_CLAIMS
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.turns import Turns
from blindplate.v1 import answers_pb2 as v1
from blindplate.v1 import answers_pb2_grpc

ACCESS: Final[Access] = {
    "/blindplate.v1.Answers/Next": frozenset({Role.OWNER}),
    "/blindplate.v1.Answers/Claim": frozenset({Role.OWNER}),
    "/blindplate.v1.Answers/Acknowledge": frozenset({Role.OWNER}),
}
MAX_CLAIMS: Final = 1_000
_MAX_WAIT_MS: Final = 10_000
# Below the largest message, with room for the rest of the response.
_MAX_RESPONSE_BYTES: Final = 6 << 20
# A waiting call holds a thread.
_WAITING_AT_ONCE: Final = 12
_WAITING_EACH: Final = 2
# How often a waiting call looks whether its client is still there.
_LOOK_SECONDS: Final = 1.0
_Context = grpc.ServicerContext
# What a claim hears whose secret opens nothing. Were an occupied slot told from an empty one, an owner could claim
# every slot of a vehicle's bin and so learn of reads that its list does not match.
_NOTHING: Final = GoneError(
    "That secret opens no record in that slot: it was erased meanwhile, or the claim is of something else."
)


@dataclass(frozen=True, slots=True)
class AnswersServicer(answers_pb2_grpc.AnswersServicer):
    """Serves the owners that grants name."""

    database: Database
    ledger: FollowedLedger
    secrets: MatchSecrets
    keeping: Keeping
    bell: Bell
    clock: Clock
    waiting: Turns = field(default_factory=lambda: Turns(_WAITING_AT_ONCE, _WAITING_EACH))

    def Next(self, request: v1.NextRequest, context: _Context) -> v1.NextResponse:  # noqa: N802  gRPC's name
        """The oldest answer after a number, waiting for one if asked to."""
        if not request.wait_ms:
            return self._next(request)
        with self.waiting.one_of(caller().spiffe_id):
            until = time.monotonic() + min(request.wait_ms, _MAX_WAIT_MS) / 1000
            while True:
                rings = self.bell.rings
                response = self._next(request)
                left = until - time.monotonic()
                if response.HasField("answer") or left <= 0 or not context.is_active():
                    return response
                self.bell.wait_beyond(rings, min(left, _LOOK_SECONDS))

    def Claim(self, request: v1.ClaimRequest, context: _Context) -> v1.ClaimResponse:  # noqa: N802  gRPC's name
        """Hand over the records whose match secrets are shown; keep those whose retention tokens are."""
        del context
        settled = self._settled(request.list_id)
        slots = [claim.slot for claim in request.claims]
        if len(slots) > MAX_CLAIMS or len(set(slots)) != len(slots):
            raise MessageError(
                f"More than {MAX_CLAIMS} claims at once, or two of one slot.", "Send fewer claims at once."
            )
        with self.database.read() as connection:
            table = answers_store.open_slots(connection, request.list_id, settled, request.sequence)
            stage = answers_store.stage_of(connection, request.list_id, request.sequence)
            refused = _refused(request.claims, table, stage)
            shown = [slot for slot in slots if slot not in refused]
            # Nothing is handed over for a token.
            proven_slots = [] if stage is Stage.KEEP else shown
            found = records_store.in_slots(connection, request.list_id, request.sequence, proven_slots)
        if stage is Stage.KEEP:
            return self._kept(request, settled, shown, refused)
        outcomes = refused | _handed_over(shown, found)
        proven = [slot for slot, outcome in outcomes.items() if isinstance(outcome, SealedRecord)]
        now_ms, grants = int(self.clock.now() * 1000), self.ledger.current

        def claim(connection: Connection) -> dict[int, int]:
            counts_store.add_refused_claims(connection, len(refused))
            numbers = answers_store.claim(
                connection, request.list_id, settled, request.sequence, proven, now_ms
            )
            media_store.want(connection, wanted_of(request.claims, found, numbers, grants))
            return numbers

        numbers = self.database.write(claim)
        self.secrets.forget(numbers.values())
        RECORDS.labels("claimed").inc(len(numbers))
        return v1.ClaimResponse(
            results=[self._result(request.list_id, slot, outcomes[slot], numbers) for slot in slots]
        )

    def _kept(
        self,
        request: v1.ClaimRequest,
        settled: frozenset[str],
        shown: Sequence[int],
        refused: Mapping[int, SealedRecord | BlindplateError],
    ) -> v1.ClaimResponse:
        self.keeping.keep(Shown(request.list_id, settled, request.sequence, shown, len(refused)))
        return v1.ClaimResponse(
            results=[
                # The same for a read that was folded into another, now or before: else its owner could tell.
                self._result(request.list_id, claim.slot, refused[claim.slot], {})
                if claim.slot in refused
                else v1.ClaimResult(slot=claim.slot, kept=True)
                for claim in request.claims
            ]
        )

    def Acknowledge(self, request: v1.AcknowledgeRequest, context: _Context) -> v1.AcknowledgeResponse:  # noqa: N802  gRPC's name
        """Erase what of an answer was not claimed, as far as no other answer or segment may need it."""
        del context
        settled = self._settled(request.list_id)
        now_ms = int(self.clock.now() * 1000)
        erased = self.database.write(
            lambda connection: answers_store.acknowledge(
                connection, request.list_id, settled, request.sequence, now_ms
            )
        )
        self.secrets.forget(erased)
        RECORDS.labels("erased").inc(len(erased))
        return v1.AcknowledgeResponse()

    def _settled(self, list_id: str) -> frozenset[str]:
        return self.ledger.current.settled(list_id, caller().spiffe_id)

    def _next(self, request: v1.NextRequest) -> v1.NextResponse:
        owned = self.ledger.current.owned(request.list_id, caller().spiffe_id, self.clock.now())
        with self.database.read() as connection:
            answer = answers_store.following(connection, request.list_id, owned, request.after)
        if answer is None:
            return v1.NextResponse()
        return v1.NextResponse(
            answer=v1.Answer(sequence=answer.sequence, segment_id=answer.segment_id, body=answer.body)
        )

    @staticmethod
    def _result(
        list_id: str, slot: int, outcome: SealedRecord | BlindplateError, numbers: Mapping[int, int]
    ) -> v1.ClaimResult:
        if isinstance(outcome, SealedRecord):
            if slot in numbers:
                return v1.ClaimResult(slot=slot, record=outcome.to_proto())
            outcome = GoneError("The record was erased while it was claimed.")
        REFUSED_CLAIMS.labels(list_id, outcome.code).inc()
        log().warning("claim-refused", list=list_id, code=outcome.code)
        told = _NOTHING if isinstance(outcome, GoneError | MatchProofError) else outcome
        return v1.ClaimResult(slot=slot, code=told.code, what=told.what, remedy=told.remedy)


def _refused(
    claims: Sequence[v1.Claim], table: bytes, stage: Stage
) -> dict[int, SealedRecord | BlindplateError]:
    """The claims whose secrets, or tokens, open nothing. Which slots hold reads is not looked up for them."""
    refused: dict[int, SealedRecord | BlindplateError] = {}
    for claim in claims:
        try:
            if len(claim.match_secret) != MATCH_SECRET_BYTES:
                raise MessageError(f"A match secret is not {MATCH_SECRET_BYTES} bytes long.")
            check = openings.check_token if stage is Stage.KEEP else openings.check
            check(table, claim.slot, claim.match_secret)
        except BlindplateError as error:
            refused[claim.slot] = error
    return refused


def _handed_over(
    shown: Sequence[int], found: Mapping[int, SealedRecord]
) -> dict[int, SealedRecord | BlindplateError]:
    """The records of slots whose secrets were shown, as many as a response has room for."""
    outcomes: dict[int, SealedRecord | BlindplateError] = {}
    size = 0
    for slot in shown:
        record = found.get(slot)
        if record is None:
            outcomes[slot] = GoneError("The record in that slot was erased.")
            continue
        size += len(record.to_bytes())
        outcomes[slot] = (
            record
            if size <= _MAX_RESPONSE_BYTES
            else OverloadedError(
                "The response has no room for that record.", "Claim it again, with fewer others."
            )
        )
    return outcomes
