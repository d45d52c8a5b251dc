"""Appending: a receipt is believed only for the very entry, under the ledger's own signatures. Over real mutual TLS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
import pytest

from blindplate.cli.deployment.authority import Authority
from blindplate.core import merkle
from blindplate.core.errors import (
    BlindplateError,
    EntryError,
    MessageError,
    ProofError,
    SignatureError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner, SignedCheckpoint
from blindplate.core.ledger.entries import document_bytes, entry_bytes
from blindplate.edge.ledger.appender import MAX_ENTRIES, LedgerClient
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import TRAILER, status_of, trailer_of
from blindplate.edge.tls import server_credentials
from blindplate.v1 import ledger_pb2 as v1
from blindplate.v1 import ledger_pb2_grpc as rpc
from tests.unit.core.ledger.entering import (
    BATCHES,
    DOCUMENT,
    MADE,
    MATCHER,
    OPERATOR,
    REGISTER_ENTRY,
    changed,
)
from tests.unit.core.ledger.samples import KEYS, LOG, NOW, ORIGIN

STATEMENTS = [changed(BATCHES, made_at=MADE + number).statement(MATCHER) for number in range(5)]
Change = Callable[[v1.AppendResponse], None]


def leave(_response: v1.AppendResponse) -> None:
    """Change nothing."""


@dataclass
class PlayedLedger(rpc.LedgerServicer):
    """Appends to a list; what it answers can be changed before it leaves."""

    entries: list[bytes] = field(default_factory=lambda: [b"first", b"second"])
    requests: list[v1.AppendRequest] = field(default_factory=list)
    change: Change = leave
    error: BlindplateError | None = None

    def Append(  # noqa: N802  # as the service names it
        self, request: v1.AppendRequest, context: grpc.ServicerContext
    ) -> v1.AppendResponse:
        self.requests.append(request)
        if self.error is not None:
            context.set_trailing_metadata(((TRAILER, trailer_of(self.error)),))
            context.abort(status_of(self.error), "refused")
        start = len(self.entries)
        self.entries += request.entries
        size = len(self.entries)
        response = v1.AppendResponse(
            checkpoint=LOG.sign(Checkpoint(ORIGIN, size, merkle.root(self.entries)), NOW).to_bytes(),
            receipts=[
                v1.EntryReceipt(index=index, path=merkle.inclusion_path(self.entries, index))
                for index in range(start, size)
            ],
        )
        self.change(response)
        return response


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TlsFiles]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(int(time.time()), 1)

    def files(party: str) -> TlsFiles:
        home = folder / party
        if not home.exists():
            authority.issue(home, party, party, server=True)
        return TlsFiles(certificate=home / "tls.crt", key=home / "tls.key", authority=home / "ca.crt")

    return files


@pytest.fixture
def ledger() -> PlayedLedger:
    return PlayedLedger()


@pytest.fixture
def serve(tls: Callable[[str], TlsFiles], ledger: PlayedLedger) -> Iterator[Callable[[str], LedgerClient]]:
    """Starts the ledger under a party's certificate; a client of the matcher's."""
    opened: list[LedgerClient] = []
    servers: list[grpc.Server] = []

    def start(party: str = "ledger", keep: Callable[[SignedCheckpoint], None] | None = None) -> LedgerClient:
        server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
        rpc.add_LedgerServicer_to_server(ledger, server)
        port = server.add_secure_port("127.0.0.1:0", server_credentials(tls(party)))
        server.start()
        servers.append(server)
        opened.append(LedgerClient(f"127.0.0.1:{port}", tls("matcher"), KEYS, keep))
        return opened[-1]

    yield start
    for client in opened:
        client.close()
    for server in servers:
        server.stop(None).wait()


@pytest.fixture
def client(serve: Callable[..., LedgerClient]) -> LedgerClient:
    return serve()


def test_every_entry_gets_a_receipt_for_where_it_stands(client: LedgerClient, ledger: PlayedLedger) -> None:
    receipts = client.append(STATEMENTS)
    assert [receipt.index for receipt in receipts] == [2, 3, 4, 5, 6]
    assert {receipt.checkpoint.checkpoint.size for receipt in receipts} == {7}
    assert ledger.entries[2:] == [entry_bytes(statement) for statement in STATEMENTS]
    assert not receipts[0].checkpoint.witnessed


def test_what_receipts_rest_on_is_kept_before_they_count(serve: Callable[..., LedgerClient]) -> None:
    kept: list[SignedCheckpoint] = []
    receipts = serve(keep=kept.append).append(STATEMENTS)
    assert kept == [receipts[0].checkpoint]


def test_a_receipt_that_cannot_be_kept_is_none(serve: Callable[..., LedgerClient]) -> None:
    def full(_: SignedCheckpoint) -> None:
        raise StorageError("The disk is full.", "Make room.")

    with pytest.raises(StorageError):
        serve(keep=full).append(STATEMENTS)


def test_a_receipt_that_does_not_hold_is_not_kept(
    serve: Callable[..., LedgerClient], ledger: PlayedLedger
) -> None:
    kept: list[SignedCheckpoint] = []
    ledger.change = another_tree
    with pytest.raises(ProofError):
        serve(keep=kept.append).append(STATEMENTS)
    assert not kept


def test_documents_travel_with_the_entries_that_name_them(client: LedgerClient, ledger: PlayedLedger) -> None:
    with client as opened:
        opened.append([REGISTER_ENTRY.statement(OPERATOR)], [DOCUMENT])
    assert list(ledger.requests[0].documents) == [document_bytes(DOCUMENT)]


def test_nothing_is_sent_for_nothing_and_nothing_that_is_too_much(
    client: LedgerClient, ledger: PlayedLedger
) -> None:
    assert client.append([]) == []
    with pytest.raises(MessageError, match="at once"):
        client.append([STATEMENTS[0]] * (MAX_ENTRIES + 1))
    assert not ledger.requests


def exchange_checkpoint(response: v1.AppendResponse, signer: LogSigner, checkpoint: Checkpoint) -> None:
    response.checkpoint = signer.sign(checkpoint, NOW).to_bytes()


def swap(response: v1.AppendResponse) -> None:
    first, second = response.receipts[0].index, response.receipts[1].index
    response.receipts[0].index, response.receipts[1].index = second, first


def drop(response: v1.AppendResponse) -> None:
    del response.receipts[-1]


def double(response: v1.AppendResponse) -> None:
    response.receipts.append(response.receipts[0])


def empty(response: v1.AppendResponse) -> None:
    response.checkpoint = b""


def shorten(response: v1.AppendResponse) -> None:
    del response.receipts[0].path[-1]


def another_tree(response: v1.AppendResponse) -> None:
    exchange_checkpoint(response, LOG, Checkpoint(ORIGIN, 7, bytes(32)))


def another_signer(response: v1.AppendResponse) -> None:
    note = Checkpoint(ORIGIN, 7, bytes(32))
    exchange_checkpoint(response, LogSigner.from_seed(ORIGIN, b"x" * 32), note)


def far_index(response: v1.AppendResponse) -> None:
    response.receipts[0].index = 1 << 63


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (swap, ProofError),
        (drop, ProofError),
        (double, ProofError),
        (shorten, ProofError),
        (far_index, ProofError),
        (another_tree, ProofError),
        (another_signer, SignatureError),
        (empty, MessageError),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_receipt_that_does_not_hold_is_refused(
    client: LedgerClient, ledger: PlayedLedger, change: Change, error: type[BlindplateError]
) -> None:
    ledger.change = change
    with pytest.raises(error):
        client.append(STATEMENTS)


def test_what_the_ledger_refuses_comes_as_its_own_error(client: LedgerClient, ledger: PlayedLedger) -> None:
    ledger.error = EntryError("A list version's number does not rise.")
    with pytest.raises(EntryError, match="does not rise"):
        client.append(STATEMENTS)


def test_another_party_cannot_stand_in_for_the_ledger(
    serve: Callable[..., LedgerClient], ledger: PlayedLedger
) -> None:
    with pytest.raises(UnavailableError):
        serve("custodian-a").append(STATEMENTS)
    assert not ledger.requests
