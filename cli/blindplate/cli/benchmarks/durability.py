"""What is on the disk: how long it takes to get there, and whether all that was acknowledged did."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError
from blindplate.server.matcher import records_store
from blindplate.server.matcher.storage import Database

_TIMES: Final = 50
_BYTES: Final = 4096


def sync_times(folder: Path) -> list[float]:
    """Seconds that writing 4 KiB to the end of a file in ``folder`` and syncing it took, each of 50 times."""
    taken: list[float] = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(_TIMES):
            begun = time.perf_counter()
            file.write(bytes(_BYTES))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    path.unlink()
    return taken


def require_held(path: Path, acknowledged: int) -> None:
    """Raise StorageError unless a matcher's database, which nobody has open, holds just what it acknowledged."""
    database = Database(path)
    try:
        with database.read() as connection:
            held = records_store.held(connection)
    finally:
        database.close()
    if held != acknowledged:
        raise StorageError(
            f"The matcher acknowledged {acknowledged:,} records and holds {held:,}.",
            "Do not serve with it: it does not keep what it accepts.",
        )
