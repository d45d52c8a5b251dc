"""Engines through the sources they use: pushes with pictures, files, a pipe out of the same process."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindplate.client.camera import http_push
from blindplate.client.camera.counts import Counted
from blindplate.client.camera.events.fastalpr import message
from blindplate.client.camera.feed import MAX_MESSAGE_BYTES
from blindplate.client.camera.folder import FolderSource
from blindplate.client.camera.http_push import PushSettings, build_server
from blindplate.client.camera.source import StreamSource
from tests.unit.client.camera import engine_samples as engines
from tests.unit.client.camera.engine_samples import MOMENT
from tests.unit.client.camera.feeds import Bench


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_push, "_SETTLE_SECONDS", 0.2)


def made(folder: Path, name: str) -> Bench:
    bench = Bench(folder, name)
    bench.clock.moment = MOMENT + 1
    return bench


@contextmanager
def served(bench: Bench) -> Iterator[int]:
    server = build_server(PushSettings(listen="127.0.0.1:0"), bench.feed)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    yield server.server_address[1]
    server.shutdown()
    serving.join()
    server.server_close()


def post(port: int, body: bytes, boundary: str = "----boundary") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    connection.request("POST", "/ISAPI/Event/notification/KT21ABC", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(250):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("It did not come to pass.")


def test_hikvision_is_answered_200_once_stored_and_told_nothing_else_before(tmp_path: Path) -> None:
    bench = made(tmp_path, "hikvision")
    with served(bench) as port:
        assert post(port, engines.hikvision_push()) == 202
        # It sends the alert again, and again is not durable.
        assert post(port, engines.hikvision_push()) == 202
        bench.work()
        assert post(port, engines.hikvision_push()) == 200
    assert bench.reads() == 1


def test_a_heartbeat_is_answered_200(tmp_path: Path) -> None:
    bench = made(tmp_path, "hikvision")
    heartbeat = engines.HIKVISION_XML.replace(b">ANPR<", b">videoloss<")
    with served(bench) as port:
        assert post(port, heartbeat) == 200
    assert bench.counts[Counted.EVENTS] == 0


def test_large_pictures_are_received_and_dropped(tmp_path: Path) -> None:
    bench = made(tmp_path, "hikvision")
    scene = engines.jpeg() + bytes(5 << 20)
    body = engines.multipart(
        ("detectionPicture.jpg", "image/jpeg", scene), ("anpr.xml", "text/xml", engines.HIKVISION_XML)
    )
    with served(bench) as port:
        assert post(port, body) == 202
        assert post(port, body[:-4]) == 400
        (read,) = [read for read in bench.backlog.take("police", 10) if not read.alternate]
    assert read.event.patch is None
    assert not read.event.patch_left_out


def test_more_than_eight_mebibytes_are_not_read(tmp_path: Path) -> None:
    bench = made(tmp_path, "hikvision")
    with served(bench) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(MAX_MESSAGE_BYTES + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()


@pytest.mark.parametrize(("name", "suffix"), [("genetec", ".xml"), ("milestone", ".xml"), ("bof", ".xml")])
def test_a_file_is_taken_and_deleted_once_stored(tmp_path: Path, name: str, suffix: str) -> None:
    bench = made(tmp_path, name)
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / f"KT21ABC{suffix}"
    path.write_bytes(engines.samples()[name])
    os.utime(path, (time.time() - 10, time.time() - 10))
    stop = threading.Event()
    watching = threading.Thread(target=FolderSource(folder).run, args=(bench.feed, stop))
    watching.start()
    wait_for(lambda: bench.reads() == 1)
    assert path.exists()
    bench.work()
    wait_for(lambda: not path.exists())
    stop.set()
    watching.join()


def test_a_file_with_a_read_for_a_list_that_the_policy_drops_holds_up_nothing(tmp_path: Path) -> None:
    bench = made(tmp_path, "genetec")
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "one.xml"
    path.write_bytes(engines.GENETEC)
    os.utime(path, (time.time() - 10, time.time() - 10))
    stop = threading.Event()
    watching = threading.Thread(target=FolderSource(folder).run, args=(bench.feed, stop))
    watching.start()
    wait_for(lambda: bench.reads() == 1)
    bench.work(("police",))
    bench.backlog.keep_only({"police"})
    wait_for(lambda: not path.exists())
    stop.set()
    watching.join()


@dataclass
class Ocr:
    text: str
    confidence: float


@dataclass
class Result:
    ocr: Ocr | None


def test_fast_alpr_feeds_a_camera_in_its_own_process_through_a_pipe(tmp_path: Path) -> None:
    bench = made(tmp_path, "fastalpr")
    reading, writing = os.pipe()
    stop = threading.Event()
    with os.fdopen(reading, "rb") as stream:
        camera = threading.Thread(target=StreamSource(stream).run, args=(bench.feed, stop))
        camera.start()
        os.write(writing, message([Result(Ocr("KT21ABC", 0.9)), Result(None)], MOMENT, "GB"))
        os.write(writing, message([], MOMENT + 0.1))
        os.write(writing, message([Result(Ocr("LB99XYZ", 0.9))], MOMENT + 0.2, "GB"))
        os.close(writing)
        camera.join(10)
        assert not camera.is_alive()
    assert bench.reads() == 2
    assert bench.counts[Counted.BAD_EVENTS] == 0
