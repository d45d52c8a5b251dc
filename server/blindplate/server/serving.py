"""The gRPC server every service runs on: mutual TLS, bounds, authorisation before anything else, typed errors.

Guarantees: no second process binds the same port; a handshake that says nothing is dropped after two seconds;
calls beyond ``max_concurrent`` are refused at once instead of queued; SIGTERM lets running calls end.
Deadlines do not stop a handler that runs: long ones look at ``context.is_active()``.
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
from blindplate.server.recorder import Recorder

_GRACE_SECONDS: Final = 5.0

_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 2000),
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
    record_to: Path | None = None,
) -> tuple[grpc.Server, int]:
    """A server bound to ``listen`` (``host:port``; port 0 for a free one), not yet started, and its port.

    With ``record_to``, every message of an authorised call is recorded there (``recorder``: for demonstrations only).
    Raises SettingsError when the address is taken or a TLS file cannot be used.
    """
    access: Access = {}
    for service in services:
        access |= service.access
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="rpc"),
        interceptors=[Gate(access), *([Recorder(record_to)] if record_to else [])],
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
