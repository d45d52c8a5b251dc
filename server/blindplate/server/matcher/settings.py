"""The matcher's settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from blindplate.edge.settings import LedgerAccess, ProcessSettings, TlsFiles, TrustedKeys

_Address = Annotated[str, Field(pattern=r"^[^\s]+:\d{1,5}$")]


class MatcherSettings(ProcessSettings):
    """Everything the matcher is told.

    ``listen`` and ``metrics`` are ``host:port``; ``data`` its own folder; ``signing_key`` the file of a 32-byte
    Ed25519 seed; ``ledger`` where grants are read and batches entered, and whose keys sign it. ``counts_seconds`` is how
    often the matcher's counts are entered. ``window_key_seconds`` is how long one
    window key is in use, ``window_keys_ahead`` how many are announced beyond it, so that a camera that is cut off
    can go on sealing. ``max_held`` bounds the records of one list held at once, ``max_secrets`` the opened match secrets
    kept in memory, ``max_unacknowledged`` the answers that may be left unacknowledged under a grant, by its owner
    or because the ledger is away, before its reads wait, ``max_upload_bytes`` one segment, ``max_segments`` the
    segments of one list and epoch, ``max_list_bytes`` all segments of one list, ``max_media_bytes`` the media of one
    claimed record, ``max_media_total_bytes`` all that are held, ``min_free_bytes`` the room kept on the disk so that
    erasing always succeeds, ``segment_memory_bytes`` what one worker keeps of lists it has loaded. ``camera_rate``
    (records a second) and ``camera_burst`` bound one camera. With ``answer_empty_ticks`` a tick without waiting reads
    is answered with dummies alone, so that the pace of answers tells nothing.
    ``retention_tolerance_seconds`` is by how much anything may be past its time before the nightly check calls it overdue.
    ``record_messages`` names a file for every decrypted message: for demonstrations only, it outlives erasure.
    """

    listen: _Address
    data: Path
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    ledger: LedgerAccess
    metrics: _Address | None = None
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    counts_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    retention_tolerance_seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    window_key_seconds: Annotated[int, Field(ge=1, le=7 * 86_400)] = 3600
    window_keys_ahead: Annotated[int, Field(ge=1, le=200)] = 24
    max_held: Annotated[int, Field(ge=1)] = 1_000_000
    max_secrets: Annotated[int, Field(ge=1)] = 200_000
    max_unacknowledged: Annotated[int, Field(ge=1)] = 256
    max_upload_bytes: Annotated[int, Field(ge=1)] = 1 << 30
    max_segments: Annotated[int, Field(ge=1)] = 256
    max_list_bytes: Annotated[int, Field(ge=1)] = 16 << 30
    max_media_bytes: Annotated[int, Field(ge=1)] = 128 << 20
    max_media_total_bytes: Annotated[int, Field(ge=1)] = 64 << 30
    min_free_bytes: Annotated[int, Field(ge=0)] = 256 << 20
    segment_memory_bytes: Annotated[int, Field(ge=1)] = 2 << 30
    camera_rate: Annotated[float, Field(gt=0)] = 1_000.0
    camera_burst: Annotated[int, Field(ge=500)] = 100_000
    answer_empty_ticks: bool = False
    record_messages: Path | None = None
