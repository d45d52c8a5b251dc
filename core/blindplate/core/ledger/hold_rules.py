"""Whether a legal hold, or its end, fits what the ledger holds already.

Guarantees that a hold is of a release request that was entered under its grant, and so of a record that was claimed; that
none begins after the evidence was due at the latest, unless it follows on one that stands; and that an old one does not
take effect again. Times are those that entries say they were made at: an owner that dates one back shows it, since
custodians sign when they witnessed it. Protocol section 7; docs/spec/ledger.md section 4.
"""

from __future__ import annotations

from blindplate.core.errors import EntryError
from blindplate.core.ledger.facts import EnteredRequest, Facts
from blindplate.core.ledger.refusing import known_grant, refuse_if
from blindplate.core.statements.holds import HoldEnd, LegalHold


def require_hold(facts: Facts, hold: LegalHold) -> None:
    """Raise EntryError unless ``hold`` may follow the entries that made ``facts``."""
    request, last = _request(facts, hold), facts.holds.get(hold.request_id)
    refuse_if(hold.made_at < request.made_at, "A hold was made before its release request.")
    refuse_if(
        last is not None and hold.made_at <= last.changed_at,
        "A hold was not made after what was entered of its request before.",
    )
    until = request.evidence_due if last is None else max(request.evidence_due, last.until)
    refuse_if(hold.made_at > until, "A hold was made after its evidence was to be erased.")


def require_hold_end(facts: Facts, end: HoldEnd) -> None:
    """Raise EntryError unless ``end`` may follow the entries that made ``facts``."""
    _request(facts, end)
    last = facts.holds.get(end.request_id)
    refuse_if(last is None or last.ended, "The end of a hold is of none that stands.")
    refuse_if(
        last is not None and end.made_at <= last.changed_at, "The end of a hold was not made after the hold."
    )


def _request(facts: Facts, entry: LegalHold | HoldEnd) -> EnteredRequest:
    known_grant(facts, entry.grant_id)
    request = facts.requests.get(entry.request_id)
    if request is None or request.grant_id != entry.grant_id:
        raise EntryError(
            "A hold is of no release request that was entered under its grant.",
            "Only what was claimed and asked for can be held.",
        )
    return request
