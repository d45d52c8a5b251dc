"""The server's edge: ports, handshakes, TLS versions, sizes and numbers of calls, and how it stops."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Sequence

import grpc
import pytest

from blindplate.core.errors import IdentityError, SettingsError, UnavailableError
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import MAX_MESSAGE_BYTES, open_channel
from blindplate.server.authorization import REFUSALS, Role
from blindplate.server.serving import Service, build_server, serve_until_signal
from tests.unit.server.conftest import OPEN, OWNER, Site, service, status, unary


def test_a_port_is_bound_once(site: Site) -> None:
    with pytest.raises(SettingsError):
        build_server(site.address, site.server_files, [service()])


def test_a_caller_without_a_certificate_is_turned_away(site: Site) -> None:
    credentials = grpc.ssl_channel_credentials(site.server_files.authority.read_bytes())
    options = [("grpc.ssl_target_name_override", "server.blindplate.internal")]
    with (
        grpc.secure_channel(site.address, credentials, options) as channel,
        pytest.raises(UnavailableError),
        remote_errors("server"),
    ):
        unary(channel, OPEN)(b"", timeout=5)


def test_a_party_cannot_stand_in_for_another(site: Site) -> None:
    files = site.authority.issue("mistaken", [OWNER])
    with (
        open_channel(site.address, "custodian-a", files) as channel,
        pytest.raises(UnavailableError),
        remote_errors("custodian-a"),
    ):
        unary(channel, OPEN)(b"", timeout=5)


def test_tls_below_1_3_is_refused(site: Site) -> None:
    files = site.authority.issue("old", [OWNER])
    before = REFUSALS.labels(OPEN, IdentityError.code)._value.get()
    assert b"spiffe" not in _call_by_hand(site, files, ssl.TLSVersion.TLSv1_2)
    assert REFUSALS.labels(OPEN, IdentityError.code)._value.get() == before + 1


def test_the_same_call_over_tls_1_3_is_answered(site: Site) -> None:
    files = site.authority.issue("new", [OWNER])
    assert b"spiffe://blindplate/owner/owner-1" in _call_by_hand(site, files, ssl.TLSVersion.TLSv1_3)


def test_a_handshake_that_says_nothing_is_dropped(site: Site) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", site.port)) as silent:
        silent.settimeout(10)
        assert silent.recv(1) == b""
    assert time.monotonic() - began < 6


def test_a_message_that_is_too_large_is_refused(site: Site) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        site.call(OPEN, OWNER, request=bytes(MAX_MESSAGE_BYTES + 1))
    assert status(caught.value) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert site.call(OPEN, OWNER, request=bytes(MAX_MESSAGE_BYTES - 100))


def test_calls_beyond_the_bound_are_refused_at_once(site: Site) -> None:
    go_on = threading.Event()

    class Slow(grpc.GenericRpcHandler):
        def service(
            self, handler_call_details: grpc.HandlerCallDetails
        ) -> grpc.RpcMethodHandler[bytes, bytes]:
            del handler_call_details

            def wait(_request: bytes, _context: grpc.ServicerContext) -> bytes:
                go_on.wait(20)
                return b""

            return grpc.unary_unary_rpc_method_handler(wait)

    slow = Service(lambda server: server.add_generic_rpc_handlers((Slow(),)), {OPEN: frozenset({Role.OWNER})})
    server, port = build_server("127.0.0.1:0", site.server_files, [slow], threads=2, max_concurrent=4)
    server.start()
    try:
        files = site.authority.issue("busy", [OWNER])
        with open_channel(f"127.0.0.1:{port}", "server", files) as channel:
            calls = [unary(channel, OPEN).future(b"", timeout=30) for _ in range(12)]
            refused = _first_refused(calls)
            go_on.set()
            served = [call for call in calls if call.exception(timeout=30) is None]
        assert status(refused) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(served) >= 4
    finally:
        go_on.set()
        server.stop(0).wait()


def test_sigterm_stops_a_server_and_runs_what_is_to_be_run(site: Site) -> None:
    server, _ = build_server("127.0.0.1:0", site.server_files, [service()])
    done: list[str] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        serve_until_signal(
            server,
            [lambda: done.append("one"), lambda: done.append("two")],
            on_ready=lambda: os.kill(os.getpid(), signal.SIGTERM),
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert done == ["one", "two"]


def _first_refused(calls: Sequence[grpc.Future[bytes]]) -> object:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for call in calls:
            if call.done():
                return call
        time.sleep(0.02)
    raise AssertionError("no call was refused while others ran")


def _call_by_hand(site: Site, files: TlsFiles, version: ssl.TLSVersion) -> bytes:
    """One unary call in bare HTTP/2 over a TLS of this version; everything the server sends back."""
    context = ssl.create_default_context(cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    raw = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    with context.wrap_socket(raw, server_hostname="server.blindplate.internal") as connection:
        headers = b"".join(
            b"\x00" + _hpack(name) + _hpack(value)
            for name, value in (
                (b":method", b"POST"),
                (b":scheme", b"https"),
                (b":path", OPEN.encode()),
                (b":authority", b"server.blindplate.internal"),
                (b"content-type", b"application/grpc"),
                (b"te", b"trailers"),
            )
        )
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(4, 0, 0, b"")
            + _frame(1, 4, 1, headers)
            + _frame(0, 1, 1, bytes(5))
        )
        received = b""
        # The last frame of an answered or refused call is its trailers: headers that end the stream.
        while not _ended(received):
            chunk = connection.recv(65536)
            if not chunk:
                break
            received += chunk
    return received


def _hpack(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _ended(received: bytes) -> bool:
    position = 0
    while len(received) >= position + 9:
        length = int.from_bytes(received[position : position + 3], "big")
        kind, flags = received[position + 3], received[position + 4]
        if kind == 1 and flags & 1 and len(received) >= position + 9 + length:
            return True
        position += 9 + length
    return False
