"""What replicas are tested with: entries of every kind, a source that lies, and all that a replica tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from blindplate.core.errors import (
    BlindplateError,
)
from blindplate.core.ledger.entries import passed_over
from blindplate.core.ledger.state import LedgerState
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import LedgerSource
from tests.unit.core.ledger.entering import (
    BATCHES,
    EVERY_KIND,
    MADE,
    changed,
    entry_of,
)

SAMPLES = [entry_of(model) for model, _ in EVERY_KIND]
MATTER = [entry for entry in SAMPLES if not passed_over(entry)]
GARBAGE = b"\x00 no entry at all"


# Made once: signing takes longer than reading.
BATCH_ENTRIES = [entry_of(changed(BATCHES, made_at=MADE + number)) for number in range(600)]


def batches(count: int, start: int = 0) -> list[bytes]:
    return BATCH_ENTRIES[start : start + count]


@dataclass
class Lying:
    """A source that gives something else for some paths."""

    source: LedgerSource
    instead: dict[str, bytes | BlindplateError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, path: str) -> bytes:
        self.asked.append(path)
        given_instead = self.instead.get(path)
        if isinstance(given_instead, BlindplateError):
            raise given_instead
        return self.source.get(path) if given_instead is None else given_instead


def seen(state: LedgerState) -> tuple[object, ...]:
    """All that a state tells."""
    return (
        dict(state.grants),
        dict(state.registers),
        dict(state.revoked),
        dict(state.revoked_keys),
        dict(state.list_versions),
        dict(state.evaluation_keys),
        dict(state.policies),
        dict(state.requests),
    )


def told(replica: Replica) -> tuple[object, ...]:
    return replica.size, replica.root, replica.signed, seen(replica.state)
