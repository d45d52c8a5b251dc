"""What the ledger counts for its operator's monitoring."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ENTRIES: Final = Counter("blindplate_ledger_entries", "Entries appended.")
SIZE: Final = Gauge("blindplate_ledger_size", "Entries of the ledger.")
WITNESSED_SIZE: Final = Gauge(
    "blindplate_ledger_witnessed_size", "Entries under the newest checkpoint that both custodians cosigned."
)
WITNESSED_AT: Final = Gauge(
    "blindplate_ledger_witnessed_at", "The older of its two cosignatures, in seconds since 1970."
)
COMMIT_SECONDS: Final = Histogram(
    "blindplate_ledger_commit_seconds",
    "Seconds from taking appends up to their durable head.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0),
)
STORAGE_FAILURES: Final = Counter("blindplate_ledger_storage_failures", "Times the disk failed the ledger.")
WITNESS_FAILURES: Final = Counter(
    "blindplate_ledger_witness_failures",
    "Cosignatures not given, by custodian and error code.",
    ("witness", "code"),
)
WITNESS_ALARMS: Final = Counter(
    "blindplate_ledger_witness_alarms",
    "Times a custodian saw, or showed, a history that cannot be this ledger's.",
    ("witness", "code"),
)
