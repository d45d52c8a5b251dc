"""Events as HTTP POSTs, as engines push them.

Guarantees: on loopback by default; anywhere else only over TLS and from addresses on a list. 200 means that every read
of the message is durable, sealed, so an engine that repeats a message until it sees 200 loses none; 202 that some
still wait in memory for the custodians. Bodies, pictures and all, connections and waits are bounded. A body is what it
is by its first bytes: no header but its length is believed. No path, header or body is ever logged. Does not
authenticate a client on loopback: whoever can reach it can feed the camera.
"""

from __future__ import annotations

import json
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, socket
from typing import Any, ClassVar, Final

from blindplate.client.camera.feed import Feed
from blindplate.core.errors import SettingsError
from blindplate.core.statements.model import Part
from blindplate.edge.logs import log

_CONNECTIONS: Final = 16
_IDLE_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.25


class PushSettings(Part):
    """Where events are taken: ``listen`` is ``address:port`` with a numeric address.

    ``allow`` names the networks that may post; loopback always may. Off loopback it must name some, and
    ``certificate`` and ``key`` (PEM) must be given.
    """

    listen: str = "127.0.0.1:7790"
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An HTTP server for an engine's events."""

    settings: PushSettings

    @property
    def can_wait(self) -> bool:
        """An engine that is not answered drops what it has."""
        return False

    def run(self, feed: Feed, stop: threading.Event) -> None:
        """Serve until ``stop`` is set. Raises SettingsError when it cannot, or must not, listen as told."""
        server = build_server(self.settings, feed)
        log().info("push-ready", port=server.server_address[1])
        serving = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="push")
        serving.start()
        stop.wait()
        server.shutdown()
        serving.join()
        server.server_close()


def build_server(settings: PushSettings, feed: Feed) -> ThreadingHTTPServer:
    """The server, bound and not yet serving. Raises SettingsError."""
    address, port = _address(settings.listen)
    context = _tls(settings)
    if not address.is_loopback and (context is None or not settings.allow):
        raise SettingsError(
            "Events may be pushed from elsewhere only over TLS and from listed networks.",
            "Listen on 127.0.0.1, or give certificate, key and allow.",
        )
    handler = type("Handler", (_Handler,), {"feed": feed})
    family = AF_INET6 if address.version == 6 else AF_INET
    server_class = type("Server", (_Server,), {"address_family": family})
    try:
        server: _Server = server_class((str(address), port), handler)
    except OSError:
        raise SettingsError(
            f"The address {settings.listen} cannot be bound.", "Stop what listens there or choose another."
        ) from None
    server.allow, server.context = settings.allow, context
    return server


def _address(listen: str) -> tuple[IPv4Address | IPv6Address, int]:
    host, _, port = listen.rpartition(":")
    with suppress(ValueError):
        address, number = ip_address(host.strip("[]")), int(port)
        if 0 <= number < 1 << 16:
            return address, number
    raise SettingsError("The push address is not of the form address:port with a numeric address.")


def _tls(settings: PushSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError):
        raise SettingsError("The push certificate or its key cannot be used.") from None
    return context


class _Server(ThreadingHTTPServer):
    """Checks the peer before a thread is spent on it, and does handshakes in the thread."""

    daemon_threads = True
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    context: ssl.SSLContext | None = None

    def __init__(self, *arguments: Any) -> None:
        self._room = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__(*arguments)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        del request
        peer = ip_address(str(client_address[0]).partition("%")[0])
        return peer.is_loopback or any(peer in network for network in self.allow)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        connection: socket = request
        connection.settimeout(_IDLE_SECONDS)
        if self.context is None:
            super().finish_request(connection, client_address)
            return
        with self.context.wrap_socket(connection, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # The inherited one prints a traceback, and with it whatever an exception's text holds.
        del request, client_address
        log().info("push-connection-failed")


class _Handler(BaseHTTPRequestHandler):
    """One POST, one message."""

    protocol_version = "HTTP/1.1"
    server_version = "blindplate-camera"
    sys_version = ""
    feed: ClassVar[Feed]

    def do_POST(self) -> None:
        """Take the body as one message."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._answer(HTTPStatus.LENGTH_REQUIRED, {"code": "event"})
            return
        if int(length) > self.feed.message_bytes:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"code": "event"})
            return
        taken = self.feed.take(self.rfile.read(int(length)))
        if taken.failures:
            first = taken.failures[0]
            refusal = {"code": first.code, "what": first.what, "remedy": first.remedy}
            self._answer(HTTPStatus.BAD_REQUEST, refusal)
        elif self.feed.settled([taken], _SETTLE_SECONDS):
            self._answer(HTTPStatus.OK, {})
        else:
            self._answer(HTTPStatus.ACCEPTED, {})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name http.server calls
        """Say nothing: a request line may hold anything."""

    def _answer(self, status: HTTPStatus, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            # What is left of a body nobody reads must not be taken for the next request.
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
