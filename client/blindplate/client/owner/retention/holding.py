"""Legal holds: a hit kept beyond its days, for as long as the public ledger says.

Guarantees that a hold stands in the ledger before anything is kept for it, that only what was asked for under the grant,
and so was claimed, can be held, and that a hold keeps no hit whose time is over already. Nobody else keeps anything for a
hold: what custodians and matcher destroy in their time, release keys above all, is gone all the same. Specified in
docs/spec/owner.md section 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from blindplate.client.owner.hits import HitState, find_hit
from blindplate.client.owner.requests import all_requests
from blindplate.client.owner.retention.tables import holds
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits
from blindplate.core.errors import GoneError, PolicyError
from blindplate.core.retention import DAY_SECONDS, evidence_due
from blindplate.core.statements.holds import MAX_HOLD_DAYS, HoldEnd, HoldReason, LegalHold


@dataclass(frozen=True, slots=True)
class Held:
    """A hit and the last hold of it, over or not. Times are seconds since 1970, UTC."""

    hit_id: int
    state: HitState
    request_id: bytes
    reason: HoldReason
    until: float
    made_at: int
    ledger_index: int


def hold(session: Session, hit_id: int, reason: HoldReason, lawful_basis: str, days: int) -> Held:
    """Have a hit held for ``days`` (1 to 366) from now; a later hold takes the place of an earlier one.

    Raises NotFoundError for an unknown hit, PolicyError for one whose release was never asked for, or for a hold that is
    none, GoneError for one that
    is to be erased already, UnavailableError when the ledger does not answer: then nothing is held.
    """
    # The hit must not be erased while its hold is being entered.
    with session.store.erasing():
        now = session.now()
        with session.store.reading() as connection:
            sealed = find_hit(connection, hit_id)
            last = _held(connection, hit_id)
            request_id = last.request_id if last else _entered_request(connection, hit_id)
        if evidence_due(session.history, sealed.hit.captured_at, now) <= now and not (
            last and last.until > now
        ):
            raise GoneError(f"Hit {hit_id} is to be erased already: its time is over.")
        made_at = _made_at(session, request_id)
        try:
            statement = LegalHold(
                grant_id=session.grant.grant_id,
                request_id=request_id,
                reason=reason,
                lawful_basis=lawful_basis,
                until=made_at + DAY_SECONDS * days,
                made_at=made_at,
            )
        except ValidationError:
            raise PolicyError(
                f"A hold is for 1 to {MAX_HOLD_DAYS} days and names its lawful basis in one line.",
                "A longer one is renewed before it has run out.",
            ) from None
        index = session.ledger.enter(statement.statement(session.signing_key))
        with session.store.writing() as connection:
            row = {
                "request_id": request_id,
                "until": float(statement.until),
                "reason": reason,
                "made_at": made_at,
                "ledger_index": index,
            }
            put = upsert(holds).values(hit_id=hit_id, **row)
            connection.execute(put.on_conflict_do_update(index_elements=["hit_id"], set_=row))
    return Held(hit_id, sealed.hit.state, request_id, reason, statement.until, made_at, index)


def end_hold(session: Session, hit_id: int) -> Held:
    """End the hold of a hit now. Raises PolicyError when none stands, UnavailableError when the ledger does not answer."""
    with session.store.erasing():
        with session.store.reading() as connection:
            last = _held(connection, hit_id)
        if last is None or last.until <= session.now():
            raise PolicyError(f"Hit {hit_id} is not held.", "List the holds with `release holds`.")
        made_at = _made_at(session, last.request_id)
        statement = HoldEnd(grant_id=session.grant.grant_id, request_id=last.request_id, made_at=made_at)
        index = session.ledger.enter(statement.statement(session.signing_key))
        with session.store.writing() as connection:
            ended = {"until": min(last.until, float(made_at)), "made_at": made_at, "ledger_index": index}
            connection.execute(holds.update().where(holds.c.hit_id == hit_id).values(ended))
    return Held(hit_id, last.state, last.request_id, last.reason, ended["until"], made_at, index)


def all_holds(connection: Connection) -> list[Held]:
    """Every hit that is held, or was and is not erased yet, by number."""
    return list(_rows(connection))


def _held(connection: Connection, hit_id: int) -> Held | None:
    return next((one for one in _rows(connection) if one.hit_id == hit_id), None)


def _rows(connection: Connection) -> Iterable[Held]:
    chosen = select(holds, hits.c.state).join(hits, hits.c.hit_id == holds.c.hit_id)
    for row in connection.execute(chosen.order_by(holds.c.hit_id)):
        yield Held(
            row.hit_id,
            HitState(row.state),
            row.request_id,
            HoldReason(row.reason),
            row.until,
            row.made_at,
            row.ledger_index,
        )


def _entered_request(connection: Connection, hit_id: int) -> bytes:
    entered = [
        one.request_id
        for one in all_requests(connection)
        if one.hit_id == hit_id and one.ledger_index is not None
    ]
    if not entered:
        raise PolicyError(
            f"The release of hit {hit_id} was not asked for, so it cannot be held.",
            "Ask for its release first: a hold names the request's entry in the ledger.",
        )
    return entered[-1]


def _made_at(session: Session, request_id: bytes) -> int:
    """Now, in whole seconds, and after whatever was entered of the request's holds: the ledger takes them in order."""
    last = session.ledger.state.holds.get(request_id)
    return max(int(session.now()), 0 if last is None else last.changed_at + 1)
