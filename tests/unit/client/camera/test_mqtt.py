"""MQTT: acknowledged means durable; a broken connection, a restart and a bad message lose and repeat nothing for ever."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from blindplate.client.camera import mqtt
from blindplate.client.camera.counts import Counted
from blindplate.client.camera.mqtt import MqttSettings, MqttSource
from blindplate.core.errors import SettingsError
from tests.unit.client.camera.feeds import Bench
from tests.unit.client.camera.mqtt_broker import broker
from tests.unit.client.camera.samples import NOW

LOGIN = ("camera", "tr0ub4dor-QUOKKA")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "frigate")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_RECONNECT_SECONDS", (0.05, 0.2))
    monkeypatch.setattr(mqtt, "_POLL_SECONDS", 0.02)
    monkeypatch.setattr(mqtt, "_LAST_SECONDS", 0.3)


def update(plate: str = "KT21ABC", moment: float = NOW, **fields: object) -> bytes:
    content = {
        "type": "lpr",
        "id": plate,
        "plate": plate,
        "score": 0.9,
        "camera": "gate",
        "timestamp": moment,
    }
    return json.dumps(content | fields).encode()


def settings(port: int, **fields: object) -> MqttSettings:
    return MqttSettings.model_validate({"port": port, "tls": False, **fields})


@contextmanager
def running(to: MqttSettings, bench: Bench) -> Iterator[None]:
    stop = threading.Event()
    source = threading.Thread(target=MqttSource(to, "camera-1").run, args=(bench.feed, stop))
    source.start()
    try:
        yield
    finally:
        stop.set()
        source.join(5)
        assert not source.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("It did not come to pass.")


def test_a_publication_is_acknowledged_once_every_list_has_its_record(bench: Bench) -> None:
    with broker() as made, running(settings(made.port), bench):
        made.publish(update())
        wait_for(lambda: bench.counts[Counted.READS] == 1)
        bench.work(("police",))
        time.sleep(0.2)
        assert made.acknowledged == []
        bench.work()
        wait_for(lambda: made.acknowledged == [update()])
    assert [(one.client_id, one.clean) for one in made.sessions] == [("blindplate-camera-1", False)]
    assert made.topics == [("frigate/tracked_object_update", 1)]


def test_acknowledgements_keep_the_order_in_which_publications_came(bench: Bench) -> None:
    plates = ["KT21ABC", "LB99XYZ", "AB12CDE"]
    with broker() as made, running(settings(made.port), bench):
        for plate in plates:
            made.publish(update(plate))
        # One that holds no read would be ready at once.
        made.publish(b'{"type": "face"}')
        wait_for(lambda: bench.counts[Counted.READS] == 3)
        time.sleep(0.2)
        assert made.acknowledged == []
        bench.work()
        wait_for(lambda: len(made.acknowledged) == 4)
        assert made.acknowledged == [*map(update, plates), b'{"type": "face"}']


def test_after_a_broken_connection_the_same_publication_is_no_second_read(bench: Bench) -> None:
    with broker() as made, running(settings(made.port), bench):
        made.publish(update())
        wait_for(lambda: bench.counts[Counted.READS] == 1)
        made.drop()
        wait_for(lambda: len(made.sent) == 2)
        assert made.acknowledged == []
        bench.work()
        wait_for(lambda: made.acknowledged == [update()])
    assert bench.counts[Counted.READS] == 1
    assert bench.counts[Counted.COLLAPSED] == 1


def test_what_was_not_durable_when_a_camera_ended_comes_to_the_next(bench: Bench, tmp_path: Path) -> None:
    with broker() as made:
        with running(settings(made.port), bench):
            made.publish(update())
            wait_for(lambda: bench.counts[Counted.READS] == 1)
        assert made.acknowledged == []
        made.publish(update("LB99XYZ"))
        other = tmp_path / "other"
        other.mkdir()
        after = Bench(other, "frigate")
        with running(settings(made.port), after):
            wait_for(lambda: after.counts[Counted.READS] == 2)
            after.work()
            wait_for(lambda: len(made.acknowledged) == 2)


def test_what_is_sealed_while_a_camera_ends_is_still_acknowledged(bench: Bench) -> None:
    with broker() as made:
        with running(settings(made.port), bench):
            made.publish(update())
            wait_for(lambda: bench.counts[Counted.READS] == 1)
            working = threading.Timer(0.1, bench.work)
            working.start()
        working.join()
        wait_for(lambda: made.acknowledged == [update()])


def test_a_refused_publication_is_counted_acknowledged_and_not_shown(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = b'{"type": "lpr", "plate": "KT21ABC"}'
    with broker() as made, running(settings(made.port), bench):
        for payload in (bad, b"KT21ABC", update(plate="???"), update(moment=NOW + 999)):
            made.publish(payload)
        made.publish(update("LB99XYZ"))
        wait_for(lambda: bench.counts[Counted.READS] == 1)
        bench.work()
        wait_for(lambda: len(made.acknowledged) == 5)
    assert bench.counts[Counted.BAD_EVENTS] == 2
    shown = "".join(capfd.readouterr())
    assert shown.count("event-refused") == 4
    assert "KT21" not in shown


def test_publications_of_qos_0_are_taken_and_told_once(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    with broker() as made, running(settings(made.port), bench):
        wait_for(lambda: made.topics != [])
        for plate in ("KT21ABC", "LB99XYZ"):
            made.publish(update(plate), qos=0)
        wait_for(lambda: bench.counts[Counted.READS] == 2)
    assert "".join(capfd.readouterr()).count("mqtt-unreliable") == 1


def test_memory_stays_bounded_whatever_the_quality_of_service(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "frigate", limit=5)
    with broker() as made, running(settings(made.port), bench):
        wait_for(lambda: made.topics != [])
        for number in range(100):
            made.publish(update(f"AB{number:02d}CDE"), qos=0)
        time.sleep(0.5)
        assert 5 <= bench.counts[Counted.READS] < 100
        wait_for(lambda: _worked(bench) == 100)


def _worked(bench: Bench) -> int:
    bench.work()
    return bench.counts[Counted.READS]


def test_a_read_of_a_list_that_the_policy_drops_holds_up_nothing(bench: Bench) -> None:
    with broker() as made, running(settings(made.port), bench):
        made.publish(update())
        wait_for(lambda: bench.counts[Counted.READS] == 1)
        bench.work(("police",))
        bench.backlog.keep_only({"police"})
        wait_for(lambda: made.acknowledged == [update()])
    assert bench.counts[Counted.LOST_FROM_MEMORY] == 1


def test_no_more_is_held_than_may_be_unacknowledged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_MAX_UNACKNOWLEDGED", 3)
    with broker() as made, running(settings(made.port), bench):
        for number in range(200):
            made.publish(update(f"AB{number % 100:02d}C{'DE'[number // 100]}F"))
        wait_for(lambda: bench.counts[Counted.READS] >= 3)
        time.sleep(0.3)
        # What one reading of the socket brings may lie above the bound; all of it would.
        assert bench.counts[Counted.READS] < 200
        while len(made.acknowledged) < 200:
            bench.work()
            time.sleep(0.01)
    assert bench.counts[Counted.READS] == 200


def test_only_the_camera_that_is_meant_is_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "frigate", "gate")
    with broker() as made, running(settings(made.port), bench):
        made.publish(update(camera="drive"))
        made.publish(update("LB99XYZ", camera="gate"))
        made.publish(update("LB98XYZ", camera=""))
        wait_for(lambda: bench.counts[Counted.OTHER_CAMERA] == 2)
        assert bench.counts[Counted.READS] == 1
        bench.work()
        wait_for(lambda: len(made.acknowledged) == 3)


def test_a_broker_that_is_away_is_tried_again(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    with broker() as made:
        port = made.port
    with running(settings(port), bench):
        time.sleep(0.4)
    assert "".join(capfd.readouterr()).count("mqtt-away") == 1


# -- who may -------------------------------------------------------------------------------------------------


@pytest.fixture
def login(tmp_path: Path) -> Path:
    path = tmp_path / "login"
    path.write_text("\n".join(LOGIN) + "\n")
    path.chmod(0o600)
    return path


def test_name_and_password_come_from_a_file_and_are_not_shown(
    bench: Bench, login: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with broker(login=LOGIN) as made, running(settings(made.port, login=login), bench):
        wait_for(lambda: made.topics != [])
        assert made.sessions[0].login == LOGIN
    assert LOGIN[1] not in "".join(capfd.readouterr())
    assert LOGIN[1] not in repr(settings(1, login=login))


def test_a_broker_that_refuses_is_told(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    with broker(login=LOGIN) as made, running(settings(made.port), bench):
        wait_for(lambda: len(made.sessions) > 2)
    assert "mqtt-refused" in "".join(capfd.readouterr())


def test_a_subscription_that_is_refused_is_told(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    with broker() as made:
        made.refuses = True
        with running(settings(made.port), bench):
            wait_for(lambda: made.topics != [])
            time.sleep(0.2)
    assert "mqtt-subscription-refused" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("content", "mode"), [("camera\n", 0o600), ("camera\n\n", 0o600), ("a\nb\nc\n", 0o600), ("a\nb\n", 0o644)]
)
def test_a_login_that_is_none_or_open_to_others_is_refused(
    bench: Bench, tmp_path: Path, content: str, mode: int
) -> None:
    path = tmp_path / "login"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(SettingsError, match="login"):
        MqttSource(settings(1, login=path), "camera-1").run(bench.feed, threading.Event())


@pytest.mark.parametrize("host", ["192.0.2.1", "broker.example", "2001:db8::1"])
def test_without_tls_only_loopback_is_spoken_to(bench: Bench, host: str) -> None:
    with pytest.raises(SettingsError, match="TLS"):
        MqttSource(settings(1, host=host), "camera-1").run(bench.feed, threading.Event())


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return paths


def served_over_tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    paths = certificate(folder, "broker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return context, paths[0]


def test_publications_come_over_tls(bench: Bench, tmp_path: Path) -> None:
    context, authority = served_over_tls(tmp_path)
    with broker(context) as made, running(settings(made.port, tls=True, authority=authority), bench):
        made.publish(update())
        wait_for(lambda: bench.counts[Counted.READS] == 1)
        bench.work()
        wait_for(lambda: made.acknowledged == [update()])


# paho-mqtt leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_authority_is_not_spoken_to(bench: Bench, tmp_path: Path) -> None:
    context, _ = served_over_tls(tmp_path)
    other, _ = certificate(tmp_path, "other")
    with broker(context) as made:
        with running(settings(made.port, tls=True, authority=other), bench):
            time.sleep(0.4)
        assert made.sessions == []


def test_certificates_that_cannot_be_used_are_told(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for fields in ({"authority": tmp_path / "bad.pem"}, {"certificate": tmp_path / "bad.pem"}):
        with pytest.raises(SettingsError, match="MQTT"):
            MqttSource(settings(1, tls=True, **fields), "camera-1").run(bench.feed, threading.Event())


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules.update({'paho': None, 'paho.mqtt': None});"
        "from blindplate.client.camera import command, mqtt; import threading\n"
        "try: mqtt.MqttSource(mqtt.MqttSettings(tls=False), 'camera-1').run(None, threading.Event())\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "blindplate[mqtt]" in done.stdout


def test_the_camera_does_not_load_the_client_before_it_is_used() -> None:
    code = "import sys; from blindplate.client.camera import command; print('paho' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
