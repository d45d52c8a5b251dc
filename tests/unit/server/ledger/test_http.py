"""The public files over HTTP: what C2SP names, as it must be served, and nothing else."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from blindplate.core.errors import SettingsError
from blindplate.server.ledger.http import PublicServer

FILES = {
    "checkpoint": b"a note\n",
    "tile/0/000": bytes(8192),
    "tile/0/x001/234.p/5": bytes(160),
    "tile/entries/000": b"\x00\x01x",
    "documents/" + "0" * 64: b"{}",
}
OTHERS = {
    ".new/0": b"half",
    "head.sqlite": b"private",
    "tile/0/000.p/0": b"",
    "tile/64/000": b"",
    "tile/0/0000": b"",
    "documents/note": b"",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("site") / "public"
    (folder.parent / "secret").mkdir()
    (folder.parent / "secret" / "000").write_bytes(b"secret")
    for name, content in (FILES | OTHERS).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    server = PublicServer("127.0.0.1:0", folder)
    server.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as opened:
        yield opened
    server.stop()


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_is_served(client: httpx.Client, name: str) -> None:
    got, asked = client.get(name), client.head(name)
    assert (got.status_code, got.content) == (200, FILES[name])
    assert (asked.status_code, asked.content) == (200, b"")
    assert got.headers["content-length"] == asked.headers["content-length"] == str(len(FILES[name]))
    assert got.headers["access-control-allow-origin"] == "*"
    assert "server" not in got.headers


def test_types_and_caching_are_what_tlog_tiles_asks_for(client: httpx.Client) -> None:
    told = {name: client.get(name).headers for name in FILES}
    kinds = {name: headers["content-type"] for name, headers in told.items()}
    assert list(kinds.values()) == [
        "text/plain; charset=utf-8",
        *["application/octet-stream"] * 3,
        "application/json",
    ]
    lasting = {name for name, headers in told.items() if "immutable" in headers["cache-control"]}
    assert lasting == set(FILES) - {"checkpoint"}
    assert told["checkpoint"]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        *OTHERS,
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "documents/",
        "checkpoint/",
        "tile/0/001",
        "../secret/000",
        "tile/0/../../../secret/000",
        "tile/0/..%2f..%2f..%2fsecret/000",
        "tile/0/%2e%2e/%2e%2e/%2e%2e/secret/000",
        "//etc/passwd",
        "checkpoint%00",
        "checkpoint%0a",
    ],
)
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    # As bytes on the wire: a client would tidy such a path up before it sends it.
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"There is no such file.\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(client: httpx.Client, method: str) -> None:
    assert client.request(method, "checkpoint", content=b"x").status_code == 405
    assert client.get("checkpoint").content == FILES["checkpoint"]


def test_a_taken_address_is_refused(tmp_path: Path, client: httpx.Client) -> None:
    with pytest.raises(SettingsError, match="cannot be bound"):
        PublicServer(f"127.0.0.1:{client.base_url.port}", tmp_path)


def test_a_server_never_started_can_be_stopped(tmp_path: Path) -> None:
    server = PublicServer("127.0.0.1:0", tmp_path)
    server.stop()
    PublicServer(f"127.0.0.1:{server.port}", tmp_path).stop()


def test_a_reader_that_reads_nothing_is_cut_off_when_the_server_stops(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / ("0" * 64)).write_bytes(bytes(64 << 20))
    server = PublicServer("127.0.0.1:0", tmp_path)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(f"GET /documents/{'0' * 64} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.recv(1)
        server.stop()
        # An end or a reset, however much was on its way: not a socket that is left to the collector of garbage.
        slow.settimeout(10)
        with suppress(ConnectionResetError):
            while slow.recv(1 << 20):
                pass
    gc.collect()
