"""A caller that opens calls and says nothing does not silence a server: others are served, and its calls end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import grpc
import pytest
from cryptography import x509

from blindplate.core.errors import BlindplateError, IdentityError, MessageError, OverloadedError
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.server.serving import build_server
from blindplate.v1 import types_pb2
from tests.unit.server.conftest import CLOSED, OPEN, PARSED, STREAM, Site, service, status, unary

_SECONDS = 20.0


@dataclass
class Silent:
    """Calls that were opened and sent no message, or a first one only."""

    calls: Sequence[grpc.Future[bytes]]

    def ended(self) -> list[grpc.Future[bytes]]:
        return [call for call in self.calls if call.done()]


@contextmanager
def serving(site: Site, **bounds: float) -> Generator[str]:
    server, port = build_server("127.0.0.1:0", site.server_files, [service()], **bounds)  # type: ignore[arg-type]  # the integers among them are whole
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


@contextmanager
def silence(
    address: str, files: TlsFiles, *, calls: int, method: str = OPEN, first: Sequence[bytes] = ()
) -> Generator[Silent]:
    """Open ``calls`` calls, eight a connection."""
    over = threading.Event()

    def requests() -> Iterator[bytes]:
        yield from first
        over.wait()

    with ExitStack() as stack:
        stack.callback(over.set)
        opened: list[grpc.Future[bytes]] = []
        for _ in range(0, calls, 8):
            channel = stack.enter_context(open_channel(address, "server", files))
            stream: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(method)
            opened += [stream.future(requests(), timeout=120) for _ in range(8)]
        yield Silent(opened)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.02)


def refusal(call: grpc.Future[bytes]) -> BlindplateError:
    with pytest.raises(BlindplateError) as caught, remote_errors("server"):
        call.result(timeout=_SECONDS)
    return caught.value


def call(address: str, files: TlsFiles, method: str = OPEN, request: bytes = b"") -> bytes:
    with open_channel(address, "server", files) as channel, remote_errors("server"):
        return unary(channel, method)(request, timeout=_SECONDS)


def party(site: Site, role: str = "owner") -> TlsFiles:
    name = f"party-{len(list(site.authority.folder.iterdir()))}"
    return site.authority.issue(name, [x509.UniformResourceIdentifier(f"spiffe://blindplate/{role}/{name}")])


@pytest.mark.parametrize(("method", "first"), [(OPEN, ()), (STREAM, ()), (STREAM, (b"first",))])
def test_a_silent_caller_keeps_its_share_only_and_another_is_served(
    site: Site, method: str, first: Sequence[bytes]
) -> None:
    with (
        serving(site, threads=6, max_concurrent=64, share=4, arrival_seconds=600) as address,
        silence(address, party(site), calls=48, method=method, first=first) as silent,
    ):
        eventually(lambda: len(silent.ended()) >= 44)
        assert call(address, party(site), request=b"!").endswith(b"!")
        assert len(silent.ended()) == 44
        assert {type(refusal(one)) for one in silent.ended()} == {OverloadedError}


def test_calls_that_wait_for_their_message_take_no_handlers_turn(site: Site) -> None:
    with (
        serving(site, threads=1, max_concurrent=64, share=8, arrival_seconds=600) as address,
        silence(address, party(site), calls=8) as silent,
    ):
        assert call(address, party(site), request=b"!").endswith(b"!")
        assert silent.ended() == []


def test_a_caller_without_the_right_is_refused_before_its_message_is_waited_for(site: Site) -> None:
    with serving(site, arrival_seconds=600) as address:
        for method, role in ((OPEN, "camera"), (CLOSED, "owner")):
            with silence(address, party(site, role), calls=8, method=method) as silent:
                assert {type(refusal(one)) for one in silent.calls} == {IdentityError}


@pytest.mark.parametrize(("method", "first"), [(OPEN, ()), (STREAM, ()), (STREAM, (b"first",))])
def test_a_call_whose_message_does_not_arrive_is_ended_and_leaves_room(
    site: Site, method: str, first: Sequence[bytes]
) -> None:
    with (
        serving(site, threads=8, max_concurrent=8, share=8, arrival_seconds=0.5) as address,
        silence(address, party(site), calls=8, method=method, first=first) as silent,
    ):
        eventually(lambda: len(silent.ended()) == 8)
        assert {status(one.exception()) for one in silent.calls} == {grpc.StatusCode.CANCELLED}
        assert call(address, party(site), request=b"!").endswith(b"!")


def test_a_share_is_free_again_when_its_calls_have_ended(site: Site) -> None:
    files = party(site)
    with serving(site, share=2, arrival_seconds=600) as address:
        with silence(address, files, calls=8) as silent:
            eventually(lambda: len(silent.ended()) == 6)
            with pytest.raises(OverloadedError):
                call(address, files)

        def served() -> bool:
            try:
                return call(address, files, request=b"!").endswith(b"!")
            except OverloadedError:
                return False

        eventually(served)


def test_a_call_that_ends_without_its_message_is_refused(site: Site) -> None:
    with serving(site) as address, open_channel(address, "server", party(site)) as channel:
        stream: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(OPEN)
        with pytest.raises(MessageError), remote_errors("server"):
            stream(iter(()), timeout=_SECONDS)


def test_a_message_that_cannot_be_parsed_is_refused(site: Site) -> None:
    good = types_pb2.Domain(zone="inner").SerializeToString()
    with serving(site) as address:
        assert call(address, party(site), PARSED, good) == b"inner"
        with pytest.raises(MessageError):
            call(address, party(site), PARSED, good[:-1])
