"""What the matcher counts for its operator's monitoring. No label tells a camera, a read or a moment."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

RECORDS: Final = Counter("blindplate_matcher_records", "Records by what happened to them.", ("event",))
REFUSED_RECORDS: Final = Counter(
    "blindplate_matcher_refused_records", "Records refused, by error code.", ("code",)
)
HELD: Final = Gauge("blindplate_matcher_held_records", "Records held.")
SEGMENTS: Final = Gauge("blindplate_matcher_segments", "Segments held.")
BATCHES: Final = Counter("blindplate_matcher_batches", "Batches answered, by list.", ("list",))
FAILED_BATCHES: Final = Counter(
    "blindplate_matcher_failed_batches", "Batches that failed and are tried again, by list.", ("list",)
)
FAILED_ROUNDS: Final = Counter(
    "blindplate_matcher_failed_rounds", "Ticks and steps of housekeeping that failed.", ("step",)
)
BATCH_SECONDS: Final = Histogram(
    "blindplate_matcher_batch_seconds",
    "Seconds from taking a batch's reads to its durable answer.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0),
)
OWNER_ABSENT: Final = Counter(
    "blindplate_matcher_owner_absent", "Epochs about to begin, or begun, without an uploaded list.", ("list",)
)
OPENING_ABSENT: Final = Counter(
    "blindplate_matcher_opening_absent",
    "Charging days with kept reads that no list was uploaded to open, hours after payment closed.",
    ("list",),
)
LATE_UPLOADS: Final = Counter(
    "blindplate_matcher_late_uploads",
    "Segments that came after reads they match; their list versions were witnessed before those.",
    ("list",),
)
REFUSED_CLAIMS: Final = Counter(
    "blindplate_matcher_refused_claims", "Claims refused, by list and error code.", ("list", "code")
)
LEDGER_ALARMS: Final = Counter(
    "blindplate_matcher_ledger_alarms",
    "Looks at the ledger that failed for another reason than its absence, by error code.",
    ("code",),
)
RETENTION_OVERDUE: Final = Gauge(
    "blindplate_matcher_overdue", "What the last nightly check found past its time.", ("place",)
)
MEDIA: Final = Counter(
    "blindplate_matcher_media", "Deliveries of a record's media by what became of them.", ("event",)
)
