"""The gRPC server every service runs on: mutual TLS, bounds, authorisation before anything else, typed errors.

Guarantees: no second process binds the same port; a handshake that says nothing is dropped after two seconds;
calls beyond ``max_concurrent`` are refused at once instead of queued; a caller that opens calls and says nothing
holds a small share of them, for a bounded time, and no handler; SIGTERM lets running calls end.
Deadlines do not stop a handler that runs: long ones look at ``context.is_active()``. Many enrolled parties that do so
together can still fill a server: their names are in the certificates.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from blindplate.core.errors import SettingsError
from blindplate.edge.logs import log
from blindplate.edge.settings import TlsFiles
from blindplate.edge.tls import MAX_MESSAGE_BYTES, server_credentials
from blindplate.server.authorization import Access, Gate
from blindplate.server.calls import Arrivals, Shares
from blindplate.server.recorder import Recorder

_GRACE_SECONDS: Final = 5.0
# An owner's daemon waits for answers, uploads, has pseudonyms evaluated and claims at once, with commands beside it.
_SHARE: Final = 8
# A connection's open calls, of which most are refused for being beyond the share. Not near the share: gRPC counts calls
# that have ended until Python lets go of them, which takes the garbage collector where a handler left a cycle, and
# refuses what is beyond. RFC 9113, section 6.5.2 recommends no fewer.
_STREAMS: Final = 100
# As long as a camera gives itself to hand in 4 MiB of records over a slow line.
_ARRIVAL_SECONDS: Final = 30.0

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 2000),
    ("grpc.max_concurrent_streams", _STREAMS),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # So that a revoked trust root takes effect on connections that never end by themselves.
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class Service:
    """One servicer: how it is added to a server, and who may call its methods."""

    register: Callable[[grpc.Server], None]
    access: Access


def build_server(
    listen: str,
    files: TlsFiles,
    services: Sequence[Service],
    *,
    threads: int = 16,
    max_concurrent: int = 64,
    share: int = _SHARE,
    arrival_seconds: float = _ARRIVAL_SECONDS,
    record_to: Path | None = None,
) -> tuple[grpc.Server, int]:
    """A server bound to ``listen`` (``host:port``; port 0 for a free one), not yet started, and its port.

    At most ``threads`` handlers run at once, of ``max_concurrent`` calls, of which a caller has at most ``share``; each
    message of a call must arrive within ``arrival_seconds`` of being waited for, or the call is cancelled.
    With ``record_to``, every message of an authorised call is recorded there (``recorder``: for demonstrations only).
    Raises SettingsError when the address is taken or a TLS file cannot be used.
    """
    access: Access = {}
    for service in services:
        access |= service.access
    gate = Gate(access, threads, Shares(share), Arrivals(arrival_seconds))
    server = grpc.server(
        # A thread for every call: one that waits for its message must not keep back one that has arrived.
        ThreadPoolExecutor(max_concurrent, thread_name_prefix="rpc"),
        interceptors=[gate, *([Recorder(record_to)] if record_to else [])],
        options=_OPTIONS,
        maximum_concurrent_rpcs=max_concurrent,
    )
    for service in services:
        service.register(server)
    try:
        port = server.add_secure_port(listen, server_credentials(files))
    except RuntimeError:
        raise SettingsError(
            f"The address {listen} cannot be bound.", "Stop what listens there or choose another."
        ) from None
    return server, port


def serve_until_signal(
    server: grpc.Server,
    on_stop: Sequence[Callable[[], None]] = (),
    *,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Start ``server``, call ``on_ready``, and block until SIGTERM or SIGINT; then let calls end and run ``on_stop``.

    What ``on_stop`` names runs in order, after the last call has ended.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    server.start()
    if on_ready is not None:
        on_ready()
    stop.wait()
    log().info("stopping")
    server.stop(_GRACE_SECONDS).wait()
    for action in on_stop:
        action()
