"""Standing authorisation: asks for the release of hits by itself, where grant and settings allow it.

Guarantees that an alternate reading is never asked for, nor a hit that can only be of entries whose priority the
grant's standing authorisation does not name, that a hit is asked for once, and that what was asked for by
anyone reaches both custodians however often something stops in between. What a custodian refuses stays refused until a
person asks. Protocol sections 2 and 6.
"""

from __future__ import annotations

from typing import Final

from blindplate.client.owner.candidates import may_be_of
from blindplate.client.owner.hits import HitState, find_hit, sealed_hits, set_hit_state
from blindplate.client.owner.release import follow, request_release
from blindplate.client.owner.requests import unfinished
from blindplate.client.owner.session import Session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import BlindplateError, GoneError, NotFoundError, SettingsError, StateError
from blindplate.core.statements.grants import Grant, ReleaseMode
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from blindplate.edge.logs import log

# A custodian takes 20 new requests a second from one owner; one round a second stays below it.
_ASKED_AT_ONCE: Final = 16
_REFUSED_SECONDS: Final = 60.0


def standing_purpose(settings: OwnerSettings, grant: Grant) -> Purpose | None:
    """What the daemon asks for by itself; None when the settings do not want it or the grant does not allow it."""
    policy = grant.release
    if not settings.automatic_release:
        return None
    if policy.mode is ReleaseMode.AUTOMATIC:
        return Purpose.UNPAID_CHARGE
    if policy.standing is not None and settings.standing_purpose in policy.standing.purposes:
        return settings.standing_purpose
    return None


def require_allowed(session: Session) -> None:
    """Raise SettingsError when the settings want automatic release and the grant has none, or for other purposes."""
    if session.settings.automatic_release and standing_purpose(session.settings, session.grant) is None:
        raise SettingsError(
            f"Grant {session.grant.grant_id} has no automatic release, or none for the purpose in the settings.",
            "Set automatic_release to false, or standing_purpose to one that the grant's standing authorisation names.",
        )


class SeeingThrough:
    """Hands in what has not reached both custodians, and asks again about what the daemon asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # When a request that was refused without a decision is worth another attempt.
        self._again: dict[bytes, float] = {}

    def step(self) -> None:
        """Ask about each once. Raises StateError when a custodian or the ledger cannot answer now."""
        session, now = self._session, self._session.now()
        with session.store.reading() as connection:
            open_requests = unfinished(connection, now)
        for request in open_requests:
            if self._again.get(request.request_id, now) > now:
                continue
            try:
                follow(session, request)
            except StateError:
                raise
            except BlindplateError as error:
                log().warning("release-refused", hit=request.hit_id, error=error)
                self._again[request.request_id] = now + _REFUSED_SECONDS


def ask_for_releases(session: Session, passed_over: set[int]) -> int:
    """Ask for hits that nobody has asked for. Gives how many; raises as ``SeeingThrough.step``.

    Numbers of hits that are a person's to ask for are added to ``passed_over``, so that none is looked at twice.
    """
    purpose = standing_purpose(session.settings, session.grant)
    if purpose is None:
        return 0
    with session.store.reading() as connection:
        sealed = sealed_hits(connection, _ASKED_AT_ONCE, without=passed_over)
    asked = 0
    for hit in sealed:
        try:
            if not _is_covered(session, hit.hit_id):
                passed_over.add(hit.hit_id)
                continue
            asked += 1
            # Without patience: what the ledger is still to witness is handed in by ``SeeingThrough``.
            request_release(
                session,
                hit.hit_id,
                purpose,
                session.settings.case_reference,
                automatic=True,
                patience=0.0,
            )
        except (GoneError, NotFoundError) as error:
            # What it takes to ask is kept no longer, and never will be again.
            log().warning("release-impossible", hit=hit.hit_id, error=error)
            with session.store.writing() as connection:
                set_hit_state(connection, hit.hit_id, HitState.DENIED)
        except StateError:
            raise
        except BlindplateError as error:
            # One hit must not keep the others waiting.
            log().warning("release-refused", hit=hit.hit_id, error=error)
    return asked


def _is_covered(session: Session, hit_id: int) -> bool:
    """Whether the hit can be of an entry that the standing authorisation covers. The custodians know whether it is."""
    standing = session.grant.release.standing
    if standing is None or set(Priority) <= set(standing.priorities):
        return True
    with session.store.reading() as connection:
        sealed = find_hit(connection, hit_id)
    return may_be_of(session, sealed, standing.priorities)
