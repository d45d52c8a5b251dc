"""The alarm of a witness: a ledger that contradicts itself, counted, logged, its checkpoints kept.

Guarantees that every fork, rollback and unproven continuation is counted and logged as an alarm, and that the
checkpoints it is about are kept (``edge.ledger.evidence``). Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import Counter

from blindplate.core.errors import SecurityError
from blindplate.edge.ledger.evidence import keep_notes
from blindplate.edge.logs import log

ALARMS: Final = Counter(
    "blindplate_ledger_alarms",
    "Checkpoints of the ledger refused as contradictory, by error code.",
    ("code",),
)


def alarm(folder: Path, error: SecurityError, notes: Iterable[bytes]) -> None:
    """Count and log ``error``, and keep the signed ``notes`` it is about in ``folder``, empty ones apart.

    Raises nothing of its own.
    """
    ALARMS.labels(error.code).inc()
    log().error("ledger-alarm", error=error)
    keep_notes(folder, error, notes)
