"""Where a grant of the ledger stands: which amendment is in force, which comes, who suspended it and why, how it ended.

Guarantees that what it says is what custodians and matcher act by (``core.ledger.grants``), as far as the ledger was read:
what was entered since, it cannot know. Protocol section 7; docs/spec/grants.md section 3.
"""

from __future__ import annotations

from typing import Final

from blindplate.cli.grants.page import Line, amendment_name, date
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.grants import Amendment, GrantHistory, Suspension
from blindplate.core.parties import Custodian

_LONG_AGO_SECONDS: Final = 3600


def standing(history: GrantHistory, signed: SignedCheckpoint, now: float) -> list[Line]:
    """The grant at ``now`` (seconds since 1970, UTC), and what happened to it, by a ledger read under ``signed``."""
    return [
        Line("Where it stands", _stands(history, now)),
        *(
            Line(amendment_name(one.grant.amendment).capitalize(), _entered(one, until(history, one)))
            for one in history.amendments
        ),
        *(Line(_word(one), f"{_entry(one.index, one.witnessed_at)}: {one.statement.reason}") for one in history.suspensions),
        *([] if history.ended_at is None else [Line("Ended", _ended(history, history.ended_at))]),
        Line("By what the ledger held", _read(signed, now)),
    ]  # fmt: skip


def of_interest(history: GrantHistory, now: float) -> list[Amendment]:
    """The amendment in force at ``now`` and those to come; the last one when there is none of either."""
    found = [one for one in history.amendments if max(one.begins, now) < until(history, one)]
    return found or [history.amendments[-1]]


def until(history: GrantHistory, amendment: Amendment) -> int:
    """When ``amendment`` is in force no more; no later than it begins where it never was, nor will be."""
    later = (one.begins for one in history.amendments if one.grant.amendment > amendment.grant.amendment)
    ended = [] if history.ended_at is None else [history.ended_at]
    return min([amendment.grant.not_after, *ended, *later])


def _stands(history: GrantHistory, now: float) -> str:
    if history.ended_at is not None and history.ended_at <= now:
        return "ENDED: nothing is matched or released under it, and nothing will be"
    coming = [one for one in history.amendments if now < one.begins < until(history, one)]
    told = "; ".join(f"{_name(one)} begins on {date(one.begins)}" for one in coming)
    current = [one for one in history.amendments if one.begins <= now < until(history, one)]
    if not current:
        return f"NOT YET IN FORCE: {told}" if coming else "EXPIRED: nothing is matched or released under it"
    by = [f"custodian {one.name}" for one in Custodian if history.suspended(one, now)]
    head = (
        f"SUSPENDED by {' and '.join(by)}, so that nothing is released; otherwise in force"
        if by
        else "IN FORCE"
    )
    says = f"{head}: {_name(current[0])}, until {date(until(history, current[0]))}"
    return f"{says}. To come: {told}" if coming else says


def _entered(amendment: Amendment, ends: int) -> str:
    entered = f"{_entry(amendment.index, amendment.witnessed_at)}, signed by the operator and both custodians"
    if ends <= amendment.begins:
        return f"{entered}; never in force"
    return f"{entered}; in force from {date(amendment.begins)} until {date(ends)}"


def _ended(history: GrantHistory, ended_at: int) -> str:
    return f"by the operator, witnessed on {date(ended_at)}: {history.end_reason}"


def _word(suspension: Suspension) -> str:
    statement = suspension.statement
    return (
        f"{'Suspended' if statement.suspended else 'Acted on again'} by custodian {statement.custodian.name}"
    )


def _name(amendment: Amendment) -> str:
    number = amendment.grant.amendment
    return "the grant as first entered" if number == 0 else amendment_name(number)


def _entry(index: int, witnessed_at: int) -> str:
    return f"entry {index:,}, witnessed by both custodians on {date(witnessed_at)}"


def _read(signed: SignedCheckpoint, now: float) -> str:
    moment = signed.oldest()
    told = f"{signed.checkpoint.size:,} entries of {signed.checkpoint.origin}, witnessed by both custodians on {date(moment)}"
    return (
        f"{told}. THAT IS LONG AGO: whatever was entered since is not shown"
        if now - moment > _LONG_AGO_SECONDS
        else told
    )
