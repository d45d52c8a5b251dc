"""A server with two small services over real TLS on loopback, and certificates of every shape to call it with."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from blindplate.core.errors import QuotaError, ShareError
from blindplate.edge.settings import TlsFiles
from blindplate.edge.tls import open_channel, server_name
from blindplate.server.authorization import Role, caller
from blindplate.server.serving import Service, build_server
from blindplate.v1 import types_pb2

OPEN, CLOSED, STREAM, RESPONSES = "/t.Test/Open", "/t.Test/Closed", "/t.Test/Stream", "/t.Test/Responses"
REFUSING, BLAMING, BROKEN = "/t.Test/Refusing", "/t.Test/Blaming", "/t.Test/Broken"
PARSED = "/t.Test/Parsed"
OWNER = x509.UniformResourceIdentifier("spiffe://blindplate/owner/owner-1")


class Authority:
    """Issues certificates with whatever names a test wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.certificate = self._build(self.name, self.key.public_key(), [], authority=True)

    def issue(self, party: str, names: Sequence[x509.GeneralName]) -> TlsFiles:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party)])
        certificate = self._build(subject, key.public_key(), names, authority=False)
        folder = self.folder / party
        folder.mkdir()
        files = TlsFiles(certificate=folder / "tls.crt", key=folder / "tls.key", authority=folder / "ca.crt")
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        files.authority.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        files.key.chmod(0o600)
        return files

    def _build(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        names: Sequence[x509.GeneralName],
        *,
        authority: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, SHA256())


class _Handlers(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        name = handler_call_details.method
        if name == STREAM:
            return grpc.stream_unary_rpc_method_handler(
                lambda requests, _context: caller().name.encode() + b"".join(requests)
            )
        if name == RESPONSES:
            return grpc.unary_stream_rpc_method_handler(lambda request, _context: iter([request]))
        if name == PARSED:
            return grpc.unary_unary_rpc_method_handler(
                lambda domain, _context: domain.zone.encode(), types_pb2.Domain.FromString
            )
        return grpc.unary_unary_rpc_method_handler(_HANDLERS[name])


def _who(request: bytes, _context: grpc.ServicerContext) -> bytes:
    return caller().spiffe_id.encode() + request[:1]


def _refuse(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    raise QuotaError("Nothing is left.", "Wait a day.")


def _blame(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    raise ShareError("A share does not fit.", custodian="b")


def _break(request: bytes, _context: grpc.ServicerContext) -> bytes:
    raise ValueError(request.decode())


_HANDLERS: dict[str, Callable[[bytes, grpc.ServicerContext], bytes]] = {
    OPEN: _who,
    CLOSED: _who,
    REFUSING: _refuse,
    BLAMING: _blame,
    BROKEN: _break,
}


@dataclass
class Site:
    """An authority and a running server."""

    authority: Authority
    server_files: TlsFiles
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        *names: x509.GeneralName,
        request: bytes = b"",
        files: TlsFiles | None = None,
    ) -> bytes:
        """Call with a certificate that holds ``names``."""
        chosen = files or self.authority.issue(f"client-{len(list(self.authority.folder.iterdir()))}", names)
        with open_channel(self.address, "server", chosen) as channel:
            if method == STREAM:
                stream: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(method)
                return stream(iter([request, request]), timeout=10)
            return unary(channel, method)(request, timeout=10)


def unary(channel: grpc.Channel, method: str) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
    """A method of bytes in, bytes out."""
    return channel.unary_unary(method)


def status(error: object) -> grpc.StatusCode:
    """The status of a failed call: what a stub raises is a Call as well, which the type stubs hold impossible."""
    assert isinstance(error, grpc.Call)
    return error.code()


def service() -> Service:
    """Every method but CLOSED is open to owners."""
    owners = frozenset({Role.OWNER})
    methods = (OPEN, STREAM, RESPONSES, REFUSING, BLAMING, BROKEN, PARSED)
    return Service(
        lambda server: server.add_generic_rpc_handlers((_Handlers(),)), dict.fromkeys(methods, owners)
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    authority = Authority(tmp_path_factory.mktemp("pki"))
    files = authority.issue(
        "server",
        [
            x509.DNSName(server_name("server")),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.UniformResourceIdentifier("spiffe://blindplate/matcher/server"),
        ],
    )
    server, port = build_server("127.0.0.1:0", files, [service()], threads=4, max_concurrent=8)
    server.start()
    yield Site(authority, files, port)
    server.stop(0).wait()
