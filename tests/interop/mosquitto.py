"""A real broker, Debian's mosquitto: what a camera has not made durable outlives broker and camera, and comes once.

Run it as ``python -m tests.interop.mosquitto``. The broker demands a name and password, keeps sessions on its disk, and is
ended and started anew while publications wait.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from blindplate.client.camera.counts import Counted
from blindplate.client.camera.mqtt import MqttSettings, MqttSource
from tests.unit.client.camera.feeds import Bench
from tests.unit.client.camera.test_mqtt import update

_NAME: Final = "camera"
_PASSWORD: Final = "a-password"
_TOPIC: Final = "frigate/tracked_object_update"
_SECONDS: Final = 30.0


def main() -> None:
    """Go through it all; an AssertionError says what did not hold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = _settings(folder)
        _everything_is_acknowledged(folder, settings)
        _nothing_is_lost_with_broker_and_camera(folder, settings)
    print("mosquitto: acknowledged means durable, over an ended broker and an ended camera")


def _everything_is_acknowledged(folder: Path, settings: MqttSettings) -> None:
    bench = _bench(folder, "first")
    with _broker(folder, settings), _camera(settings, bench):
        time.sleep(1)
        _publish(settings, range(100))
        # Mosquitto sends twenty and waits: each acknowledgement lets one more through.
        _wait_for(lambda: _worked(bench) == 100)
        time.sleep(1)
    again = _bench(folder, "again")
    with _broker(folder, settings), _camera(settings, again):
        time.sleep(2)
    assert again.counts[Counted.EVENTS] == 0, "An acknowledged publication came again."


def _nothing_is_lost_with_broker_and_camera(folder: Path, settings: MqttSettings) -> None:
    first, second = _bench(folder, "third"), _bench(folder, "fourth")
    with _camera(settings, first):
        with _broker(folder, settings):
            time.sleep(1)
            _publish(settings, range(10))
            _wait_for(lambda: first.counts[Counted.READS] == 10)
        # The broker is gone, and comes back with what it has no acknowledgement of.
        with _broker(folder, settings):
            _wait_for(lambda: first.counts[Counted.EVENTS] == 20)
            assert first.counts[Counted.READS] == 10, "A repetition became a second read."
    with _broker(folder, settings), _camera(settings, second):
        _wait_for(lambda: second.counts[Counted.READS] == 10)


def _settings(folder: Path) -> MqttSettings:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    login = folder / "login"
    login.write_text(f"{_NAME}\n{_PASSWORD}\n")
    login.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-b", "-c", folder / "passwords", _NAME, _PASSWORD], check=True)
    (folder / "store").mkdir()
    # Started by root it goes on as mosquitto, and must still read and write here.
    user = "root" if os.getuid() == 0 else "mosquitto"
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/passwords\nuser {user}\n"
        f"persistence true\npersistence_location {folder}/store/\n"
    )
    return MqttSettings(port=port, tls=False, login=login)


@contextmanager
def _broker(folder: Path, settings: MqttSettings) -> Iterator[None]:
    process = subprocess.Popen(
        ["mosquitto", "-c", folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(lambda: _answers(settings.port))
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _camera(settings: MqttSettings, bench: Bench) -> Iterator[None]:
    stop = threading.Event()
    source = threading.Thread(target=MqttSource(settings, "camera-1").run, args=(bench.feed, stop))
    source.start()
    try:
        yield
    finally:
        stop.set()
        source.join()


def _worked(bench: Bench) -> int:
    bench.work()
    return bench.counts[Counted.READS]


def _bench(folder: Path, name: str) -> Bench:
    (folder / name).mkdir()
    return Bench(folder / name, "frigate")


def _client(settings: MqttSettings, name: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=name)
    client.username_pw_set(_NAME, _PASSWORD)
    client.connect(settings.host, settings.port)
    client.loop_start()
    return client


def _publish(settings: MqttSettings, numbers: range) -> None:
    client = _client(settings, "publisher")
    for number in numbers:
        client.publish(_TOPIC, update(f"AB{number:02d}CDE"), qos=1).wait_for_publish(_SECONDS)
    client.loop_stop()
    client.disconnect()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < until, "It did not come to pass."
        time.sleep(0.05)


if __name__ == "__main__":
    main()
