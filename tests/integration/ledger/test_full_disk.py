"""A real ledger on a disk without room: it acknowledges nothing that is not there, goes on, and loses nothing.

SQLite meets a full disk through its own interface (``filling_disk``), the ledger's own files through the limit the
kernel sets on the size of what a process writes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from blindplate.cli.demonstration.processes import Process
from blindplate.cli.deployment import Deployment
from tests.integration.ledger.proving import require_intact
from tests.integration.ledger.strict_witnesses import StrictWitnesses
from tests.integration.ledger.writing import Acknowledged, Writer, wait_until
from tests.integration.ledger_site import RunningLedger

_ROOT: Final = Path(__file__).parents[3]
_WRITERS: Final = ("matcher", "custodian-a")


@contextmanager
def database_full(flag: Path, _pid: int) -> Generator[None]:
    flag.touch()
    try:
        yield
    finally:
        flag.unlink()


@contextmanager
def no_file_grows(_flag: Path, pid: int) -> Generator[None]:
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("full", [database_full, no_file_grows])
def test_without_room_nothing_false_is_said_and_nothing_is_lost(
    deployment: Deployment, ledger: RunningLedger, witnesses: StrictWitnesses, full: type
) -> None:
    witnesses.start_both()
    kept, flag = Acknowledged(), deployment.folder / "full"
    writers = [Writer(deployment, ledger.access(), party, kept) for party in _WRITERS]
    log = deployment.home("ledger") / "log.jsonl"
    module, settings = "tests.integration.filling_disk", deployment.settings("ledger")
    with log.open("ab") as file:
        popen = subprocess.Popen(
            [sys.executable, "-m", module, str(flag), "ledger", "serve", str(settings)],
            cwd=_ROOT,
            stdout=file,
            stderr=file,
        )
    process = Process("ledger", log, popen)
    try:
        process.wait_for("ready")
        for writer in writers:
            writer.start()
        wait_until(lambda: len(kept.leaves) > 100)
        for _ in range(2):
            with full(flag, popen.pid):
                for writer in writers:
                    writer.codes.clear()
                wait_until(lambda: all("storage" in writer.codes for writer in writers))
            before = len(kept.leaves)
            wait_until(lambda before=before: len(kept.leaves) > before + 100)  # type: ignore[misc]  # bound now
        assert popen.poll() is None
    finally:
        for writer in writers:
            writer.stop()
        process.kill()
    require_intact(deployment, kept, witnesses)
