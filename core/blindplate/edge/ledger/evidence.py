"""What is kept of a ledger that contradicts itself: the very bytes, to show to others.

Guarantees that the signed checkpoints an alarm is about are kept as files, up to a bound, since the ledger chooses how
many there are. Two checkpoints signed by the ledger that cannot both be true prove to anyone what it did. Protocol
section 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from blindplate.core.errors import SecurityError, StorageError
from blindplate.edge.keyfiles import write_public
from blindplate.edge.logs import log

_MAX_FILES: Final = 1_000


def keep_notes(folder: Path, error: SecurityError, notes: Iterable[bytes]) -> None:
    """Keep the signed ``notes`` that ``error`` is about in ``folder``, empty ones apart.

    Raises nothing of its own.
    """
    try:
        for note in filter(None, notes):
            file = folder / f"{error.code}-{sha256(note).hexdigest()[:32]}.note"
            if not file.exists() and len(list(folder.glob("*.note"))) < _MAX_FILES:
                write_public(file, note)
    except (StorageError, OSError) as failure:
        log().error("evidence-not-kept", error=failure)
