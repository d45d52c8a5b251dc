"""Events from an MQTT broker (MQTT 3.1.1), as Frigate and others publish them: one message a publication.

Guarantees that a publication of QoS 1 is acknowledged only when all its reads are durable, sealed, for every list
that the policy still names, and in the order in which they came; that the broker keeps the rest over a restart or a
broken connection, since the session is a lasting one under a fixed name; and that a publication which is refused is
acknowledged and counted, not sent for ever. Off loopback the broker is spoken to over TLS alone. Name and password
are a file's two lines. A publication of QoS 0 has no such protection, which is logged. Does not bound one publication
before it is read: the broker does (``message_size_limit`` of mosquitto). QoS 2 is asked for as 1: a repetition is
part of a known pass. Needs the extra ``mqtt`` (paho-mqtt), loaded when the source is run.
"""

from __future__ import annotations

import ssl
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from blindplate.client.camera.feed import Feed, Taken
from blindplate.core.errors import SettingsError
from blindplate.core.statements.model import Part, Text
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.logs import log

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

_KEEPALIVE_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.1
_RECONNECT_SECONDS: Final = (1.0, 30.0)
# So many publications are held before no more are read from the socket. Every broker that limits what is unacknowledged
# (mosquitto: 20) stops by itself before.
_MAX_UNACKNOWLEDGED: Final = 256
_LAST_SECONDS: Final = 2.0
_QOS: Final = 1


class MqttSettings(Part):
    """``host`` and ``port`` of the broker, the ``topic`` to subscribe to, ``client_id``, its lasting session's name.

    Without ``client_id`` the session has the camera's name: two of one name would throw each other out in turns.
    ``authority`` (PEM) has the broker's certificate checked against it instead of the system's authorities;
    ``certificate`` and ``key`` are shown to a broker that asks. ``login`` is a file of mode 0600: a line with the
    user's name, a line with the password. ``tls`` may be false on loopback alone.
    """

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=1, lt=1 << 16)] = 8883
    topic: Text = "frigate/tracked_object_update"
    client_id: Text | None = None
    tls: bool = True
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    login: Path | None = None


@dataclass(frozen=True, slots=True)
class MqttSource:
    """One subscription. ``camera_id`` names its session where the settings do not."""

    settings: MqttSettings
    camera_id: str

    @property
    def can_wait(self) -> bool:
        """The broker keeps what was not acknowledged."""
        return True

    def run(self, feed: Feed, stop: threading.Event) -> None:
        """Take publications until ``stop`` is set. Raises SettingsError when it must not connect as told."""
        session = self.settings.client_id or f"blindplate-{self.camera_id}"
        _Subscription(self.settings, session, feed).run(stop)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A publication that is taken and not acknowledged."""

    packet_id: int
    taken: Taken


class _Subscription:
    """A client, and what it has still to acknowledge. For one thread: paho's own stays unused."""

    def __init__(self, settings: MqttSettings, session: str, feed: Feed) -> None:
        self._settings = settings
        self._feed = feed
        self._pending: deque[_Pending] = deque()
        self._client = self._make_client(session)
        self._failures = 0
        self._said_unreliable = False

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if self._is_served(stop):
                self._acknowledge(0)
                if self._is_full():
                    stop.wait(_POLL_SECONDS)
            else:
                self._wait(stop)
        # What is being sealed now would otherwise be sent, and sealed, again by the next run.
        self._acknowledge(_LAST_SECONDS)
        self._client.disconnect()

    def _make_client(self, session: str) -> Client:
        paho = _paho()
        client: Client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=session,
            clean_session=False,
            manual_ack=True,
        )
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        context = _tls(self._settings)
        if context is not None:
            client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType]  no type where ssl is missing
        if self._settings.login is not None:
            client.username_pw_set(*_login(self._settings.login))
        return client

    def _is_served(self, stop: threading.Event) -> bool:
        """Take what the broker sends now; whether there is a connection."""
        if not self._client.is_connected() and not self._connect(stop):
            return False
        return self._is_full() or self._client.loop(_POLL_SECONDS) == 0

    def _is_full(self) -> bool:
        return len(self._pending) >= _MAX_UNACKNOWLEDGED or not self._feed.has_room()

    def _connect(self, stop: threading.Event) -> bool:
        """Connect, and wait for the broker's word: whether it let this client in."""
        try:
            self._client.connect(self._settings.host, self._settings.port, _KEEPALIVE_SECONDS)
        except OSError:
            return False
        while not self._client.is_connected() and not stop.is_set():
            if self._client.loop(_POLL_SECONDS) != 0:
                return False
        return self._client.is_connected()

    def _wait(self, stop: threading.Event) -> None:
        """After a connection failed, or was lost: longer each time until one stands."""
        if not self._failures:
            log().warning("mqtt-away")
        shortest, longest = _RECONNECT_SECONDS
        stop.wait(min(shortest * 2 ** min(self._failures, 10), longest))
        self._failures += 1

    def _connected(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # The broker sends anew whatever it has no acknowledgement of, under packet numbers of its own choosing.
        self._pending.clear()
        if reason.is_failure:
            log().warning("mqtt-refused", reason=str(reason))
            return
        self._failures = 0
        log().info("mqtt-ready")
        client.subscribe(self._settings.topic, _QOS)

    def _subscribed(
        self,
        _client: Client,
        _userdata: object,
        _packet_id: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log().error("mqtt-subscription-refused")

    def _received(self, _client: Client, _userdata: object, publication: MQTTMessage) -> None:
        taken = self._feed.take(bytes(publication.payload))
        for failure in taken.failures:
            log().warning("event-refused", code=failure.code, what=failure.what)
        if publication.qos > 0:
            self._pending.append(_Pending(publication.mid, taken))
        elif not self._said_unreliable:
            self._said_unreliable = True
            log().warning("mqtt-unreliable", remedy="Have the engine publish with QoS 1.")

    def _acknowledge(self, seconds: float) -> None:
        """Acknowledge what is durable by now; waits ``seconds`` at most for each.

        In the order in which they came (MQTT 3.1.1, section 4.6): one that waits holds up those behind it.
        """
        while self._pending and self._feed.left([self._pending[0].taken], seconds):
            self._client.ack(self._pending.popleft().packet_id, _QOS)


def _paho() -> ModuleType:
    try:
        from paho.mqtt import client
    except ImportError:
        raise SettingsError(
            "Events from an MQTT broker need paho-mqtt.", "Install blindplate[mqtt]."
        ) from None
    return client


def _tls(settings: MqttSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        if not _is_loopback(settings.host):
            raise SettingsError("An MQTT broker elsewhere is spoken to over TLS alone.", "Set tls = true.")
        return None
    try:
        context = ssl.create_default_context(cafile=settings.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError):
        raise SettingsError("The certificates or the key for the MQTT broker cannot be used.") from None
    return context


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def _login(path: Path) -> tuple[str, str]:
    lines = read_secret(path).decode(errors="replace").splitlines()
    if len(lines) != 2 or not all(lines):
        raise SettingsError(f"The file {path} does not hold a line with a name and a line with a password.")
    return lines[0], lines[1]
