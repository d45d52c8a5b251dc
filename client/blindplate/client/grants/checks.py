"""What is looked at before a grant is drafted or signed, beyond what the ledger would refuse.

Guarantees that a grant gets no further which the ledger would refuse where it now stands, whose lists no matcher could
take, or whose notice leaves nobody the time to object, unless whoever signs it says that this is meant. Does not judge
whether it should be granted. Protocol section 7; docs/spec/grants.md section 2.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from blindplate.core.errors import GrantError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.grants import Grant

_DAY: Final = 86_400
LEAST_NOTICE_SECONDS: Final = _DAY
USUAL_NOTICE_SECONDS: Final = 14 * _DAY


def require_fitting(grant: Grant, state: LedgerState) -> None:
    """Raise GrantError unless the ledger would take ``grant`` as the next of its name, EntryError for all else it refuses."""
    history = state.grants.get(grant.grant_id)
    expected = 0 if history is None else history.latest.amendment + 1
    if grant.amendment != expected:
        raise GrantError(
            f"Grant {grant.grant_id} is amendment {grant.amendment}; the ledger's next is {expected}.",
            "Draft it anew with that number.",
        )
    state.require_fitting(grant)


def require_notice(grant: Grant, *, short_notice: bool) -> None:
    """Raise GrantError for less than a day's notice, unless ``short_notice`` says that it is meant."""
    if grant.notice_seconds < LEAST_NOTICE_SECONDS and not short_notice:
        raise GrantError(
            f"Grant {grant.grant_id} would be in force {_length(grant)} after it is public: nobody could object before.",
            "Set a longer notice; `--short-notice` allows it where nobody is to be matched in earnest.",
        )


def notice_warning(grant: Grant) -> str | None:
    """What whoever signs has to be told of its notice; None when there is nothing to tell."""
    if grant.notice_seconds >= USUAL_NOTICE_SECONDS:
        return None
    return (
        f"SHORT NOTICE: grant {grant.grant_id} would be in force {_length(grant)} after it is public. "
        f"Less than {USUAL_NOTICE_SECONDS // _DAY} days leave nobody the time to read it, to object and to be heard."
    )


def require_known_set(grant: Grant, names: Collection[str]) -> None:
    """Raise GrantError unless the grant's parameter set is one of ``names``, those of this release."""
    if grant.parameter_set not in names:
        raise GrantError(
            f"Grant {grant.grant_id} names parameter set {grant.parameter_set}, which nothing can be matched under.",
            f"Name one of {', '.join(names)}.",
        )


def _length(grant: Grant) -> str:
    seconds = grant.notice_seconds
    if seconds < _DAY:
        return f"{seconds:,} s"
    return "a day" if seconds == _DAY else f"{seconds / _DAY:.3g} days"
