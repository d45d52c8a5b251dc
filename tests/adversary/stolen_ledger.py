"""A ledger in the hands of its operator turned attacker: its signing key, its certificate, its address, its entries.

Begins as the real ledger of a real deployment, which both real custodians have witnessed; then the attacker serves
whatever files it likes where the ledger's were, signs whatever checkpoint it likes, and asks the custodians for
cosignatures over the same gRPC and mutual TLS.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.cli.deployment.witnessing import witness_name
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LogSigner
from blindplate.core.ledger.layout import CHECKPOINT
from blindplate.core.ledger.notes import Note, NoteSignature, parse_signature_lines
from blindplate.core.ledger.witness_messages import encode_add_checkpoint
from blindplate.core.merkle import root
from blindplate.core.parties import Custodian
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import LedgerAccess
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import witness_pb2 as v1
from blindplate.v1.witness_pb2_grpc import WitnessStub
from tests.adversary.histories import History, history_of
from tests.integration.conftest import small_plan
from tests.integration.custodian.conftest import Custodians
from tests.integration.ledger_site import MovedClock, RunningLedger, party_tls, until


@dataclass
class StolenLedger:
    """``honest`` is what both custodians have witnessed; ``files`` is what is served now, by path."""

    custodians: Custodians
    honest: History
    signer: LogSigner
    kept: dict[str, bytes]
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    @property
    def deployment(self) -> Deployment:
        return self.custodians.deployment

    @property
    def access(self) -> LedgerAccess:
        return self.custodians.ledger.access()

    @property
    def now(self) -> int:
        return int(self.custodians.clock.now())

    def note(self, history: History, later: int = 1) -> Note:
        """A checkpoint of it, by the ledger's own keys, signed ``later`` than now by so many seconds."""
        return self.signer.sign(self.checkpoint(history), self.now + later)

    def checkpoint(self, history: History) -> Checkpoint:
        """What there is to sign of it."""
        return Checkpoint(self.signer.keys[0].name, history.size, root(history.entries))

    def show(self, history: History, checkpoint: bytes = b"", **files: bytes) -> None:
        """Serve it from now on, with the documents and records there were; ``files`` are served in place of its own."""
        self.files.clear()
        self.files.update(self.kept | history.files())
        if checkpoint:
            self.files[CHECKPOINT] = checkpoint
        self.files.update(files)

    def ask(self, custodian: Custodian, history: History, note: Note | None = None) -> list[NoteSignature]:
        """Have a custodian cosign it, as going on from where that stands; empty for a conflict. Raises its refusal."""
        old = min(self.custodians.running[custodian].replica.size, history.size)
        body = encode_add_checkpoint(old, history.proof(old), note or self.note(history))
        peer, tls = f"custodian-{custodian}", party_tls(self.deployment, "ledger")
        with open_channel(self.custodians.address(custodian), peer, tls) as channel, remote_errors(peer):
            answer = WitnessStub(channel).AddCheckpoint(v1.AddCheckpointRequest(body=body), timeout=20)
        return list(parse_signature_lines(answer.cosignatures)) if answer.cosignatures else []

    def cosigned(
        self, history: History, by: Iterable[Custodian] = Custodian, corrupt: Iterable[Custodian] = ()
    ) -> bytes:
        """A checkpoint that these custodians cosigned; those that are ``corrupt`` sign whatever they are shown."""
        note = self.note(history)
        signatures = [one for custodian in by for one in self.ask(custodian, history, note)]
        for custodian in corrupt:
            signatures += self.cosigner(custodian).cosign(Checkpoint.from_body(note.text), self.now)
        return note.with_signatures(signatures).to_bytes()

    def goes_on(self, history: History) -> None:
        """For once as it should: both custodians read it and cosign it, and it is public."""
        self.honest = history
        self.show(history)
        self.files[CHECKPOINT] = self.cosigned(history)

    def cosigner(self, custodian: Custodian) -> Cosigner:
        """A custodian's keys as a witness, for one that works for the attacker."""
        seed = read_secret(self.deployment.home(f"custodian-{custodian}") / "witness.key", 32)
        return Cosigner.from_seed(witness_name(custodian), seed)

    def witnessed(self, custodian: Custodian) -> int:
        """How many entries a custodian has cosigned."""
        return self.custodians.running[custodian].replica.size

    def evidence(self, custodian: Custodian) -> set[bytes]:
        """The checkpoints that a custodian has kept for whoever asks who lied."""
        folder = self.custodians.settings(custodian).data / "evidence"
        return {file.read_bytes() for file in folder.glob("*.note")}


@contextmanager
def stolen_ledger(folder: Path) -> Generator[StolenLedger]:
    """A deployment whose honest days are just over: both custodians run, and the attacker has the ledger."""
    with running_custodians(folder) as custodians, stolen_from(custodians) as stolen:
        yield stolen


@contextmanager
def stolen_from(custodians: Custodians) -> Generator[StolenLedger]:
    """The attacker has the ledger of these from now on; everything entered is witnessed and public."""
    until(lambda: settled(custodians))
    custodians.ledger.stop()
    deployment = custodians.deployment
    public = deployment.ledger
    kept = {
        path.relative_to(public).as_posix(): path.read_bytes()
        for name in ("documents", "witnessed", CHECKPOINT)
        for path in (public / name, *(public / name).rglob("*"))
        if path.is_file()
    }
    seed = read_secret(deployment.home("ledger") / "signing.key", 32)
    access = custodians.ledger.access()
    stolen = StolenLedger(
        custodians,
        history_of(public, custodians.published),
        LogSigner.from_seed(access.keys.origin, seed),
        kept,
    )
    stolen.show(stolen.honest)
    host, _, port = access.url.removeprefix("http://").rpartition(":")
    with ThreadingHTTPServer((host, int(port)), _handler(stolen.files)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield stolen
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running_custodians(folder: Path) -> Generator[Custodians]:
    """Both custodians and the ledger of a new deployment, everything entered so far witnessed and public."""
    clock = MovedClock()
    deployment = create_deployment(folder / "deployment", small_plan())
    custodians = Custodians(deployment, clock, RunningLedger(deployment, clock))
    try:
        custodians.begin()
        yield custodians
    finally:
        custodians.close()


def settled(custodians: Custodians) -> bool:
    """Whether nothing waits to be entered, and everything entered is witnessed and public."""
    ledger = custodians.ledger.running
    assert ledger is not None
    waiting = any(_waiting(custodians, custodian) for custodian in Custodian)
    return not waiting and custodians.all_witnessed() and custodians.published == ledger.size


def put_back(backup: Path, folder: Path) -> None:
    """Restore a folder from a backup."""
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


def _handler(files: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
            del format, args

    return Handler


def _waiting(custodians: Custodians, custodian: Custodian) -> int:
    """How many statements of a custodian are not in the ledger yet."""
    with closing(sqlite3.connect(custodians.settings(custodian).data / "custodian.sqlite")) as database:
        row = database.execute("SELECT count(*) FROM outbox WHERE ledger_index IS NULL").fetchone()
    return int(row[0])
