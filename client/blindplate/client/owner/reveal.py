"""Revealing: a released record unsealed, its plate looked up on the list, and kept with the entry it is on.

Guarantees that a plate returned here is the one the camera's pseudonym was made of, recomputed through the
custodians (``unsealing``), and stands on the owner's own list, and that the ledger is told that the record was opened,
or did not open as it must. What was taken off the list is neither shown nor kept; what was never on it is an alarm,
since then the matcher or a camera has cheated, or the odds of the match have struck. Protocol sections 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select

from blindplate.client.owner import roster
from blindplate.client.owner.charging.lists import counts_for
from blindplate.client.owner.hits import HitState, SealedHit, find_hit, set_hit_state
from blindplate.client.owner.outcomes import enter_all, put_outcome
from blindplate.client.owner.release import follow
from blindplate.client.owner.requests import Reply, Request, Standing, forget_keys, keep_reply, latest_request
from blindplate.client.owner.roster import Entry
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import reveals
from blindplate.client.owner.unsealing import unseal
from blindplate.core.errors import (
    CommitmentError,
    ExpiredError,
    GoneError,
    MembershipError,
    NotFoundError,
    PendingError,
    PolicyError,
    SecurityError,
    ShareError,
)
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.statements.release_entries import Outcome
from blindplate.edge.logs import log
from blindplate.v1.records_pb2 import Payload


@dataclass(frozen=True, slots=True)
class Revealed:
    """A hit opened: what the record's payload disclosed, and the entry it is on, for the eye to compare.

    Times are seconds since 1970, UTC; ``entry_age`` is how long before the capture the vehicle was listed.
    Fields that the list's disclosure policy withholds are empty or None.
    """

    hit_id: int
    plate: CanonicalPlate = field(repr=False)
    text_as_read: str = field(repr=False)
    captured_at: float
    alternate: bool
    camera_id: str
    latitude: float | None
    longitude: float | None
    direction: str
    confidence: float | None
    plate_patch: bytes = field(repr=False)
    plate_patch_type: str
    vehicle_make: str
    vehicle_model: str
    vehicle_colour: str
    entry: Entry
    revealed_at: float

    @property
    def entry_age(self) -> float:
        """Seconds from listing to capture."""
        return self.captured_at - self.entry.listed_at


def reveal_hit(session: Session, hit_id: int) -> Revealed:
    """Open a hit whose release both custodians approved; one revealed before is read back.

    Raises NotFoundError when there is no such hit or no request for it, PendingError, PolicyError or ExpiredError
    as the custodians decided; ShareError naming a custodian, CommitmentError when a camera sealed another plate,
    or the name of another camera or another time than it gave the custodians,
    MembershipError when the plate is not on the list, GoneError when it was taken off.
    """
    with session.store.reading() as connection:
        sealed = find_hit(connection, hit_id)
        request = latest_request(connection, hit_id)
        kept = revealed_before(connection, hit_id)
        if kept is not None:
            return kept
    if request is None:
        raise NotFoundError(f"Nobody has asked to release hit {hit_id}.", "Ask with `release request`.")
    request = follow(session, request)
    _require_approved(request)
    try:
        payload = unseal(session, sealed, request)
        entry = _own_entry(session, payload)
    except ShareError as error:
        # Its answer is not to be used again: the next attempt asks for it anew.
        again = Reply(Custodian(error.custodian), Standing.PENDING)
        with session.store.writing() as connection:
            keep_reply(connection, request.request_id, again)
        log().error("share-alarm", hit=hit_id, custodian=error.custodian)
        raise
    except (CommitmentError, MembershipError, GoneError) as error:
        # What was taken off was opened all the same, even if nobody saw it.
        gone = isinstance(error, GoneError)
        state, outcome = (HitState.REMOVED, Outcome.OPENED) if gone else (HitState.ALARMED, Outcome.FAILED)
        with session.store.writing() as connection:
            set_hit_state(connection, hit_id, state)
            put_outcome(connection, session, request.request_id, outcome)
            forget_keys(connection, request.request_id)
        if isinstance(error, SecurityError):
            log().error("reveal-alarm", hit=hit_id, error=error)
        raise
    return _kept(session, sealed, request, payload, entry)


def revealed_before(connection: Connection, hit_id: int) -> Revealed | None:
    """What a hit gave when it was revealed; None when it was not. Raises NotFoundError when there is no such hit."""
    sealed = find_hit(connection, hit_id)
    row = connection.execute(select(reveals).where(reveals.c.hit_id == hit_id)).first()
    if row is None:
        return None
    kept = Payload.FromString(row.payload)
    return _revealed(sealed, kept, roster.entry(connection, row.entry_id), row.revealed_at)


def judge_hit(session: Session, hit_id: int, outcome: Outcome) -> None:
    """Enter what came of a revealed hit, once somebody looked: confirmed, misread, not the vehicle sought.

    The last word counts. Raises NotFoundError for an unknown hit, PolicyError for one that was not revealed,
    UnavailableError when the ledger does not answer: it is then entered later.
    """
    with session.store.writing() as connection:
        sealed, request = find_hit(connection, hit_id), latest_request(connection, hit_id)
        if request is None or sealed.hit.state is not HitState.REVEALED:
            raise PolicyError(
                f"Hit {hit_id} has not been revealed.", "Reveal it, look, and say what came of it."
            )
        put_outcome(connection, session, request.request_id, outcome)
    enter_all(session)


def _require_approved(request: Request) -> None:
    """Raises what the custodian that has not approved says."""
    named = {reply.standing: reply for reply in reversed(request.replies)}
    match request.standing:
        case Standing.APPROVED:
            return
        case Standing.DENIED:
            reply = named[Standing.DENIED]
            raise PolicyError(
                f"Custodian {reply.custodian.name} refused the release ({reply.code}): {reply.reason}",
                "Ask that custodian what is missing; a new request may then be made.",
            )
        case Standing.EXPIRED:
            raise ExpiredError("The request expired before it was decided.", "Make a new one.")
        case Standing.UNREACHED:
            raise PendingError(
                f"Custodian {named[Standing.UNREACHED].custodian.name} has not been reached, or the ledger's entry of "
                "the request is not witnessed by both.",
                "Try again later.",
            )
        case Standing.PENDING:
            name = named[Standing.PENDING].custodian.name
            raise PendingError(f"Custodian {name} has not decided yet.", "Try again later.")


def _own_entry(session: Session, payload: Payload) -> Entry:
    with session.store.reading() as connection:
        entry = roster.find_entry(connection, payload.plate)
    if entry is None:
        raise MembershipError(
            "A released record is of a vehicle that is not on this list.",
            "Nothing of it is kept. Tell the operator and both custodians: a matcher that forges answers, or a"
            " camera that seals false pseudonyms, shows in this way.",
        )
    if session.grant.charging is not None:
        # What is owed for a day is owed whatever became of the entry by its date since.
        counts = counts_for(entry, roster.london_day(payload.capture_time_ms / 1000))
    else:
        # It may be over before the next run takes it off.
        over = entry.details.is_over(roster.london_day(session.now()))
        counts = entry.removed_at is None and not over
    if not counts:
        raise GoneError("The record is of a vehicle that was taken off the list; nothing of it is kept.")
    return entry


def _kept(session: Session, sealed: SealedHit, request: Request, payload: Payload, entry: Entry) -> Revealed:
    now, hit_id = session.now(), sealed.hit.hit_id
    row = {
        "hit_id": hit_id,
        "entry_id": entry.entry_id,
        "payload": payload.SerializeToString(),
        "revealed_at": now,
    }
    with session.store.writing() as connection:
        new = connection.execute(insert(reveals).prefix_with("OR IGNORE").values(row)).rowcount
        if new:
            put_outcome(connection, session, request.request_id, Outcome.OPENED)
        set_hit_state(connection, hit_id, HitState.REVEALED)
        forget_keys(connection, request.request_id)
    return _revealed(sealed, payload, entry, now)


def _revealed(sealed: SealedHit, payload: Payload, entry: Entry, revealed_at: float) -> Revealed:
    return Revealed(
        hit_id=sealed.hit.hit_id,
        plate=CanonicalPlate.decode(payload.plate),
        text_as_read=payload.text_as_read,
        captured_at=payload.capture_time_ms / 1000,
        alternate=sealed.hit.alternate,
        camera_id=payload.camera_id,
        latitude=payload.latitude if payload.HasField("latitude") else None,
        longitude=payload.longitude if payload.HasField("longitude") else None,
        direction=payload.direction,
        confidence=payload.confidence if payload.HasField("confidence") else None,
        plate_patch=payload.plate_patch,
        plate_patch_type=payload.plate_patch_type,
        vehicle_make=payload.vehicle_make,
        vehicle_model=payload.vehicle_model,
        vehicle_colour=payload.vehicle_colour,
        entry=entry,
        revealed_at=revealed_at,
    )
