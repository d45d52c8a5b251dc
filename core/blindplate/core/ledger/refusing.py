"""What rules of the ledger share: refusing with a reason, and the grant an entry is of (docs/spec/ledger.md section 4)."""

from __future__ import annotations

from blindplate.core.errors import EntryError
from blindplate.core.ledger.facts import Facts
from blindplate.core.ledger.grants import GrantHistory


def refuse_if(broken: bool, what: str) -> None:
    """Raise EntryError, saying ``what``, when a rule is broken."""
    if broken:
        raise EntryError(what, "Compare it with what the ledger holds; the rules are in docs/spec/ledger.md.")


def known_grant(facts: Facts, grant_id: str) -> GrantHistory:
    """The grant of that name, ended or not. Raises EntryError."""
    history = facts.grants.get(grant_id)
    if history is None:
        raise EntryError("An entry is of a grant that the ledger does not hold.", "Enter the grant first.")
    return history
