"""The ledger's appends: durable entries a second, from bare storage up to a real process over mutual TLS.

Storage alone takes entries as they are: leaf hashes, places, tree, both signatures of the head, commit and inclusion
paths. The sequencer parses and verifies every entry first, which is measured by itself too. Over gRPC a process of its
own takes appends while both custodians, processes too, read and cosign. At the end ``fsck`` reads all that was
acknowledged in process, and the process is killed and its ledger read; unless everything is there, there are no figures.
Protocol section 7.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from blindplate.cli.benchmarks.durability import sync_times
from blindplate.cli.benchmarks.timing import Say, Spread, silent, timed
from blindplate.cli.demonstration.processes import Processes
from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.core.errors import StateError, UnavailableError
from blindplate.core.ledger.checkpoints import Checkpoint
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.state import LedgerState
from blindplate.core.merkle import leaf_hash
from blindplate.core.signing import SEED_BYTES, SigningKey, Statement
from blindplate.core.statements.matching import AnsweredBatch, Batches
from blindplate.edge.clock import SystemClock
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.settings import TlsFiles, load
from blindplate.server.ledger.fsck import fsck
from blindplate.server.ledger.sequencer import Sequencer
from blindplate.server.ledger.settings import LedgerSettings, read_signer
from blindplate.server.ledger.storage import Storage

DEFAULT_ROUNDS: Final = 5
WRITERS: Final = (1, 4, 16)
BATCHES: Final = (1, 100, 1_000, 4_000)
_SINGLES: Final = 200
_BATCHED: Final = 20_000
_CALLS: Final = 100
_START_SECONDS: Final = 120.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """By entries an append: durable entries a second in storage alone. By writers: single appends a second.

    ``check_us`` is parsing and verifying one entry, ``sync_ms`` writing 4 KiB and having them on the disk in the same
    folder; ``bare_syncs_per_append`` is how many of those fit into a single append of storage alone.
    ``published_per_second`` are entries written to the public files. ``grpc_batch`` is entries a second in appends of 100.
    """

    rounds: int
    entry_bytes: int
    storage_entries_per_second: Mapping[int, Spread]
    published_per_second: Spread
    check_us: Spread
    singles_per_second: Mapping[int, Spread]
    grpc_singles_per_second: Mapping[int, Spread]
    grpc_batch_entries_per_second: Mapping[int, Spread]
    sync_ms: Spread
    bare_syncs_per_append: float


def measure_ledger(
    folder: Path | None = None, *, rounds: int = DEFAULT_ROUNDS, say: Say = silent
) -> LedgerFigures:
    """Measure in a deployment that is thrown away, in a new folder inside ``folder``, on whose disk all depends.

    Raises UnavailableError when a process does not start, StateError when something acknowledged is not there.
    """
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blindplate-bench-", dir=folder)))
        bench = _Bench(create_deployment(made / "deployment", default_plan(int(time.time()) - 3600)))
        syncs = sync_times(made)
        say("Appending to storage alone.")
        stored = {size: bench.storage(size, rounds) for size in BATCHES}
        say("Publishing.")
        published = [bench.publish() for _ in range(rounds)]
        say("Appending through the sequencer, every entry verified.")
        checks = [bench.check() for _ in range(rounds)]
        sequenced = {writers: bench.sequencer(writers, rounds) for writers in WRITERS}
        bench.require_sound()
        say("Appending over TLS to a ledger that both custodians witness.")
        singles, batched = bench.process(rounds)
        sync_ms = Spread.of(1000 * seconds for seconds in syncs)
        return LedgerFigures(
            rounds=rounds,
            entry_bytes=len(entry_bytes(bench.statement())),
            storage_entries_per_second=stored,
            published_per_second=Spread.of(published),
            check_us=Spread.of(checks),
            singles_per_second=sequenced,
            grpc_singles_per_second=singles,
            grpc_batch_entries_per_second=batched,
            sync_ms=sync_ms,
            bare_syncs_per_append=1000 / stored[1].median / sync_ms.median,
        )


class _Bench:
    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._settings = load(LedgerSettings, deployment.settings("ledger"))
        self._signer = read_signer(self._settings)
        self._matcher = SigningKey.from_seed(
            read_secret(deployment.home("matcher") / "signing.key", SEED_BYTES)
        )
        self._storage = self._open()

    def statement(self) -> Statement:
        """What a matcher enters of one batch."""
        answered = AnsweredBatch(
            grant_id="police",
            list_id="police",
            sequence=1,
            segment_id=os.urandom(32),
            slots=8_192,
            root=os.urandom(32),
            answer_sha256=os.urandom(32),
        )
        return Batches(batches=(answered,), made_at=int(time.time())).statement(self._matcher)

    def storage(self, size: int, rounds: int) -> Spread:
        """Durable entries a second in appends of ``size``, one after the other."""
        count = _SINGLES if size == 1 else _BATCHED
        # Distinct, and as long as real ones: what storage is given has been verified before.
        form = entry_bytes(self.statement())[:-32]
        taken: list[float] = []
        for _ in range(1 + rounds):
            entries = [form + os.urandom(16).hex().encode() for _ in range(count)]
            begun = time.perf_counter()
            for at in range(0, count, size):
                self._append(entries[at : at + size])
            taken.append(count / (time.perf_counter() - begun))
            self._storage.publish()
        return Spread.of(taken[1:])

    def publish(self) -> float:
        """Entries written to the public files and synced, a second."""
        form = entry_bytes(self.statement())[:-32]
        for _ in range(_BATCHED // 1_000):
            self._append([form + os.urandom(16).hex().encode() for _ in range(1_000)])
        _, seconds = timed(self._storage.publish)
        return _BATCHED / seconds.wall

    def check(self) -> float:
        """Microseconds to parse and verify an entry."""
        state = LedgerState(self._settings.trust.parties())
        entries = [entry_bytes(self.statement()) for _ in range(_SINGLES)]
        _, seconds = timed(lambda: [state.check(entry) for entry in entries])
        return 1e6 * seconds.wall / len(entries)

    def sequencer(self, writers: int, rounds: int) -> Spread:
        """Single appends a second of so many writers, every entry parsed and verified."""
        sequencer = Sequencer(self._storage, self._signer, self._settings.trust.parties(), SystemClock())
        sequencer.start()
        taken: list[float] = []
        for _ in range(1 + rounds):
            entries = [entry_bytes(self.statement()) for _ in range(_SINGLES * min(writers, 4))]
            taken.append(_rate(writers, entries, lambda entry: sequencer.append([entry])))
            self._storage.publish()
        sequencer.stop()
        return Spread.of(taken[1:])

    def require_sound(self) -> None:
        """Raise StateError unless every append is in the files; the entries of ``storage`` are none that count."""
        self._storage.close()
        wrong = [defect for defect in fsck(self._settings) if not defect.what.startswith("Entry ")]
        if wrong:
            raise StateError(f"The ledger's files have {len(wrong)} defects.", "Do not serve with it.")

    def process(self, rounds: int) -> tuple[Mapping[int, Spread], Mapping[int, Spread]]:
        """The same over TLS, with real entries: single ones by writers, and appends of 100."""
        fresh = create_deployment(
            self._deployment.folder.with_name("served"), default_plan(int(time.time()) - 3600)
        )
        matcher = fresh.home("matcher")
        self._matcher = SigningKey.from_seed(read_secret(matcher / "signing.key", SEED_BYTES))
        files = TlsFiles(
            certificate=matcher / "tls.crt", key=matcher / "tls.key", authority=matcher / "ca.crt"
        )
        settings = load(LedgerSettings, fresh.settings("ledger"))
        appended: list[Statement] = []
        with ExitStack() as stack:
            processes = stack.enter_context(Processes(fresh))
            for party in ("custodian-a", "custodian-b", "ledger"):
                ledger = processes.serve(party)
                ledger.wait_for("ready", _START_SECONDS)
            client = stack.enter_context(LedgerClient(settings.listen, files, settings.ledger_keys.keys()))
            _await(client, self.statement())

            def measured(writers: int, size: int) -> Spread:
                taken: list[float] = []
                for _ in range(1 + rounds):
                    calls = [[self.statement() for _ in range(size)] for _ in range(_CALLS)]
                    taken.append(size * _rate(writers, calls, client.append))
                    appended.extend(statement for call in calls for statement in call)
                return Spread.of(taken[1:])

            singles = {writers: measured(writers, 1) for writers in WRITERS[:2]}
            batched = {writers: measured(writers, 100) for writers in WRITERS[:2]}
            ledger.kill()
        storage = Storage(
            settings.public, settings.head, settings.ledger_keys.keys(), settings.max_unpublished
        )
        held = len(storage.find([leaf_hash(entry_bytes(statement)) for statement in appended]))
        storage.close()
        if held != len(appended) or fsck(settings):
            raise StateError(
                f"The ledger acknowledged {len(appended):,} entries and holds {held:,}.",
                "Do not serve with it: it does not keep what it accepts.",
            )
        return singles, batched

    def _open(self) -> Storage:
        settings = self._settings
        return Storage(settings.public, settings.head, settings.ledger_keys.keys(), settings.max_unpublished)

    def _append(self, entries: Sequence[bytes]) -> None:
        leaves = [leaf_hash(entry) for entry in entries]
        if self._storage.find(leaves):
            raise StateError("Two entries of the benchmark are the same.")
        self._storage.append(entries, leaves, {}, (), self._sign)

    def _sign(self, checkpoint: Checkpoint) -> Note:
        return self._signer.sign(checkpoint, int(time.time()))


def _rate(writers: int, calls: Sequence[T], call: Callable[[T], object]) -> float:
    """Calls a second when so many threads make them."""
    with ThreadPoolExecutor(writers) as threads:
        begun = time.perf_counter()
        for _ in threads.map(call, calls):
            pass
        return len(calls) / (time.perf_counter() - begun)


def _await(client: LedgerClient, statement: Statement) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.append([statement])
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
