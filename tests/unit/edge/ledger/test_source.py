"""Where the ledger's files come from: no more than a file can hold, nothing from outside, typed errors."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from blindplate.core.errors import MessageError, NotFoundError, SettingsError, UnavailableError
from blindplate.core.ledger.layout import CHECKPOINT, document_path, entries_path, tile_path
from blindplate.core.ledger.notes import MAX_NOTE_BYTES
from blindplate.edge.ledger import source as module
from blindplate.edge.ledger.source import FolderSource, HttpSource, open_source
from tests.unit.edge.ledger.publishing import folder_server, web_server

PATHS = [
    CHECKPOINT,
    entries_path(0),
    entries_path(1_234_067, 5),
    tile_path(63, 12, 1),
    document_path(b"d" * 32),
]
OUTSIDE = [
    "",
    "/etc/passwd",
    "../checkpoint",
    "tile/../../secret",
    "tile/entries/..",
    "tile//0",
    "tile/entries/000.p/",
    "documents/AB",
    "documents/x%2f",
    "other",
    "http://elsewhere/checkpoint",
    "tile/0/000\n",
    "tile/0/000?x",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, path in enumerate(PATHS):
        file = tmp_path / "public" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"content {number}".encode())
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "public"


@pytest.fixture(params=["folder", "http"])
def source(request: pytest.FixtureRequest, folder: Path) -> Iterator[FolderSource | HttpSource]:
    if request.param == "folder":
        opened = open_source(str(folder))
        yield opened
        opened.close()
        return
    with web_server(folder_server(folder)) as address:
        opened = open_source(address)
        yield opened
        opened.close()


@pytest.mark.parametrize("path", PATHS)
def test_a_file_is_given_as_it_is(source: FolderSource | HttpSource, path: str) -> None:
    assert source.get(path) == f"content {PATHS.index(path)}".encode()


def test_a_file_that_is_not_there_is_not_found(source: FolderSource | HttpSource) -> None:
    for path in (entries_path(7), entries_path(0, 5), document_path(b"x" * 32)):
        with pytest.raises(NotFoundError):
            source.get(path)


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_anywhere_else(source: FolderSource | HttpSource, path: str) -> None:
    with pytest.raises(MessageError):
        source.get(path)


def test_the_longest_file_is_taken_and_a_longer_one_is_not(
    source: FolderSource | HttpSource, folder: Path
) -> None:
    (folder / CHECKPOINT).write_bytes(b"x" * MAX_NOTE_BYTES)
    assert len(source.get(CHECKPOINT)) == MAX_NOTE_BYTES
    (folder / CHECKPOINT).write_bytes(b"x" * (MAX_NOTE_BYTES + 1))
    with pytest.raises(MessageError, match="longer"):
        source.get(CHECKPOINT)


def test_a_tile_longer_than_256_hashes_is_not_taken(source: FolderSource | HttpSource, folder: Path) -> None:
    tile = folder / tile_path(0, 0)
    tile.parent.mkdir(parents=True)
    tile.write_bytes(bytes(256 * 32 + 1))
    with pytest.raises(MessageError, match="longer"):
        source.get(tile_path(0, 0))


def test_a_link_out_of_the_folder_gives_nothing(folder: Path) -> None:
    (folder / "documents" / "aa").symlink_to(folder.parent / "secret")
    with pytest.raises(MessageError, match="outside"):
        FolderSource(folder).get("documents/aa")


def test_a_folder_in_the_place_of_a_file_and_a_file_in_the_place_of_a_folder_are_not_found(
    folder: Path,
) -> None:
    for path in ("tile/entries", "checkpoint/x"):
        with pytest.raises((NotFoundError, MessageError)):
            FolderSource(folder).get(path)
    with pytest.raises(NotFoundError):
        FolderSource(folder).get("documents/" + document_path(b"d" * 32).removeprefix("documents/") + "/x")


def test_a_file_that_cannot_be_read_is_said_to_be_unavailable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(UnavailableError, match="Input/output error"):
        FolderSource(folder).get(CHECKPOINT)


@pytest.mark.parametrize(
    "address",
    ["/no/such/folder", "ftp://ledger.example", "http://", "https:///x", "http://x:port"],
)
def test_an_address_that_is_none_is_a_wrong_setting(address: str) -> None:
    with pytest.raises(SettingsError):
        open_source(address)


@contextmanager
def asked(answer: Callable[[BaseHTTPRequestHandler], None], below: str = "") -> Iterator[HttpSource]:
    """A source at a server that answers as told."""
    with web_server(answering(answer)) as address, closing(HttpSource(address + below)) as source:
        yield source


def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Callable[..., Any]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's own parameter
            pass

    return Handler


@pytest.mark.parametrize("status", [204, 301, 302, 403, 500, 503])
def test_any_other_answer_than_yes_or_no_is_no_answer(status: int) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with asked(answer) as source, pytest.raises(UnavailableError, match=str(status)):
        source.get(CHECKPOINT)


def test_an_endless_answer_is_cut_off() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            return

    with asked(answer) as source, pytest.raises(MessageError, match="longer"):
        source.get(CHECKPOINT)


def test_an_answer_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FILE_SECONDS", -1.0)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "3")
        handler.end_headers()
        handler.wfile.write(b"abc")

    with asked(answer) as source, pytest.raises(UnavailableError, match="slowly"):
        source.get(CHECKPOINT)


def test_no_compressed_answer_is_asked_for_and_none_is_unfolded() -> None:
    headers: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        headers.append(handler.headers["Accept-Encoding"])
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", "3")
        handler.end_headers()
        handler.wfile.write(b"abc")

    with asked(answer) as source:
        assert source.get(CHECKPOINT) == b"abc"
    assert headers == ["identity"]


def test_an_address_below_a_path_is_kept() -> None:
    paths: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        paths.append(handler.path)
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    for below in ("/ledger", "/ledger/"):
        with asked(answer, below) as source, pytest.raises(NotFoundError):
            source.get(entries_path(1000, 3))
    assert paths == ["/ledger/tile/entries/x001/000.p/3"] * 2


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_that_the_environment_names_is_not_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    asked_proxy: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked_proxy.append(handler.path)
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with web_server(answering(answer)) as proxy, web_server(folder_server(folder)) as address:
        monkeypatch.setenv(variable, proxy)
        with closing(HttpSource(address)) as source:
            assert source.get(CHECKPOINT) == b"content 0"
    assert asked_proxy == []


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    with closing(HttpSource(f"http://127.0.0.1:{port}")) as source, pytest.raises(UnavailableError):
        source.get(CHECKPOINT)
