"""``python -m tests.integration.filling_disk FLAG ARGUMENTS``: ``blindplate ARGUMENTS`` on a disk that fills.

While the file FLAG is there, no SQLite file of the process can grow: its engine meets what it meets on a full disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from blindplate.cli.main import main
from tests.adversary.sqlite_recorder import without_room

if __name__ == "__main__":
    flag = Path(sys.argv.pop(1))
    with without_room(flag.exists):
        main()
