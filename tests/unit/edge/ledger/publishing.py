"""A ledger as the files it publishes: real signatures, a folder, and a web server on loopback that gives them out."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from blindplate.core import merkle
from blindplate.core.ledger.bundles import encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, SignedCheckpoint, verify_checkpoint
from blindplate.core.ledger.entries import document_bytes, document_digest
from blindplate.core.ledger.layout import CHECKPOINT, TILE_WIDTH, bundles_between, document_path, entries_path
from blindplate.core.ledger.notes import Note
from blindplate.core.signing import Statement
from tests.unit.core.ledger.samples import KEYS, ORIGIN, signed


class Published:
    """A ledger's files in ``folder``; whoever runs it may also write there what no ledger should."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[bytes] = []
        folder.mkdir()

    def write(self, path: str, content: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def document(self, statement: Statement) -> None:
        self.write(document_path(document_digest(statement)), document_bytes(statement))

    def append(self, *entries: bytes) -> None:
        """Add entries and their bundles; no checkpoint yet."""
        old = len(self.entries)
        self.entries += entries
        self._write_bundles(old, len(self.entries))

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = len(self.entries) if size is None else size
        return Checkpoint(ORIGIN, size, merkle.root(self.entries[:size]))

    def note(self, *, a: int | None, b: int | None, size: int | None = None) -> Note:
        """A signed note of the first ``size`` entries, cosigned at these moments."""
        return signed(self.checkpoint(size), a=a, b=b)

    def publish(self, a: int, b: int | None = None, *, size: int | None = None) -> SignedCheckpoint:
        """Write the checkpoint, cosigned by A at ``a`` and by B at ``b``, or at ``a`` as well, and its last bundle."""
        size = len(self.entries) if size is None else size
        self._write_bundles(size - 1 if size else 0, size)
        note = self.note(a=a, b=a if b is None else b, size=size)
        self.write(CHECKPOINT, note.to_bytes())
        return verify_checkpoint(note.to_bytes(), KEYS)

    def _write_bundles(self, old: int, new: int) -> None:
        for bundle in bundles_between(old, new):
            start = bundle.index * TILE_WIDTH
            content = encode_bundle(self.entries[start : start + bundle.width])
            self.write(entries_path(bundle.index, bundle.width), content)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's own parameter
        pass


@contextmanager
def web_server(handler: Callable[..., SimpleHTTPRequestHandler]) -> Iterator[str]:
    """A web server on loopback; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def folder_server(folder: Path) -> Callable[..., SimpleHTTPRequestHandler]:
    """What serves the files of ``folder``."""
    return functools.partial(_Quiet, directory=str(folder))
