"""Intake by a real matcher process: records acknowledged as durable, over mutual TLS, into SQLite.

Records are sealed and signed beforehand; what is timed is from the first submission to the last receipt, with every
thread a camera of its own. At the end the matcher is killed, and unless all it acknowledged is in its database there
are no figures. No list is uploaded, so the match takes no part. Protocol sections 4 and 5.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

from blindplate.cli.benchmarks.durability import require_held, sync_times
from blindplate.cli.benchmarks.submitting import Submitter
from blindplate.cli.benchmarks.timing import Say, Spread, silent
from blindplate.cli.demonstration.in_force import wait_until_in_force
from blindplate.cli.demonstration.processes import Process, Processes
from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.cli.deployment.plan import SERVERS, free_addresses

BATCHES: Final = (1, 20, 500)
DEFAULT_RECORDS: Final = 4_000
DEFAULT_ROUNDS: Final = 5
DEFAULT_THREADS: Final = 4
# Of one thread in a round: small submissions are many times slower, and tell no more for being many.
_MOST_SUBMISSIONS: Final = 100
_START_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """By records a submission: durable records a second of all threads together, and milliseconds a submission.

    ``matcher_cpu_ms_per_record`` is processor time of the matcher's main process. ``sync_ms`` is what writing 4 KiB
    and having them on the disk (fdatasync) took in the same folder. ``acknowledged`` records were found after the
    matcher was killed.
    """

    threads: int
    rounds: int
    records_per_second: Mapping[int, Spread]
    submission_ms: Mapping[int, Spread]
    matcher_cpu_ms_per_record: Mapping[int, float]
    records_per_round: Mapping[int, int]
    wire_bytes: Mapping[int, int]
    sync_ms: Spread
    acknowledged: int


@dataclass(frozen=True, slots=True)
class _Round:
    records: int
    seconds: float
    submissions: list[float]
    matcher_cpu: float
    wire_bytes: int


def measure_ingest(
    folder: Path | None = None,
    *,
    records: int = DEFAULT_RECORDS,
    rounds: int = DEFAULT_ROUNDS,
    threads: int = DEFAULT_THREADS,
    batches: Sequence[int] = BATCHES,
    say: Say = silent,
) -> IngestFigures:
    """Submit about ``records`` a round in whole submissions, but no more than 100 a thread; ``rounds`` a batch size.

    The deployment is thrown away; it lies in a new folder inside ``folder``, on whose disk all depends. Raises
    UnavailableError when the matcher does not start, what it refuses a record for, and StorageError when something
    that it acknowledged is not there.
    """
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blindplate-bench-", dir=folder)))
        say(f"Starting a matcher for {threads} cameras.")
        deployment = _deploy(made / "deployment", threads)
        matcher = _serve(stack.enter_context(Processes(deployment)))
        submitters = [
            stack.enter_context(Submitter(deployment, camera, deployment.plan.addresses["matcher"]))
            for camera in deployment.plan.cameras
        ]
        threaded = stack.enter_context(ThreadPoolExecutor(threads))
        taken: dict[int, list[_Round]] = {}
        for size in batches:
            each = min(max(1, records // (threads * size)), _MOST_SUBMISSIONS)
            say(f"Submitting {rounds} times {threads} x {each} batches of {size}.")
            # Connections, caches and the database's file warm up in a round that is not counted.
            every = [_round(threaded, submitters, matcher, each, size) for _ in range(1 + rounds)]
            taken[size] = every
        matcher.kill()
        acknowledged = sum(one.records for every in taken.values() for one in every)
        require_held(deployment.folder / "matcher" / "state" / "matcher.db", acknowledged)
        counted = {size: every[1:] for size, every in taken.items()}
        return IngestFigures(
            threads=threads,
            rounds=rounds,
            records_per_second={
                size: Spread.of(one.records / one.seconds for one in every) for size, every in counted.items()
            },
            submission_ms={
                size: Spread.of(1000 * seconds for one in every for seconds in one.submissions)
                for size, every in counted.items()
            },
            matcher_cpu_ms_per_record={
                size: 1000 * sum(one.matcher_cpu for one in every) / sum(one.records for one in every)
                for size, every in counted.items()
            },
            records_per_round={size: every[0].records for size, every in counted.items()},
            wire_bytes={size: every[0].wire_bytes for size, every in counted.items()},
            sync_ms=Spread.of(1000 * seconds for seconds in sync_times(made)),
            acknowledged=acknowledged,
        )


def _deploy(folder: Path, cameras: int) -> Deployment:
    plan = default_plan(int(time.time()) - 3600, cameras=cameras)
    return create_deployment(folder, replace(plan, addresses=free_addresses()))


def _serve(processes: Processes) -> Process:
    """The matcher, once it has read from the ledger that the grants are in force."""
    servers = {party: processes.serve(party) for party in SERVERS}
    for process in servers.values():
        process.wait_for("ready", _START_SECONDS)
    wait_until_in_force(processes.deployment, _START_SECONDS)
    servers["matcher"].wait_for("ledger-read", _START_SECONDS)
    return servers["matcher"]


def _round(
    threaded: ThreadPoolExecutor, submitters: Sequence[Submitter], matcher: Process, each: int, size: int
) -> _Round:
    sealed = [[submitter.seal(size) for _ in range(each)] for submitter in submitters]
    cpu, begun = _cpu_seconds(matcher), time.perf_counter()
    submissions = list(chain.from_iterable(threaded.map(Submitter.submit, submitters, sealed)))
    seconds = time.perf_counter() - begun
    return _Round(
        records=len(submitters) * each * size,
        seconds=seconds,
        submissions=submissions,
        matcher_cpu=_cpu_seconds(matcher) - cpu,
        wire_bytes=len(sealed[0][0][0]),
    )


def _cpu_seconds(process: Process) -> float:
    """User and system time of one process, after proc(5): fields 14 and 15 of its stat."""
    fields = Path(f"/proc/{process.popen.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
