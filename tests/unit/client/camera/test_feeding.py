"""Sources and the feed they share: bad messages cost nobody else, and durable means durable."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from blindplate.client.camera import http_push
from blindplate.client.camera.backlog import Backlog
from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.events import parser_of
from blindplate.client.camera.feed import MAX_MESSAGE_BYTES, Feed
from blindplate.client.camera.folder import FolderSource
from blindplate.client.camera.http_push import HttpSource, PushSettings, build_server
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import Reader
from blindplate.client.camera.source import StreamSource
from blindplate.core.errors import SettingsError
from tests.unit.client.camera.samples import NOW, MovedClock, Parties

PARTIES = Parties()
LISTS = ("police", "emissions")


@dataclass
class Bench:
    """A feed, and a worker that can be told to make durable what waits."""

    feed: Feed
    backlog: Backlog
    counts: Counts

    def work(self) -> int:
        done = 0
        for list_id in LISTS:
            reads = self.backlog.take(list_id, 1000)
            self.backlog.done(list_id, reads)
            done += len(reads)
        return done


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    counts = Counts()
    backlog = Backlog(1000, counts, drop_oldest=False)
    policy = PARTIES.policy_file(tmp_path, PARTIES.policy())
    reader = Reader(Passes(10), "GB", 3600, counts)
    return Bench(Feed(parser_of("plain"), reader, backlog, policy, MovedClock(), counts), backlog, counts)


def message(plate: str = "KT21ABC", moment: float = NOW) -> bytes:
    captured_at = datetime.fromtimestamp(moment, UTC).isoformat()
    return json.dumps({"plate": plate, "captured_at": captured_at}).encode()


def test_a_message_is_durable_once_every_list_has_its_record(bench: Bench) -> None:
    taken = bench.feed.take(message())
    assert taken.failures == ()
    assert not bench.feed.settled([taken], 0)
    bench.backlog.done("police", bench.backlog.take("police", 1))
    assert not bench.feed.settled([taken], 0)
    bench.work()
    assert bench.feed.settled([taken], 0)


def test_a_message_sent_twice_is_not_durable_before_its_read_is(bench: Bench) -> None:
    bench.feed.take(message())
    again = bench.feed.take(message())
    assert bench.counts[Counted.COLLAPSED] == 1
    assert not bench.feed.settled([again], 0)
    bench.work()
    assert bench.feed.settled([again], 0)


def test_a_bad_line_is_counted_named_by_number_and_costs_no_other(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    content = b"\n".join(
        [message(), b"KT21XXX is no event", message("???"), message("LB99XYZ", NOW + 500), message("LB99XYZ")]
    )
    StreamSource(io.BytesIO(content)).run(bench.feed, threading.Event())
    assert bench.work() == 4
    assert bench.counts[Counted.BAD_EVENTS] == 1
    assert bench.counts[Counted.NO_PLATE] == 1
    assert bench.counts[Counted.WRONG_TIME] == 1
    shown = "".join(capsys.readouterr())
    assert "KT21" not in shown
    assert "LB99" not in shown
    assert all(f"{number}" in shown for number in (2, 3, 4))


def test_a_line_that_is_too_long_is_counted(bench: Bench) -> None:
    content = b"x" * (2 * MAX_MESSAGE_BYTES) + b"\n" + message()
    StreamSource(io.BytesIO(content)).run(bench.feed, threading.Event())
    assert bench.counts[Counted.BAD_EVENTS] == 1
    assert bench.work() == 2


# -- folder --------------------------------------------------------------------------------------------------


def drop(folder: Path, name: str, content: bytes, age: float = 10) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def watched(bench: Bench, folder: Path) -> Iterator[threading.Event]:
    stop = threading.Event()
    watching = threading.Thread(target=FolderSource(folder).run, args=(bench.feed, stop))
    watching.start()
    yield stop
    stop.set()
    watching.join(5)
    assert not watching.is_alive()


def wait_for(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("It did not come to pass.")


def test_a_file_is_deleted_only_once_its_read_is_durable(
    bench: Bench, folder: Path, watched: threading.Event
) -> None:
    path = drop(folder, "KT21ABC.json", message())
    wait_for(lambda: len(bench.backlog) == 2)
    time.sleep(0.3)
    assert path.exists()
    bench.work()
    wait_for(lambda: not path.exists())


def test_a_refused_file_is_set_aside_and_others_go_on(
    bench: Bench, folder: Path, watched: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    drop(folder, "KT21XXX.json", b"no event")
    wait_for((folder / "KT21XXX.json.refused").exists)
    path = drop(folder, "LB99XYZ.json", message("LB99XYZ"))
    wait_for(lambda: len(bench.backlog) == 2)
    bench.work()
    wait_for(lambda: not path.exists())
    assert "KT21" not in "".join(capsys.readouterr())


def test_a_file_still_being_written_and_hidden_ones_are_left_alone(bench: Bench, folder: Path) -> None:
    drop(folder, "new.json", message(), age=0)
    drop(folder, ".hidden.json", message("LB99XYZ"))
    (folder / "folder.json").mkdir()
    assert list(FolderSource(folder)._ready()) == []


def test_a_folder_that_is_not_there_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        FolderSource(tmp_path / "nowhere").run(bench.feed, threading.Event())


# -- HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pushed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(http_push, "_SETTLE_SECONDS", 0.3)
    server = build_server(PushSettings(listen="127.0.0.1:0"), bench.feed)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    yield server.server_address[1]
    server.shutdown()
    serving.join()
    server.server_close()


def post(port: int, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/KT21ABC", body, headers or {})
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content


def test_200_means_durable_and_202_not_yet(bench: Bench, pushed: int) -> None:
    assert post(pushed, message()) == (202, {})
    working = threading.Timer(0.1, bench.work)
    working.start()
    assert post(pushed, message("LB99XYZ"))[0] == 200
    working.join()
    assert bench.counts[Counted.READS] == 2


def test_a_bad_message_is_told_what_is_wrong_but_not_what_it_said(
    bench: Bench, pushed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    status, content = post(pushed, b'{"plate": "KT21ABC"}')
    assert status == 400
    assert content["code"] == "event"
    assert "captured_at" in content["what"]
    assert "KT21" not in json.dumps(content)
    assert "KT21" not in "".join(capsys.readouterr())


def test_a_message_that_is_too_long_is_not_read(bench: Bench, pushed: int) -> None:
    status, _ = post(pushed, b"", {"Content-Length": str(MAX_MESSAGE_BYTES + 1)})
    assert status == 413


@pytest.mark.parametrize("length", ["-1", "many", "１"])
def test_a_message_of_no_known_length_is_refused(bench: Bench, pushed: int, length: str) -> None:
    with socket.create_connection(("127.0.0.1", pushed), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert connection.recv(100).split()[1] == b"411"


def test_other_methods_are_refused(pushed: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", pushed, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 501
    connection.close()


def test_so_many_connections_and_no_more(bench: Bench, pushed: int) -> None:
    idle = [
        socket.create_connection(("127.0.0.1", pushed), timeout=10) for _ in range(http_push._CONNECTIONS)
    ]
    time.sleep(0.3)
    with socket.create_connection(("127.0.0.1", pushed), timeout=10) as one_more:
        assert one_more.recv(1) == b""
    for connection in idle:
        connection.close()
    wait_for(lambda: _takes(pushed))


def _takes(port: int) -> bool:
    try:
        return post(port, b"{}")[0] == 400
    except (OSError, http.client.HTTPException):
        return False


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    paths = {"certificate": tmp_path / "push.crt", "key": tmp_path / "push.key"}
    paths["certificate"].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths["key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_off_loopback_tls_and_a_list_of_addresses_are_demanded(
    bench: Bench, certificate: dict[str, Any]
) -> None:
    anywhere = (ip_network("192.0.2.0/24"),)
    for settings in (
        PushSettings(listen="0.0.0.0:0"),
        PushSettings(listen="0.0.0.0:0", allow=anywhere),
        PushSettings(listen="0.0.0.0:0", **certificate),
        PushSettings(listen="[::]:0", allow=anywhere),
    ):
        with pytest.raises(SettingsError, match="TLS"):
            build_server(settings, bench.feed)
    build_server(PushSettings(listen="0.0.0.0:0", allow=anywhere, **certificate), bench.feed).server_close()


def test_an_address_that_is_not_listed_is_not_heard(bench: Bench) -> None:
    server = build_server(PushSettings(listen="127.0.0.1:0", allow=(ip_network("192.0.2.0/24"),)), bench.feed)
    peers = ("192.0.2.7", "127.0.0.1", "198.51.100.1", "2001:db8::1")
    with socket.socket() as unused:
        heard = [peer for peer in peers if server.verify_request(unused, (peer, 1))]
    assert heard == ["192.0.2.7", "127.0.0.1"]
    server.server_close()


def test_events_come_over_tls(
    bench: Bench, certificate: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_push, "_SETTLE_SECONDS", 0.1)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = PushSettings(listen=f"127.0.0.1:{port}", **certificate)
    serving = threading.Thread(target=HttpSource(settings).run, args=(bench.feed, stop))
    serving.start()
    context = ssl.create_default_context(cafile=certificate["certificate"])
    context.check_hostname = False
    # A client that never finishes its handshake must not keep others out.
    wait_for(lambda: _connects(port))
    with socket.create_connection(("127.0.0.1", port)):
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        connection.request("POST", "/", message())
        assert connection.getresponse().status == 202
        connection.close()
    stop.set()
    serving.join(5)
    assert not serving.is_alive()


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "listen", ["", "7790", "localhost:7790", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1"]
)
def test_an_address_that_is_none_is_refused(bench: Bench, listen: str) -> None:
    with pytest.raises(SettingsError):
        build_server(PushSettings(listen=listen), bench.feed)


def test_a_taken_port_and_an_unusable_certificate_are_told(bench: Bench, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="bound"):
        build_server(PushSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}"), bench.feed)
    (tmp_path / "bad.pem").write_text("no certificate")
    bad = PushSettings(listen="127.0.0.1:0", certificate=tmp_path / "bad.pem", key=tmp_path / "bad.pem")
    with pytest.raises(SettingsError, match="certificate"):
        build_server(bad, bench.feed)
