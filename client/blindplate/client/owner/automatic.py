"""Standing authorisation: asks for the release of every hit by itself, where grant and settings allow it.

Guarantees that an alternate reading is never asked for, and that a hit is asked for once. What a custodian refuses
stays refused until a person asks. Only a grant of an emissions list with automatic release gets here (``session``).
Protocol sections 2 and 6.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from blindplate.client.owner.hits import sealed_hits
from blindplate.client.owner.release import follow, request_release
from blindplate.client.owner.requests import open_automatic
from blindplate.client.owner.session import Session
from blindplate.core.errors import BlindplateError, StateError
from blindplate.core.statements.purposes import Purpose
from blindplate.edge.logs import log

# A custodian takes 20 new requests a second from one owner; one round a second stays below it.
_ASKED_AT_ONCE: Final = 16


def ask_for_releases(session: Session) -> int:
    """Ask for what is sealed, and again where a custodian has not decided. Gives how many were asked for anew.

    Raises StateError when a custodian cannot answer now; what one refuses without a decision is logged.
    """
    with session.store.reading() as connection:
        sealed = sealed_hits(connection, _ASKED_AT_ONCE)
        undecided = open_automatic(connection, session.now())
    for request in undecided:
        with _refusals_logged(request.hit_id):
            follow(session, request)
    for hit in sealed:
        with _refusals_logged(hit.hit_id):
            request_release(
                session,
                hit.hit_id,
                Purpose.UNPAID_CHARGE,
                session.grant.lawful_basis,
                session.settings.case_reference,
                automatic=True,
            )
    return len(sealed)


@contextmanager
def _refusals_logged(hit_id: int) -> Generator[None]:
    try:
        yield
    except StateError:
        raise
    except BlindplateError as error:
        # One hit must not keep the others waiting.
        log().warning("release-refused", hit=hit_id, error=error)
