"""Whether anything of the matcher outlives its window: a look at every place where it could.

Guarantees that it goes by what lies there, rows, files, freed pages and the write-ahead log, and not by what erases; that
it changes nothing; and that it tells numbers and ages, never which. Does not see memory, swap, blocks that a file system
or a flash disk keeps, or copies made elsewhere. Protocol sections 4, 5 and 8, guarantee G7; docs/spec/matcher.md
section 13.
"""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import Final

from blindplate.core.errors import StorageError
from blindplate.core.statements.erasures import Looked, Place
from blindplate.edge.clock import Clock
from blindplate.edge.free_pages import remains, wal_bytes
from blindplate.server.matcher.retention.files import look_at_files
from blindplate.server.matcher.retention.log_watch import LogWatch
from blindplate.server.matcher.retention.rows import look_at_rows
from blindplate.server.matcher.retention.seen import aged, agreed

DATABASE: Final = "matcher.db"
# While the log is moved into the file, the file does not hold together: that is over in less than a second.
_LOOKS: Final = 20
_PAUSE_SECONDS: Final = 0.1
# By then a matcher that runs has done its housekeeping twice.
_AGAIN_SECONDS: Final = 2.5


def look(data: Path, watch: LogWatch, now: float, tolerance: float) -> tuple[Looked, ...]:
    """Look at everything in ``data`` once; what is past its time by more than ``tolerance`` seconds is overdue.

    What is erased while it looks may be taken to be overdue: look twice (``agreed``). Raises StorageError.
    """
    database = data / DATABASE
    rows = look_at_rows(database, now, tolerance)
    held = watch.look(now)
    return (
        *rows.looked,
        *look_at_files(data, rows, now, tolerance),
        Looked(place=Place.FREE_PAGES, items=1, overdue=_remains(database)),
        aged(Place.WRITE_AHEAD_LOG, int(wal_bytes(database) > 0), [held], tolerance),
    )


def check_by_hand(data: Path, clock: Clock, tolerance: float) -> tuple[Looked, ...]:
    """Look at everything, and again if anything is overdue, beside a matcher that runs or not. Raises StorageError."""
    watch = LogWatch(data / DATABASE)
    first = look(data, watch, clock.now(), tolerance)
    if not any(one.overdue for one in first):
        return first
    sleep(_AGAIN_SECONDS)
    return agreed(first, look(data, watch, clock.now(), tolerance))


def _remains(database: Path) -> int:
    """Freed pages that hold something: the fewest that were seen, or 0 at once."""
    fewest: int | None = None
    for pause in range(_LOOKS):
        if pause:
            sleep(_PAUSE_SECONDS)
        try:
            found = remains(database)
        except StorageError:
            if pause + 1 == _LOOKS and fewest is None:
                raise
            continue
        if not found:
            return 0
        fewest = found if fewest is None else min(found, fewest)
        if pause >= 2:
            break
    return fewest or 0
