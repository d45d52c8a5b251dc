"""Asking both custodians for a release, and following what they decide.

Guarantees that a request is stored whole before anything of it leaves, that its entry stands in the ledger, witnessed by
both custodians, before either is handed the request, that the same request is handed in again after an interruption
instead of a new one. A custodian that does not answer, or has not read the entry yet, keeps the other from nothing: it
is asked again. What a request says is ``asking``'s, what counts as a custodian's word ``handing``'s. Protocol section
6, guarantee G6.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from blindplate.client.owner.asking import Reason, new_request
from blindplate.client.owner.candidates import candidates_of, is_settled
from blindplate.client.owner.handing import ask_custodian
from blindplate.client.owner.hits import HitState, SealedHit, find_hit, set_hit_state
from blindplate.client.owner.requests import (
    Reply,
    Request,
    Standing,
    candidates_with,
    keep_reply,
    keep_request,
    latest_request,
    set_request_entered,
)
from blindplate.client.owner.session import Session
from blindplate.core.errors import (
    BlindplateError,
    GoneError,
    MembershipError,
    NotFoundError,
    PolicyError,
    StateError,
    UnavailableError,
    UnwitnessedError,
)
from blindplate.core.statements.purposes import Purpose
from blindplate.edge.logs import log

# How long a person is made to wait for what takes a second or two: the entry witnessed, and read by custodians.
PATIENCE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.2
_DECIDED: Final = frozenset({Standing.APPROVED, Standing.DENIED, Standing.EXPIRED})


def request_release(
    session: Session,
    hit_id: int,
    purpose: Purpose,
    case_reference: str,
    *,
    automatic: bool = False,
    emergency: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Request:
    """Ask both custodians to release a hit; gives where the request stands at each.

    The same purpose and case again hand in the same request again while it is open; an emergency is another request.
    Waits up to ``patience`` seconds for the request's entry to be witnessed. Raises NotFoundError for an unknown hit,
    PolicyError when another request for it is open, when it is revealed already, or for an emergency where the grant
    has none, MembershipError for a hit that can be of no entry of the list, UnavailableError when the ledger does
    not answer (the request is kept and handed in later), or what a custodian answered.
    """
    reason = Reason(purpose, case_reference, automatic=automatic, emergency=emergency)
    with session.store.reading() as connection:
        sealed = find_hit(connection, hit_id)
        found = _open_request(session, sealed, latest_request(connection, hit_id), reason)
    return follow(session, found or _ask_anew(session, sealed, reason), patience)


def request_releases(session: Session, hit_ids: Sequence[int], reason: Reason) -> int:
    """Make requests for many hits, and enter them in the ledger together; gives how many. ``follow`` hands them in.

    A hit that another request is open for is passed over, as is, with a line in the log, one that cannot be asked for;
    one for which what it takes is kept no longer is denied. Raises UnavailableError when the ledger does not answer: then
    they are entered later, as those of a batch that it refuses are, one by one.
    """
    made: list[Request] = []
    for hit_id in hit_ids:
        try:
            with session.store.reading() as connection:
                sealed = find_hit(connection, hit_id)
                found = _open_request(session, sealed, latest_request(connection, hit_id), reason)
            made.append(found or _ask_anew(session, sealed, reason))
        except (GoneError, NotFoundError) as error:
            # What it takes to ask is kept no longer, and never will be again.
            log().warning("release-impossible", hit=hit_id, error=error)
            with session.store.writing() as connection:
                set_hit_state(connection, hit_id, HitState.DENIED)
        except StateError:
            raise
        except BlindplateError as error:
            # One hit must not keep the others waiting.
            log().warning("release-refused", hit=hit_id, error=error)
    fresh = [request for request in made if request.ledger_index is None]
    try:
        indices = session.ledger.enter_together([request.entry for request in fresh])
    except StateError:
        raise
    except BlindplateError as error:
        log().warning("requests-refused", count=len(fresh), error=error)
        return len(made)
    with session.store.writing() as connection:
        for request, index in zip(fresh, indices, strict=True):
            set_request_entered(connection, request.request_id, index)
    return len(made)


def follow(session: Session, request: Request, patience: float = 0.0) -> Request:
    """Ask each custodian that has not decided where the request stands, handing it in where it is unknown.

    What has to be witnessed first, or read by a custodian, is waited for up to ``patience`` seconds. Raises
    UnavailableError when the ledger does not answer, or what a custodian answered.
    """
    until = time.monotonic() + patience
    while True:
        request, early = _follow_once(session, request)
        if not early or time.monotonic() >= until:
            return request
        time.sleep(_LOOK_SECONDS)


def _open_request(
    session: Session, sealed: SealedHit, found: Request | None, reason: Reason
) -> Request | None:
    """The open request for the same reason, None when one may be made. Raises PolicyError otherwise."""
    hit = sealed.hit
    if hit.state in (HitState.REVEALED, HitState.ALARMED):
        raise PolicyError(f"Hit {hit.hit_id} is {hit.state} already.", "Look at what it gave.")
    if found is None or _is_closed(found, session.now()):
        return None
    if reason.is_that_of(found):
        return found
    if reason.emergency and not found.emergency:
        return None
    raise PolicyError(
        f"Another request for hit {hit.hit_id} is open.", "Wait until it is decided or has expired."
    )


def _ask_anew(session: Session, sealed: SealedHit, reason: Reason) -> Request:
    if reason.emergency and not session.grant.release.emergency:
        raise PolicyError(
            f"Grant {session.grant.grant_id} allows no release without approval.",
            "Ask without --emergency.",
        )
    hit_id = sealed.hit.hit_id
    try:
        candidates = candidates_of(session, sealed)
    except MembershipError as error:
        log().error("membership-alarm", hit=hit_id, error=error)
        with session.store.writing() as connection:
            set_hit_state(connection, hit_id, HitState.ALARMED)
        raise
    made = new_request(session, sealed, candidates, reason)
    with session.store.writing() as connection:
        # Another process may have asked for the same meanwhile.
        sealed = find_hit(connection, hit_id)
        found = _open_request(session, sealed, latest_request(connection, hit_id), reason)
        if found is None:
            keep_request(connection, made, candidates)
            set_hit_state(connection, hit_id, HitState.REQUESTED)
    return found or made


def _follow_once(session: Session, request: Request) -> tuple[Request, bool]:
    """Where the request stands now, and whether somebody is only waiting for the ledger."""
    early = False
    if any(reply.standing is Standing.UNREACHED for reply in request.replies):
        request, witnessed = _entered(session, request)
        if not witnessed:
            return request, True
    replies: list[Reply] = []
    for reply in request.replies:
        try:
            replies.append(reply if reply.standing in _DECIDED else ask_custodian(session, request, reply))
        except UnavailableError:
            replies.append(reply)
        except UnwitnessedError:
            # It has not read as far as this owner has.
            replies.append(reply)
            early = True
    followed = replace(request, replies=(replies[0], replies[1]))
    if followed.replies != request.replies:
        _keep(session, followed)
    return followed, early


def _entered(session: Session, request: Request) -> tuple[Request, bool]:
    """The request with its entry in the ledger, and whether both custodians have witnessed that."""
    index = request.ledger_index
    if index is None:
        index = session.ledger.enter(request.entry)
        with session.store.writing() as connection:
            set_request_entered(connection, request.request_id, index)
    entered = replace(request, ledger_index=index)
    try:
        session.ledger.require_witnessed(index)
    except UnwitnessedError:
        return entered, False
    return entered, True


def _keep(session: Session, request: Request) -> None:
    with session.store.writing() as connection:
        for reply in request.replies:
            keep_reply(connection, request.request_id, reply)
        if request.standing not in (Standing.DENIED, Standing.EXPIRED):
            return
        set_hit_state(connection, request.hit_id, HitState.DENIED)
        refused = [reply for reply in request.replies if reply.code == MembershipError.code]
        candidates = candidates_with(connection, request.request_id)
    if refused and is_settled(candidates):
        log().error("membership-alarm", hit=request.hit_id, custodian=refused[0].custodian.value)


def _is_closed(request: Request, now: float) -> bool:
    return request.standing in (Standing.DENIED, Standing.EXPIRED) or request.expires_at <= now
