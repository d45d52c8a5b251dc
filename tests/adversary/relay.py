"""A relay between a camera and the matcher that sees every record handed in and every acknowledgement given.

Stands where the network is: it has the matcher's certificate towards the camera, the camera's towards the matcher.
So that a test knows what was acknowledged, by the matcher's own word, and can strike at a chosen moment of a hand-in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc

from blindplate.edge.settings import TlsFiles
from blindplate.edge.tls import open_channel, server_credentials
from blindplate.v1 import intake_pb2 as v1
from blindplate.v1 import intake_pb2_grpc as rpc
from blindplate.v1 import records_pb2

_PATIENCE_SECONDS: Final = 20.0
_CONNECT_SECONDS: Final = 0.3
# How long after an answer has left it counts as heard.
_TRAVEL_SECONDS: Final = 0.005
_Response = TypeVar("_Response", v1.SubmitResponse, v1.WindowKeysResponse)


class Moment(StrEnum):
    """Where records stand: being spooled, on their way to the matcher, acknowledged but not heard of, heard of."""

    SPOOLED = "spooled"
    HANDED_IN = "handed in"
    ACKNOWLEDGED = "acknowledged"
    HEARD = "heard"


@dataclass(slots=True)
class _Strike:
    moment: Moment
    left: int
    run: Callable[[], None]


class Relay(rpc.IntakeServicer):
    """``wires`` are all that were handed in, by record id; ``acknowledged`` the ids that the matcher accepted."""

    def __init__(self, matcher: str, to_camera: TlsFiles, to_matcher: TlsFiles) -> None:
        """``matcher`` is its address; the certificates are those of matcher and camera."""
        self.wires: dict[bytes, records_pb2.Wire] = {}
        self.acknowledged: set[bytes] = set()
        self.refused: list[v1.Receipt] = []
        self.submissions = 0
        self._address = matcher
        self._to_matcher = to_matcher
        self._lock = threading.Lock()
        self._strike: _Strike | None = None
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        rpc.add_IntakeServicer_to_server(self, self._server)
        self.port = self._server.add_secure_port("127.0.0.1:0", server_credentials(to_camera))

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()

    def strike(self, moment: Moment, after: int, run: Callable[[], None]) -> None:
        """Run ``run`` once, when the ``after``-th hand-in from now reaches ``moment``. None is seen being spooled."""
        with self._lock:
            self._strike = _Strike(moment, after, run)

    def WindowKeys(  # noqa: N802
        self, request: v1.WindowKeysRequest, context: grpc.ServicerContext
    ) -> v1.WindowKeysResponse:
        return self._forward(lambda stub: stub.WindowKeys(request, timeout=_PATIENCE_SECONDS), context)

    def Submit(self, request: v1.SubmitRequest, context: grpc.ServicerContext) -> v1.SubmitResponse:  # noqa: N802
        with self._lock:
            self.submissions += 1
            self.wires |= {wire.record.header.record_id: wire for wire in request.wires}
        self._reached(Moment.HANDED_IN)
        response = self._forward(lambda stub: stub.Submit(request, timeout=_PATIENCE_SECONDS), context)
        with self._lock:
            for receipt in response.receipts:
                if receipt.acceptance == v1.ACCEPTANCE_ACCEPTED:
                    self.acknowledged.add(receipt.record_id)
                else:
                    self.refused.append(receipt)
        self._reached(Moment.ACKNOWLEDGED)
        threading.Timer(_TRAVEL_SECONDS, self._reached, (Moment.HEARD,)).start()
        return response

    def _reached(self, moment: Moment) -> None:
        with self._lock:
            strike = self._strike
            if strike is None or strike.moment is not moment:
                return
            strike.left -= 1
            if strike.left:
                return
            self._strike = None
        strike.run()

    def _forward(
        self, call: Callable[[rpc.IntakeStub], _Response], context: grpc.ServicerContext
    ) -> _Response:
        """Wait for the matcher to be there, and call it; what goes wrong then, the camera gets to hear."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while context.is_active() and time.monotonic() < until:
            with open_channel(self._address, "matcher", self._to_matcher) as channel:
                try:
                    grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)
                except grpc.FutureTimeoutError:
                    continue
                try:
                    return call(rpc.IntakeStub(channel))
                except grpc.RpcError:
                    # Whatever it was: the camera is to keep what it has.
                    break
        context.abort(grpc.StatusCode.UNAVAILABLE, "the matcher did not answer")
        raise AssertionError("abort raises")
