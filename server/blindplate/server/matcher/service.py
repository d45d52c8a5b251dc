"""The matcher put together from its settings: storage, keys, threads and services, opened and closed in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from blindplate.core.errors import SettingsError
from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.edge.clock import Clock
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.logs import log
from blindplate.server.authorization import Access, Role
from blindplate.server.limits import Rate, RateLimiter
from blindplate.server.matcher import answers, counts_store, intake, media, segments_store, uploads
from blindplate.server.matcher.answers import AnswersServicer
from blindplate.server.matcher.backlog import Backlog
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.cameras.service import CamerasServicer
from blindplate.server.matcher.cameras.watching import CameraWatch
from blindplate.server.matcher.clerk import Clerk
from blindplate.server.matcher.evaluator import Evaluator
from blindplate.server.matcher.following import FollowedLedger, follow
from blindplate.server.matcher.intake import IntakeServicer
from blindplate.server.matcher.keeper import Keeper
from blindplate.server.matcher.keeping import Keeping
from blindplate.server.matcher.match_secrets import MatchSecrets
from blindplate.server.matcher.media import MediaBounds, MediaServicer
from blindplate.server.matcher.media_files import MediaFiles
from blindplate.server.matcher.retention.nightly import Nightly
from blindplate.server.matcher.retention_keys import RetentionKeys
from blindplate.server.matcher.rounds import Matching
from blindplate.server.matcher.segment_files import SegmentFiles
from blindplate.server.matcher.settings import MatcherSettings
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.ticker import Ticker
from blindplate.server.matcher.uploads import ListsServicer
from blindplate.server.matcher.window_keys import WindowKeys
from blindplate.server.serving import Service
from blindplate.v1 import answers_pb2_grpc, intake_pb2_grpc, lists_pb2_grpc, media_pb2_grpc

_HEALTH_ACCESS: Final[Access] = {"/grpc.health.v1.Health/Check": frozenset(Role)}


@dataclass(frozen=True, slots=True)
class Matcher:
    """The parts of one matcher. ``services`` are what its gRPC server serves."""

    database: Database
    ledger: FollowedLedger
    client: LedgerClient
    window_keys: WindowKeys
    bells: tuple[Bell, ...]
    ticker: Ticker
    keeper: Keeper
    clerk: Clerk
    cameras: CameraWatch
    services: tuple[Service, ...]
    evaluator: Evaluator
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def start(self) -> None:
        """Start ticking, keeping house, following the ledger and entering in it."""
        for name, run in (
            ("ticker", self.ticker.run),
            ("keeper", self.keeper.run),
            ("ledger", self.ledger.run),
            ("clerk", self.clerk.run),
            ("cameras", self.cameras.run),
        ):
            thread = threading.Thread(
                target=run_or_end_process, args=(run, self._stop), name=name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop the threads, the workers and what goes to the ledger, then the database."""
        self._stop.set()
        for bell in self.bells:
            bell.ring()
        self.evaluator.close()
        self.client.close()
        for thread in self._threads:
            thread.join()
        self.ledger.close()
        self.database.close()


def open_matcher(settings: MatcherSettings, evaluator: Evaluator, clock: Clock) -> Matcher:
    """Open the matcher's state and put its parts together; nothing runs yet.

    Raises SettingsError for unusable files or a signing key that is not the pinned one, StorageError.
    """
    signer = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    if signer.public != settings.trust.matcher:
        raise SettingsError(
            "The matcher's signing key is not the one pinned at enrolment.",
            "Name the right file as signing_key, or enrol again.",
        )
    keys = settings.ledger.keys.keys()
    ledger = follow(settings.ledger, settings.data / "ledger.sqlite", settings.trust.parties(), clock)
    ledger.look()
    client = LedgerClient(settings.ledger.address, settings.tls, keys, ledger.keep_receipt)
    database = Database(settings.data / "matcher.db", min_free_bytes=settings.min_free_bytes)
    now_ms = int(clock.now() * 1000)
    database.write(lambda connection: counts_store.begin(connection, now_ms))
    window_keys = WindowKeys(settings.data / "window-keys", signer)
    retention_keys = RetentionKeys(settings.data / "retention-keys")
    files = SegmentFiles(settings.data / "segments")
    with database.read() as connection:
        files.keep_only(segment.segment_id for segment in segments_store.everything(connection))
    media_files = MediaFiles(settings.data / "media")
    media_files.remove_parts()
    secrets, backlog = MatchSecrets(window_keys, settings.max_secrets), Backlog(settings.max_held)
    stored, offered = Bell(), Bell()
    keeper = Keeper(
        database,
        ledger,
        window_keys,
        retention_keys,
        secrets,
        files,
        media_files,
        backlog,
        Nightly(database, settings.data, signer, settings.retention_tolerance_seconds),
        clock,
        settings.window_key_seconds,
        settings.window_keys_ahead,
    )
    keeper.provide_keys(clock.now())
    keeper.keep()
    rate = Rate(settings.camera_rate, settings.camera_burst)
    services = _services(
        IntakeServicer(database, ledger, window_keys, secrets, backlog, RateLimiter(clock), rate, clock),
        ListsServicer(
            database,
            ledger,
            keys,
            files,
            settings.max_upload_bytes,
            settings.max_list_bytes,
            settings.max_segments,
            clock,
        ),
        AnswersServicer(
            database, ledger, secrets, Keeping(database, retention_keys, secrets, clock), offered, clock
        ),
        MediaServicer(
            database,
            ledger,
            media_files,
            MediaBounds(settings.max_media_bytes, settings.max_media_total_bytes),
        ),
    )
    cameras = CameraWatch(database, ledger, clock)
    services = (*services, CamerasServicer(cameras, ledger, RateLimiter(clock), clock).service())
    matching = Matching(database, evaluator, files, secrets, stored, clock)
    ticker = Ticker(
        database, ledger, matching, clock, settings.max_unacknowledged, settings.answer_empty_ticks
    )
    clerk = Clerk(database, client, signer, stored, offered, clock, settings.counts_seconds)
    return Matcher(
        database,
        ledger,
        client,
        window_keys,
        (stored, offered),
        ticker,
        keeper,
        clerk,
        cameras,
        services,
        evaluator,
    )


def run_or_end_process(run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Run a loop; should it end before it is told to, end the process: without it nothing is erased or matched."""
    try:
        run(stop)
    finally:
        if not stop.is_set():
            log().error("thread-ended", thread=threading.current_thread().name)
            os.kill(os.getpid(), signal.SIGTERM)


def _services(
    records: IntakeServicer, lists: ListsServicer, matches: AnswersServicer, kept: MediaServicer
) -> tuple[Service, ...]:
    status = health.HealthServicer()
    status.set("", health_pb2.HealthCheckResponse.SERVING)
    register: tuple[tuple[Callable[[grpc.Server], None], Access], ...] = (
        (lambda server: intake_pb2_grpc.add_IntakeServicer_to_server(records, server), intake.ACCESS),
        (lambda server: lists_pb2_grpc.add_ListsServicer_to_server(lists, server), uploads.ACCESS),
        (lambda server: answers_pb2_grpc.add_AnswersServicer_to_server(matches, server), answers.ACCESS),
        (lambda server: media_pb2_grpc.add_MediaServicer_to_server(kept, server), media.ACCESS),
        # grpc_health ships no types.
        (
            lambda server: health_pb2_grpc.add_HealthServicer_to_server(status, server),  # pyright: ignore[reportUnknownMemberType]
            _HEALTH_ACCESS,
        ),
    )
    return tuple(Service(add, access) for add, access in register)
