"""A camera with real custodians over real TLS, and a matcher whose misfortunes the tests choose.

The matcher here is a double: it keeps window keys, opens wire envelopes and remembers records, so that a test can
make it be away, be slow or refuse. What the real one does with a record is tested with the real one.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, Queue

import grpc
import structlog

from blindplate.cli.deployment import Deployment
from blindplate.client.camera.feed import Feed
from blindplate.client.camera.process import run
from blindplate.client.camera.settings import CameraSettings
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.parties import Custodian
from blindplate.core.records.opening import open_wire_envelope
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.core.statements.announced_keys import WindowKey
from blindplate.edge.settings import TlsFiles, load
from blindplate.edge.tls import server_credentials
from blindplate.server.custodian.process import Running, build
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.v1 import intake_pb2 as v1
from blindplate.v1 import intake_pb2_grpc as rpc
from tests.integration.ledger_site import MovedClock, RunningLedger, until

# More than an hour, so that a read before the last police epoch's boundary has a grant.
_LEAD_SECONDS = 4000.0


@dataclass
class Taken:
    """A record as the matcher got it, with what its envelope held."""

    wire: Wire
    y: bytes
    s: bytes

    @property
    def list_id(self) -> str:
        return self.wire.record.header.domain.list_id


@dataclass
class MatcherDouble(rpc.IntakeServicer):
    """Takes records as long as it is told to. ``signer`` announces its window keys."""

    signer: SigningKey
    tls: TlsFiles
    key: OpeningKey = field(default_factory=lambda: OpeningKey.from_seed(generate_seed()))
    key_seconds: float = 3600
    taken: dict[bytes, Taken] = field(default_factory=dict)
    submissions: list[list[bytes]] = field(default_factory=list)
    refuse_lists: frozenset[str] = frozenset()
    refusal: str = "grant"
    delay_seconds: float = 0
    forget_answers: int = 0
    keys_asked: int = 0
    server: grpc.Server | None = None

    def start(self, address: str) -> None:
        server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        rpc.add_IntakeServicer_to_server(self, server)
        server.add_secure_port(address, server_credentials(self.tls))
        server.start()
        self.server = server

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop(None).wait()
            self.server = None

    def WindowKeys(  # noqa: N802
        self, request: v1.WindowKeysRequest, context: grpc.ServicerContext
    ) -> v1.WindowKeysResponse:
        del request, context
        self.keys_asked += 1
        now = int(time.time())
        end = now + int(self.key_seconds)
        announced = WindowKey(
            public=self.key.public, not_before=now - 60, not_after=end, destroyed_at=end + 60
        )
        return v1.WindowKeysResponse(statements=[announced.statement(self.signer).to_proto()])

    def Submit(  # noqa: N802
        self, request: v1.SubmitRequest, context: grpc.ServicerContext
    ) -> v1.SubmitResponse:
        time.sleep(self.delay_seconds)
        wires = [Wire.from_proto(message) for message in request.wires]
        self.submissions.append([wire.record.header.record_id for wire in wires])
        receipts = [self._receipt(wire) for wire in wires]
        if self.forget_answers:
            # Taken durably, but the answer is lost on the way.
            self.forget_answers -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        return v1.SubmitResponse(receipts=receipts)

    def _receipt(self, wire: Wire) -> v1.Receipt:
        header = wire.record.header
        if header.domain.list_id in self.refuse_lists:
            return v1.Receipt(record_id=header.record_id, acceptance=v1.ACCEPTANCE_REFUSED, code=self.refusal)
        y, s = open_wire_envelope(wire, self.key)
        self.taken[header.record_id] = Taken(wire, y, s)
        return v1.Receipt(record_id=header.record_id, acceptance=v1.ACCEPTANCE_ACCEPTED)


@dataclass
class Site:
    """A deployment with its custodians and the matcher double, and cameras to run in it."""

    deployment: Deployment
    matcher: MatcherDouble
    custodians: dict[Custodian, Running] = field(default_factory=dict)
    clock: MovedClock = field(default_factory=MovedClock)
    ledger: RunningLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = RunningLedger(self.deployment, self.clock)

    def start_custodians(self) -> None:
        """Custodians and ledger, the grants witnessed more than an hour ago and so in force."""
        self.clock.offset = -_LEAD_SECONDS
        for custodian in Custodian:
            self.start_custodian(custodian)
        self.ledger.start()
        running = self.ledger.running
        assert running is not None
        until(lambda: all(one.replica.size >= running.size for one in self.custodians.values()))
        self.clock.offset = 0.0
        for one in self.custodians.values():
            # Release keys that last as long as the grants' windows, which it did not know when it began.
            one.keeper.round()

    def start_custodian(self, custodian: Custodian) -> None:
        settings = load(CustodianSettings, self.deployment.settings(f"custodian-{custodian}"))
        self.custodians[custodian] = build(settings, self.clock)
        self.custodians[custodian].server.start()

    def stop_custodian(self, custodian: Custodian) -> None:
        running = self.custodians.pop(custodian)
        running.server.stop(None).wait()
        running.close()

    def start_matcher(self) -> None:
        self.matcher.start(self.deployment.plan.addresses["matcher"])

    def camera(self, name: str = "camera-1", **changes: object) -> CameraSettings:
        return load(CameraSettings, self.deployment.settings(name)).model_copy(update=changes)

    def spooled(self, settings: CameraSettings) -> int:
        """How many bytes a camera's spool takes on the disk."""
        return sum(path.stat().st_size for path in settings.data.iterdir())

    def run(self, settings: CameraSettings, events: bytes, event_format: str = "plain") -> None:
        """Run a camera on ``events`` until it is drained."""
        try:
            run(settings, io.BytesIO(events), event_format, exit_when_drained=True, stop=threading.Event())
        finally:
            # What the camera logs to is the test's own standard error, which ends with it.
            structlog.reset_defaults()


class LiveSource:
    """A source a test feeds while the camera runs."""

    can_wait = False

    def __init__(self) -> None:
        self._messages: Queue[bytes] = Queue()

    def put(self, content: bytes) -> None:
        for line in content.splitlines():
            self._messages.put(line)

    def run(self, feed: Feed, stop: threading.Event) -> None:
        while not stop.is_set():
            with suppress(Empty):
                assert not feed.take(self._messages.get(timeout=0.05)).failures


def tls_files(deployment: Deployment, party: str) -> TlsFiles:
    """A party's certificate, key and authority."""
    folder = deployment.home(party)
    return TlsFiles(certificate=folder / "tls.crt", key=folder / "tls.key", authority=folder / "ca.crt")


def plain_events(plates: Sequence[str], moment: float | None = None, spacing: float = 0.01) -> bytes:
    """Plain events of GB plates, the last at ``moment`` (now, unless given)."""
    last = time.time() if moment is None else moment
    lines = []
    for index, plate in enumerate(plates):
        at = datetime.fromtimestamp(last - (len(plates) - 1 - index) * spacing, UTC)
        lines.append(json.dumps({"plate": plate, "country": "GB", "captured_at": at.isoformat()}))
    return "\n".join(lines).encode() + b"\n"


def marks(number: int, start: int = 0) -> list[str]:
    """Different plates of the current format."""
    letters = "ABCDEFGHJKLMNOPRSTUVWXY"
    base = len(letters)
    return [
        f"K{letters[index // base**3 % base]}{index % 100:02d}"
        f"{letters[index // base**2 % base]}{letters[index // base % base]}{letters[index % base]}"
        for index in range(start, start + number)
    ]
