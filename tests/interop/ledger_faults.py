"""A real ``ledger serve`` whose system calls fail under strace while parties append: nothing acknowledged is lost.

Run it as ``python -m tests.interop.ledger_faults``; it needs Debian's strace. Syncs and positioned writes, SQLite's too,
and renames fail again and again with EIO, then with ENOSPC; in the end the process is killed and its files are held
against every receipt. Plain writes are left alone: gRPC wakes its threads by them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from blindplate.cli.demonstration.processes import Process, command
from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.edge.clock import SystemClock
from tests.integration.conftest import small_plan
from tests.integration.ledger.proving import require_intact
from tests.integration.ledger.strict_witnesses import StrictWitnesses
from tests.integration.ledger.writing import Acknowledged, Writer, wait_until
from tests.integration.ledger_site import RunningLedger

_PARTIES: Final = ("matcher", "custodian-a", "custodian-b")
_ROUND_SECONDS: Final = 8.0
# Every so many calls of a thread one fails.
_FAULTS: Final = {
    "EIO": (
        "fsync:error=EIO:when=40+23",
        "fdatasync:error=EIO:when=30+17",
        "pwrite64:error=EIO:when=90+71",
    ),
    "ENOSPC": (
        "pwrite64:error=ENOSPC:when=90+53",
        "rename:error=ENOSPC:when=10+13",
        "fdatasync:error=ENOSPC:when=60+29",
    ),
}


def main() -> None:
    """Each kind of fault in a ledger of its own."""
    for name, faults in _FAULTS.items():
        with tempfile.TemporaryDirectory(prefix="blindplate-faults-") as folder:
            deployment = create_deployment(Path(folder) / "deployment", small_plan())
            entries, codes, injected = _fail(deployment, faults)
            print(
                f"{name}: {injected} calls failed, {entries} acknowledged entries are there; told: {sorted(codes)}"
            )


def _fail(deployment: Deployment, faults: tuple[str, ...]) -> tuple[int, set[str], int]:
    witnesses, kept = StrictWitnesses(deployment), Acknowledged()
    witnesses.start_both()
    access = RunningLedger(deployment, SystemClock()).access()
    writers = [Writer(deployment, access, party, kept) for party in _PARTIES]
    trace = deployment.folder / "trace"
    process = _traced(deployment, trace, faults)
    try:
        for writer in writers:
            writer.start()
        wait_until(lambda: len(kept.leaves) > 0)
        time.sleep(_ROUND_SECONDS)
        before = len(kept.leaves)
        wait_until(lambda: len(kept.leaves) > before)
    finally:
        for writer in writers:
            writer.stop()
        os.killpg(process.popen.pid, signal.SIGKILL)
        process.popen.wait()
        # The tracer may end before what it traced.
        wait_until(lambda: not _alive(process.popen.pid))
        witnesses.stop_both()
    require_intact(deployment, kept, witnesses)
    injected = trace.read_text(errors="replace").count("(INJECTED)")
    codes = set().union(*(writer.codes for writer in writers))
    if not injected or "storage" not in codes:
        raise SystemExit("No fault reached the ledger.")
    return len(kept.leaves), codes, injected


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _traced(deployment: Deployment, trace: Path, faults: tuple[str, ...]) -> Process:
    traced = ",".join(dict.fromkeys(fault.partition(":")[0] for fault in faults))
    options = [option for fault in faults for option in ("-e", f"inject={fault}")]
    log = deployment.home("ledger") / "log.jsonl"
    with log.open("ab") as file:
        popen = subprocess.Popen(
            [
                *("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={traced}", *options),
                *command("ledger", "serve", deployment.settings("ledger")),
            ],
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return Process("ledger", log, popen)


if __name__ == "__main__":
    main()
