"""A camera process: a source of events, and workers that seal, hand in, keep keys fresh and report counts.

Guarantees that it starts without custodians and matcher, goes on while they are away, and ends in order on SIGTERM
or SIGINT: what is in memory is sealed if the custodians answer, what is sealed stays spooled. A worker that fails in
a way nobody foresaw ends the process instead of leaving it half alive.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counts
from blindplate.client.camera.counts_report import CountsReport
from blindplate.client.camera.events import Parse, parser_of
from blindplate.client.camera.feed import Feed
from blindplate.client.camera.heartbeat import Heartbeat
from blindplate.client.camera.keys import KeyRing
from blindplate.client.camera.matcher import Matcher
from blindplate.client.camera.media.attachments import Attachments
from blindplate.client.camera.media.handing_over import HandingOver
from blindplate.client.camera.media.store import MediaStore
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.pipeline import Batching, Pipeline
from blindplate.client.camera.policy import PolicyFile
from blindplate.client.camera.policy_serials import PolicySerials
from blindplate.client.camera.pseudonymise import EvaluationScope, Local, Oblivious, Pseudonymiser
from blindplate.client.camera.reads import Reader
from blindplate.client.camera.retention import RetentionCheck
from blindplate.client.camera.seal import CameraIdentity
from blindplate.client.camera.sender import Sender
from blindplate.client.camera.settings import CameraSettings
from blindplate.client.camera.source import StreamSource
from blindplate.client.camera.spool import Spool
from blindplate.client.camera.workers import Workers
from blindplate.client.custodians import CustodianPair
from blindplate.core.errors import BlindplateError, SecurityError
from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.core.statements.policies import PseudonymMode
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.logs import configure, log

_POLL_SECONDS: Final = 0.1
_COUNTS_SECONDS: Final = 60.0
_KEYS_SECONDS: Final = 0.5


class Source(Protocol):
    """Where events come from. ``can_wait``: whether it may be made to wait without losing any."""

    @property
    def can_wait(self) -> bool: ...

    def run(self, feed: Feed, stop: threading.Event) -> None:
        """Hand messages to ``feed`` until there are no more or ``stop`` is set."""
        ...


def run(
    settings: CameraSettings,
    source: BinaryIO,
    event_format: str,
    *,
    follow: bool = False,
    exit_when_drained: bool = False,
    stop: threading.Event | None = None,
) -> None:
    """Run a camera on the lines of ``source``; see ``run_source``."""
    run_source(
        settings,
        StreamSource(source, follow=follow),
        event_format,
        exit_when_drained=exit_when_drained,
        stop=stop,
    )


def run_source(
    settings: CameraSettings,
    source: Source,
    event_format: str,
    *,
    exit_when_drained: bool = False,
    stop: threading.Event | None = None,
) -> None:
    """Run a camera until SIGTERM or SIGINT, or until ``stop`` is set where one is given.

    With ``exit_when_drained`` also until the source has ended and everything was handed in. Raises SettingsError,
    SignatureError, StorageError and others at start; RuntimeError when a worker failed unforeseen.
    """
    configure("camera")
    parse = parser_of(event_format)
    camera = _Camera.build(settings, SystemClock(), drop_oldest=not source.can_wait)
    feed = camera.feed(settings, parse)
    try:
        camera.run(
            lambda ending: source.run(feed, ending),
            _stop_on_signals() if stop is None else stop,
            exit_when_drained=exit_when_drained,
        )
    finally:
        camera.close()


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


@dataclass(frozen=True, slots=True)
class _Camera:
    """The parts of a camera, wired."""

    clock: Clock
    counts: Counts
    policy: PolicyFile
    custodians: CustodianPair
    matcher: Matcher
    keys: KeyRing
    local: Local
    spool: Spool
    backlog: Backlog
    pipeline: Pipeline
    sender: Sender
    media: MediaStore
    handing_over: HandingOver
    retention: RetentionCheck
    report: CountsReport | None

    @classmethod
    def build(cls, settings: CameraSettings, clock: Clock, *, drop_oldest: bool) -> _Camera:
        counts = Counts()
        serials = PolicySerials(settings.data / "policy-serials.json")
        policy = PolicyFile(settings.policy, settings.trust, settings.zone, serials)
        # One that is not in force is said now, not to the first read.
        zone = policy.current(clock.now()).zone
        identity = CameraIdentity(
            settings.camera_id,
            SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES)),
            settings.latitude,
            settings.longitude,
        )
        custodians = CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, settings.trust)
        matcher = Matcher(settings.matcher, settings.tls, settings.trust.matcher)
        keys, local = KeyRing(custodians, matcher), Local(custodians.local_keys)
        spool = Spool(settings.data / "spool.sqlite", settings.spool_limit)
        spool.count_from(clock.now())
        backlog = Backlog(settings.memory_limit, counts, drop_oldest=drop_oldest)
        batching = Batching(settings.batch_size, settings.batch_wait_seconds)
        pseudonymisers: dict[PseudonymMode, Pseudonymiser] = {
            PseudonymMode.OBLIVIOUS: Oblivious(custodians),
            PseudonymMode.LOCAL: local,
        }
        media = MediaStore(settings.data / "media", settings.media.media_limit_bytes, counts)
        pipeline = Pipeline(
            identity,
            policy,
            pseudonymisers,
            keys,
            spool,
            backlog,
            batching,
            clock,
            counts,
            media,
            settings.oldest_event_seconds,
        )
        handing_over = HandingOver(media, matcher, settings.media.media_poll_seconds, clock, counts)
        sender = Sender(spool, matcher, settings.oldest_event_seconds, clock, counts)
        retention = RetentionCheck(spool, media, settings.oldest_event_seconds, clock)
        report = None
        if settings.ledger is not None:
            ledger = LedgerClient(settings.ledger.address, settings.tls, settings.ledger.keys.keys())
            report = CountsReport(spool, ledger, identity, zone, settings.counts_seconds, clock)
        return cls(
            clock,
            counts,
            policy,
            custodians,
            matcher,
            keys,
            local,
            spool,
            backlog,
            pipeline,
            sender,
            media,
            handing_over,
            retention,
            report,
        )

    def feed(self, settings: CameraSettings, parse: Parse) -> Feed:
        passes = Passes(settings.pass_seconds)
        reader = Reader(
            passes,
            settings.country,
            settings.oldest_event_seconds,
            self.counts,
            settings.alternates.rules(),
        )
        attachments = Attachments(
            self.media, settings.media, self.policy, settings.oldest_event_seconds, self.counts
        )
        return Feed(
            parse,
            reader,
            self.backlog,
            self.policy,
            self.clock,
            self.counts,
            settings.engine_camera,
            attachments,
        )

    def run(
        self,
        read: Callable[[threading.Event], None],
        stop: threading.Event,
        *,
        exit_when_drained: bool,
    ) -> None:
        zone = self.policy.current(self.clock.now()).zone
        log().info("ready", zone=zone, in_spool=len(self.spool))
        workers = Workers(stop)
        reading = workers.start("read", read, stop)
        workers.start("keys", self._keep_keys)
        workers.start("seal", self.pipeline.run)
        workers.start("send", self.sender.run)
        workers.start("media", self.handing_over.run)
        workers.start("heartbeat", Heartbeat(self.matcher, self.counts, self.clock).run)
        workers.start("retention", self.retention.run)
        if self.report is not None:
            workers.start("counts", self.report.run)
        counted = self.clock.now()
        while not stop.wait(_POLL_SECONDS):
            if exit_when_drained and not reading.is_alive() and self._is_drained():
                break
            if self.clock.now() - counted >= _COUNTS_SECONDS:
                counted = self.clock.now()
                self._log_counts()
        log().info("stopping")
        workers.end(reading, until=lambda: not len(self.backlog), disconnect=self._disconnect)
        lost = self.backlog.abandon()
        if lost:
            log().error("reads-lost", reads=lost)
        self._log_counts()
        workers.require_sound()

    def _is_drained(self) -> bool:
        # A read is in the spool before it has left the backlog: in this order none is overlooked.
        return not len(self.backlog) and not self.spool.pending(self.clock.now())

    def close(self) -> None:
        self.spool.close()
        self.media.close()
        self._disconnect()

    def _disconnect(self) -> None:
        self.custodians.close()
        self.matcher.close()
        if self.report is not None:
            self.report.close()

    def _keep_keys(self, stop: threading.Event) -> None:
        failing: frozenset[str] = frozenset()
        while not stop.is_set():
            failures = self.keys.refresh(self.clock.now())
            if not stop.is_set():
                failures += self._refresh_local()
            for error in failures:
                # A key that fails its check is said each time; a party that is away, once.
                if isinstance(error, SecurityError) or error.code not in failing:
                    log().warning("keys-not-fetched", error=error)
            failing = frozenset(error.code for error in failures) if failures else failing
            stop.wait(_KEYS_SECONDS)

    def _refresh_local(self) -> list[BlindplateError]:
        now = self.clock.now()
        try:
            self.policy.current(now)
        except BlindplateError:
            # Said where sealing waits for it.
            return []
        # Those of a policy just followed by another too: what was captured under it may still wait to be sealed.
        scopes = [
            EvaluationScope.of(policy, entry)
            for policy in self.policy.sequence.held(now)
            for entry in (policy.lists if policy.mode is PseudonymMode.LOCAL else ())
        ]
        return self.local.refresh(scopes, now)

    def _log_counts(self) -> None:
        log().info("counts", in_memory=len(self.backlog), in_spool=len(self.spool), **self.counts.snapshot())
