"""The Witness service: what the rules say in the protocol's words, and who may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from cryptography import x509

from blindplate.core.errors import IdentityError, RollbackError, UnavailableError
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.ledger.notes import parse_signature_lines
from blindplate.core.parties import Custodian
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel, server_name, spiffe_id
from blindplate.server.custodian.other_custodian import OtherCustodian
from blindplate.server.custodian.witness import Witness
from blindplate.server.serving import build_server
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1 import witness_pb2_grpc as rpc
from tests.unit.server.conftest import Authority

from .published import KEYS, NOW
from .witnessing import Site

NAME = "custodian-a"


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def address(site: Site, authority: Authority) -> Iterator[str]:
    files = authority.issue(
        NAME,
        [
            x509.DNSName(server_name(NAME)),
            x509.UniformResourceIdentifier(spiffe_id("custodian", NAME)),
        ],
    )
    server, port = build_server("127.0.0.1:0", files, [Witness(site.start()).service()], threads=2)
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.fixture
def stub_of(authority: Authority, address: str) -> Iterator[Callable[[str, str], rpc.WitnessStub]]:
    channels: list[grpc.Channel] = []

    def stub(role: str, name: str) -> rpc.WitnessStub:
        uri = x509.UniformResourceIdentifier(spiffe_id(role, name))
        channels.append(open_channel(address, NAME, authority.issue(f"as-{name}", [uri])))
        return rpc.WitnessStub(channels[-1])

    yield stub
    for channel in channels:
        channel.close()


def test_the_ledger_is_answered_with_cosignatures_conflicts_and_errors(
    site: Site, stub_of: Callable[[str, str], rpc.WitnessStub]
) -> None:
    stub = stub_of("ledger", "ledger")
    assert stub.Head(v1.HeadRequest()).checkpoint == b""
    site.ledger.fill(5)
    answer = stub.AddCheckpoint(v1.AddCheckpointRequest(body=site.ledger.body(0)))
    note = site.ledger.note().with_signatures(parse_signature_lines(answer.cosignatures))
    assert verify_checkpoint(note.to_bytes(), KEYS).witnessed == {Custodian.A: NOW}
    conflict = stub.AddCheckpoint(v1.AddCheckpointRequest(body=site.ledger.body(0)))
    assert (conflict.WhichOneof("outcome"), conflict.conflict) == ("conflict", 5)
    with pytest.raises(RollbackError), remote_errors(NAME):
        stub.AddCheckpoint(v1.AddCheckpointRequest(body=site.ledger.body(3, 4, NOW + 1)))
    head = verify_checkpoint(stub.Head(v1.HeadRequest()).checkpoint, KEYS)
    assert head.checkpoint == site.ledger.checkpoint()


def test_the_other_custodian_sees_the_head_and_has_nothing_cosigned(
    site: Site, authority: Authority, address: str, stub_of: Callable[[str, str], rpc.WitnessStub]
) -> None:
    site.ledger.fill(5)
    stub_of("ledger", "ledger").AddCheckpoint(v1.AddCheckpointRequest(body=site.ledger.body(0)))
    uri = x509.UniformResourceIdentifier(spiffe_id("custodian", "custodian-b"))
    other = OtherCustodian(Custodian.A, address, authority.issue("custodian-b", [uri]))
    assert verify_checkpoint(other.head(), KEYS).checkpoint.size == 5
    other.close()
    asked = v1.AddCheckpointRequest(body=site.ledger.body(5))
    with pytest.raises(IdentityError), remote_errors(NAME):
        stub_of("custodian", "custodian-c").AddCheckpoint(asked)


@pytest.mark.parametrize("role", ["owner", "camera", "matcher", "operator", "officer"])
def test_nobody_else_is_answered(role: str, stub_of: Callable[[str, str], rpc.WitnessStub]) -> None:
    stub = stub_of(role, "someone")
    with pytest.raises(IdentityError), remote_errors(NAME):
        stub.Head(v1.HeadRequest())
    with pytest.raises(IdentityError), remote_errors(NAME):
        stub.AddCheckpoint(v1.AddCheckpointRequest(body=b"old 0\n\n"))


def test_another_custodian_that_does_not_run_is_unavailable(authority: Authority) -> None:
    uri = x509.UniformResourceIdentifier(spiffe_id("custodian", "custodian-b"))
    other = OtherCustodian(Custodian.A, "127.0.0.1:1", authority.issue("custodian-b", [uri]))
    with pytest.raises(UnavailableError):
        other.head()
    other.close()
