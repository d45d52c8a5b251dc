"""How long agencies keep what was released to them, as they say, and what they hold longer (docs/spec/audit.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blindplate.client.auditor.evidence import Evidences, Told
from blindplate.client.auditor.findings import day_of
from blindplate.client.auditor.wording import agency
from blindplate.core.ledger.facts import EnteredHold
from blindplate.core.ledger.grants import GrantHistory


@dataclass(frozen=True, slots=True)
class EvidenceFigures:
    """The evidence of one grant: released by both custodians, and erased, kept and held by its owner's last word.

    ``last_day`` is the UTC day it was last told of, empty before the first; ``overdue`` what its own check found in all.
    """

    grant_id: str
    agency: str
    evidence_days: int
    released: int
    erased: int
    kept: int
    held: int
    overdue: int
    last_day: str


@dataclass(frozen=True, slots=True)
class HoldFigures:
    """The last hold of a request, named by its id in hexadecimal; ``until`` is a UTC day, ``standing`` whether that is still to come."""

    entry: int
    request: str
    grant_id: str
    hold_reason: str
    until: str
    standing: bool


def evidence(evidences: Evidences, grants: Mapping[str, GrantHistory]) -> tuple[EvidenceFigures, ...]:
    """Every grant under which anything was released or told of."""
    return tuple(_figures(told, grants[grant_id]) for grant_id, told in sorted(evidences.told.items()))


def holds(held: Mapping[bytes, EnteredHold], as_of: int) -> tuple[HoldFigures, ...]:
    """Every request that was ever held, in the order of the ledger."""
    return tuple(
        HoldFigures(
            one.index,
            request_id.hex(),
            one.grant_id,
            one.reason.value,
            day_of(one.until),
            one.until > as_of,
        )
        for request_id, one in sorted(held.items(), key=lambda item: item[1].index)
    )


def _figures(told: Told, history: GrantHistory) -> EvidenceFigures:
    last = told.last
    return EvidenceFigures(
        history.grant_id,
        agency(history.latest.owner),
        history.latest.evidence_days,
        len(told.released),
        told.erased,
        sum(row.kept for row in last.evidence) if last else 0,
        sum(row.held for row in last.evidence) if last else 0,
        told.overdue,
        last.day if last else "",
    )
