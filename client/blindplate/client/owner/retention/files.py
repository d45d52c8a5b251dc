"""The files of evidence that lie beside the database: images of plates, media sealed and opened.

Guarantees that every file named after a hit that is no longer known is overwritten and unlinked, half-written ones too. A
file of another name is not this software's to destroy: the nightly check tells of it. Specified in docs/spec/owner.md
section 8.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from blindplate.core.errors import StorageError
from blindplate.edge.keyfiles import destroy_secret

FOLDERS: Final = ("images", "media")
# A dot in front marks what was being written.
_OF_HIT: Final = re.compile(r"\.?hit-([0-9]{1,18})[.-]")


def hit_of(path: Path) -> int | None:
    """The number of the hit that a file of evidence is named after; None for any other file."""
    found = _OF_HIT.match(path.name)
    return None if found is None else int(found[1])


def evidence_files(folder: Path) -> Iterator[Path]:
    """Every file under an owner's ``folder`` where evidence lies. Raises StorageError."""
    for name in FOLDERS:
        try:
            yield from [path for path in (folder / name).iterdir() if path.is_file()]
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(
                f"The folder {folder / name} cannot be read: {error.strerror}.", "Mend the disk."
            ) from None


def destroy_files(folder: Path, standing: Collection[int], last: int) -> int:
    """Destroy what is named after a hit up to number ``last`` that is not ``standing``. Gives how many; raises StorageError."""
    gone = [
        path
        for path in evidence_files(folder)
        if (hit_id := hit_of(path)) is not None and hit_id <= last and hit_id not in standing
    ]
    return sum(destroy_secret(path) for path in gone)
