"""What a release request must be for anyone to approve it.

A request that breaks a rule is noted: asking is no release. An approval of it is a violation (``decision_rules``).
That it names its grant's list and is its owner's own word was checked before (``core.ledger.state``). Protocol section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blindplate.client.auditor.dating import SKEW_SECONDS
from blindplate.client.auditor.findings import Kind, Rule, Severity, at, short
from blindplate.client.auditor.grants import GRACE_SECONDS, GrantDates, zones_of
from blindplate.core.errors import ExpiredError, GrantError, PolicyError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.statements.grants import ListKind
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import RequestEntry

MAX_LIFE_SECONDS: Final = 31 * 86_400


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request, and its grant as it stood before."""

    request: RequestEntry
    history: GrantHistory
    dates: GrantDates


def require_zone(view: RequestView) -> None:
    """The zone is one of the grant's while the record can have been held. Raises GrantError."""
    request, history = view.request, view.history
    held = history.latest.window_seconds + GRACE_SECONDS
    if request.zone not in zones_of(
        view.dates.overlapping(history, request.made_at - held, request.made_at + SKEW_SECONDS)
    ):
        raise GrantError(
            f"Request {short(request.request_id)} is for the zone {request.zone}, which grant {request.grant_id} "
            "does not cover."
        )


def require_purpose(view: RequestView) -> None:
    """Charges are for emissions lists, everything else for hotlists. Raises PolicyError."""
    request, kind = view.request, view.history.latest.list_kind
    if (request.purpose is Purpose.UNPAID_CHARGE) != (kind is ListKind.EMISSIONS):
        raise PolicyError(
            f"Request {short(request.request_id)} gives the purpose {request.purpose}, for which records of a list of "
            f"the kind {kind} may not be opened."
        )


def require_lawful_basis(view: RequestView) -> None:
    """It rests on the law that its grant rests on at some moment while it can be approved. Raises PolicyError."""
    request, history = view.request, view.history
    grants = view.dates.overlapping(history, request.made_at - SKEW_SECONDS, request.expires_at)
    if grants and all(request.lawful_basis != grant.lawful_basis for grant in grants):
        raise PolicyError(
            f"Request {short(request.request_id)} names another lawful basis than grant {request.grant_id} then had."
        )


def require_grant_in_force(view: RequestView) -> None:
    """The grant was in force when the request was made. Raises GrantError."""
    request, history = view.request, view.history
    live = view.dates.overlapping(history, request.made_at - SKEW_SECONDS, request.made_at + SKEW_SECONDS)
    if request.grant_id in view.dates.ends or not live:
        raise GrantError(
            f"Request {short(request.request_id)} was made on {at(request.made_at)}, when grant {request.grant_id} was "
            "not in force."
        )


def require_life(view: RequestView) -> None:
    """It expires within 31 days. Raises ExpiredError."""
    request = view.request
    if request.expires_at > request.made_at + MAX_LIFE_SECONDS:
        raise ExpiredError(
            f"Request {short(request.request_id)} could be approved for longer than the 31 days allowed."
        )


def require_emergency_allowed(view: RequestView) -> None:
    """An emergency is claimed only where the grant lets approval be skipped. Raises PolicyError."""
    request = view.request
    if request.emergency and not any(
        grant.release.emergency for grant in view.dates.possible(view.history, request.made_at)
    ):
        raise PolicyError(
            f"Request {short(request.request_id)} asks for the emergency override, which grant {request.grant_id} does "
            "not allow."
        )


REQUEST_RULES: Final = (
    Rule(Kind.REQUEST_PLACE, require_zone, Severity.NOTE),
    Rule(Kind.REQUEST_PURPOSE, require_purpose, Severity.NOTE),
    Rule(Kind.REQUEST_PURPOSE, require_lawful_basis, Severity.NOTE),
    Rule(Kind.REQUEST_GRANT, require_grant_in_force, Severity.NOTE),
    Rule(Kind.REQUEST_LIFE, require_life, Severity.NOTE),
    Rule(Kind.REQUEST_EMERGENCY, require_emergency_allowed, Severity.NOTE),
)
