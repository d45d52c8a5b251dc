"""Answers of the matcher: opened, claimed, stored, and only then acknowledged.

An answer to a list of stage KEEP holds retention tokens: a claim makes its read kept, hands over nothing, and only how many
were kept is stored. The order is the guarantee: an acknowledgement lets the matcher erase, so whatever the answer gave is durable here
first. A crash anywhere in between repeats the step: the same number gives the same bytes, a claim gives the same
record, a record is one hit. An answer to an upload whose key is not kept is passed over, and acknowledged only once the list
is uploaded anew, so that its reads are matched again before they may be erased; one that cannot be read never is.
Protocol section 5; docs/spec/owner.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from blindplate.client.owner.charging import keeping
from blindplate.client.owner.hits import Claimed, keep_hits
from blindplate.client.owner.segments import Segment, find_segment
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import answers
from blindplate.core.errors import (
    BlindplateError,
    CommitmentError,
    GoneError,
    MessageError,
    NotFoundError,
    StateError,
)
from blindplate.core.records.commitments import check_match
from blindplate.core.records.record import SealedRecord
from blindplate.core.retention import evidence_due
from blindplate.core.statements.uploads import Stage
from blindplate.edge.logs import log
from blindplate.edge.statuses import error_from, remote_errors
from blindplate.psi.owner import Opened, open_answer
from blindplate.v1 import answers_pb2 as v1
from blindplate.v1.answers_pb2_grpc import AnswersStub

_CALL_SECONDS: Final = 20.0
# Records with pictures are up to 64 KiB; a response holds 8 MiB.
_CLAIMS_A_CALL: Final = 64
# The largest integer of the store; one below, so that there is always one after the last taken.
_LAST_SEQUENCE: Final = (1 << 63) - 2


class Outcome(StrEnum):
    """What became of an answer."""

    OPENED = "opened"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


class Kept(StrEnum):
    """What a retention token gives: no record."""

    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that was dealt with, how many new hits it gave and how many reads it kept."""

    sequence: int
    outcome: Outcome
    hits: int
    kept: int = 0


def take_next(
    session: Session, wait_ms: int, kept_back: Callable[[Session], int] = lambda _session: 0
) -> Taken | None:
    """Deal with the next answer, waiting up to ``wait_ms`` for it; None when none came.

    ``kept_back`` tells, once the answer is stored, how many ``acknowledge_stored`` is to keep back. Raises
    UnavailableError and other typed errors of the matcher: the answer then comes again on the next call.
    """
    answer = _next(session, wait_ms)
    if answer is None:
        return None
    with session.store.reading() as connection:
        segment = find_segment(connection, answer.segment_id)
    outcome, matches = _open(segment, answer)
    got = _claim(session, segment, answer.sequence, matches) if segment and matches else []
    claimed = [one for one in got if isinstance(one, Claimed)]
    kept = len(got) - len(claimed)
    # One that comes after the days of its evidence is not stored: what was erased must not come back by a new answer.
    timely = [one for one in claimed if not _is_over(session, one)]
    with session.store.writing() as connection:
        row = {
            "sequence": answer.sequence,
            "segment_id": answer.segment_id,
            "outcome": outcome,
            "hits": len(claimed),
            "kept": kept,
            "received_at": session.now(),
            "acknowledged": False,
        }
        connection.execute(insert(answers).values(row))
        new = keep_hits(
            connection,
            timely,
            sequence=answer.sequence,
            segment_id=answer.segment_id,
            now=session.now(),
        )
    acknowledge_stored(session, kept_back(session))
    return Taken(answer.sequence, outcome, new, kept)


def acknowledge_stored(session: Session, kept_back: int = 0) -> None:
    """Acknowledge the answers whose hits are stored, also those left over from before a crash.

    All but the last ``kept_back``: the matcher erases unclaimed reads with the acknowledgement, and a version of the
    list that is still to be published may match them.
    """
    _acknowledge(session, Outcome.OPENED, kept_back)


def acknowledge_passed_over(session: Session) -> None:
    """Acknowledge answers to uploads whose keys are not kept. Only after the list was published."""
    _acknowledge(session, Outcome.UNKNOWN)


def forget_answers(connection: Connection, before: float) -> None:
    """Delete what is known of answers acknowledged and received ``before``, but for the last, which is counted on from."""
    last = select(func.max(answers.c.sequence)).scalar_subquery()
    old = (answers.c.acknowledged, answers.c.received_at < before, answers.c.sequence < last)
    keeping.note_forgotten(connection, *old)
    connection.execute(delete(answers).where(*old))


def ask_from_the_first(connection: Connection) -> None:
    """Forget which answers were taken. The matcher offers again what was not acknowledged; a hit stays one hit."""
    keeping.note_forgotten(connection, answers.c.acknowledged)
    connection.execute(delete(answers))


def _acknowledge(session: Session, outcome: Outcome, kept_back: int = 0) -> None:
    with session.store.reading() as connection:
        chosen = select(answers.c.sequence).where(
            answers.c.acknowledged.is_(False), answers.c.outcome == outcome
        )
        waiting = list(connection.execute(chosen.order_by(answers.c.sequence)).scalars())
    for sequence in waiting[: max(0, len(waiting) - kept_back)]:
        request = v1.AcknowledgeRequest(list_id=session.grant.list_id, sequence=sequence)
        with remote_errors("matcher"):
            _stub(session).Acknowledge(request, timeout=_CALL_SECONDS)
        with session.store.writing() as connection:
            done = update(answers).where(answers.c.sequence == sequence)
            connection.execute(done.values(acknowledged=True))


def _next(session: Session, wait_ms: int) -> v1.Answer | None:
    with session.store.reading() as connection:
        after = _last_sequence(connection)
    request = v1.NextRequest(list_id=session.grant.list_id, after=after, wait_ms=wait_ms)
    with remote_errors("matcher"):
        response = _stub(session).Next(request, timeout=_CALL_SECONDS + wait_ms / 1000)
    if not response.HasField("answer"):
        return None
    if response.answer.sequence <= after:
        raise MessageError("The matcher sent an answer that was taken before.", "Tell the operator.")
    if response.answer.sequence > _LAST_SEQUENCE:
        raise MessageError("The matcher sent an answer whose number is out of range.", "Tell the operator.")
    return response.answer


def _open(segment: Segment | None, answer: v1.Answer) -> tuple[Outcome, Sequence[Opened]]:
    if segment is None or segment.secret is None:
        log().warning("answer-unknown", sequence=answer.sequence)
        return Outcome.UNKNOWN, ()
    try:
        return Outcome.OPENED, open_answer(segment.secret, answer.body)
    except BlindplateError as error:
        log().error("answer-unreadable", sequence=answer.sequence, error=error)
        return Outcome.UNREADABLE, ()


def _claim(
    session: Session, segment: Segment, sequence: int, matches: Sequence[Opened]
) -> list[Claimed | Kept]:
    claimed: list[Claimed | Kept] = []
    for start in range(0, len(matches), _CLAIMS_A_CALL):
        asked = {match.slot: match.match_secret for match in matches[start : start + _CLAIMS_A_CALL]}
        request = v1.ClaimRequest(
            list_id=session.grant.list_id,
            sequence=sequence,
            claims=[v1.Claim(slot=slot, match_secret=secret) for slot, secret in asked.items()],
        )
        with remote_errors("matcher"):
            response = _stub(session).Claim(request, timeout=_CALL_SECONDS)
        if sorted(result.slot for result in response.results) != sorted(asked):
            raise MessageError("The matcher did not answer every claim once.", "Tell the operator.")
        for result in response.results:
            taken = _taken(session, segment, result, asked[result.slot])
            claimed += [taken] if taken else []
    return claimed


def _taken(
    session: Session, segment: Segment, result: v1.ClaimResult, secret: bytes
) -> Claimed | Kept | None:
    """What one claim gave; None, and a line in the log, for one that is refused for good or not what it must be."""
    try:
        if segment.stage is Stage.KEEP and result.kept and not result.HasField("record"):
            return Kept.KEPT
        if not result.HasField("record"):
            raise error_from(result.code, result.what, result.remedy)
        if segment.stage is Stage.KEEP:
            raise CommitmentError("A record was handed over while its day could still be paid for.")
        record = SealedRecord.from_proto(result.record)
        check_match(record, secret)
        header = record.header
        # Zone and generation may be of the grant before this one: its answers still come for a window.
        if header.domain.list_id != session.grant.list_id or header.epoch.index != segment.epoch_index:
            raise CommitmentError("A record handed over is of another list or epoch than its answer.")
    except StateError as error:
        if not isinstance(error, GoneError | NotFoundError):
            raise
        log().warning("claim-gone", slot=result.slot, error=error)
        return None
    except BlindplateError as error:
        # A matcher that forges answers learns from claims: each of these must be looked at.
        log().error("claim-alarm", slot=result.slot, error=error)
        return None
    return Claimed(result.slot, record, secret)


def _is_over(session: Session, claimed: Claimed) -> bool:
    captured_at, now = claimed.record.header.capture_time_ms / 1000, session.now()
    over = evidence_due(session.history, captured_at, now) <= now
    if over:
        log().warning("claim-late", slot=claimed.slot)
    return over


def _last_sequence(connection: Connection) -> int:
    return connection.execute(select(func.max(answers.c.sequence))).scalar() or 0


def _stub(session: Session) -> AnswersStub:
    return AnswersStub(session.matcher)
