"""A broker of MQTT 3.1.1 for tests: one lasting session, publications of QoS 0 and 1, sent anew until acknowledged.

As small as it is strict: it closes a connection on any packet that it does not expect.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK, _PINGREQ, _PINGRESP, _DISCONNECT = (
    1, 2, 3, 4, 8, 9, 12, 13, 14,
)  # fmt: skip
_NOT_AUTHORISED = 5
_FAILURE = 0x80


@dataclass
class Session:
    """What a client said when it connected."""

    client_id: str
    clean: bool
    login: tuple[str, str] | None


@dataclass
class Publication:
    payload: bytes
    qos: int
    packet_id: int = 0
    sent: int = 0


@dataclass
class Broker:
    """``login``, where given, is demanded; ``refuses`` has every subscription refused."""

    listening: socket.socket
    context: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    refuses: bool = False
    sessions: list[Session] = field(default_factory=list)
    topics: list[tuple[str, int]] = field(default_factory=list)
    acknowledged: list[bytes] = field(default_factory=list)
    waiting: list[Publication] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _connection: socket.socket | None = None
    _subscribed: bool = False
    _next_id: int = 100

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def publish(self, payload: bytes, qos: int = 1) -> None:
        with self._lock:
            self.waiting.append(Publication(payload, qos))
            self._send_waiting()

    def drop(self) -> None:
        """Break the connection off."""
        with self._lock:
            if self._connection is not None:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with suppress(OSError, ValueError, IndexError):
                if self.context is not None:
                    connection = self.context.wrap_socket(connection, server_side=True)
                self._converse(connection)
            with self._lock:
                self._connection, self._subscribed = None, False
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        while True:
            head, body = _packet(connection)
            kind = head >> 4
            if kind == _CONNECT:
                if not self._accept(connection, body):
                    return
            elif kind == _SUBSCRIBE:
                self._subscribe(connection, body)
            elif kind == _PUBACK:
                self._acknowledge(int.from_bytes(body, "big"))
            elif kind == _PINGREQ:
                connection.sendall(bytes((_PINGRESP << 4, 0)))
            elif kind == _DISCONNECT:
                return
            else:
                raise ValueError

    def _accept(self, connection: socket.socket, body: bytes) -> bool:
        protocol, rest = _text(body)
        if protocol != "MQTT" or rest[0] != 4:
            raise ValueError
        flags = rest[1]
        client_id, rest = _text(rest[4:])
        login = None
        if flags & 0xC0 == 0xC0:
            name, rest = _text(rest)
            password, rest = _text(rest)
            login = (name, password)
        with self._lock:
            self.sessions.append(Session(client_id, bool(flags & 2), login))
            refused = self.login is not None and login != self.login
            present = int(len(self.sessions) > 1 and not refused)
            connection.sendall(bytes((_CONNACK << 4, 2, present, _NOT_AUTHORISED if refused else 0)))
            if not refused:
                self._connection = connection
        return not refused

    def _subscribe(self, connection: socket.socket, body: bytes) -> None:
        topic, rest = _text(body[2:])
        with self._lock:
            self.topics.append((topic, rest[0]))
            connection.sendall(
                bytes((_SUBACK << 4, 3)) + body[:2] + bytes((_FAILURE if self.refuses else rest[0],))
            )
            if not self.refuses:
                self._subscribed = True
                for publication in self.waiting:
                    publication.packet_id = 0
                self._send_waiting()

    def _send_waiting(self) -> None:
        if not self._subscribed or self._connection is None:
            return
        for publication in list(self.waiting):
            if publication.packet_id:
                continue
            topic = b"\x00\x01t"
            head = _PUBLISH << 4 | publication.qos << 1 | (8 if publication.sent else 0)
            number = b""
            if publication.qos:
                publication.packet_id = self._next_id
                self._next_id += 1
                number = publication.packet_id.to_bytes(2, "big")
            else:
                self.waiting.remove(publication)
            publication.sent += 1
            self.sent.append(publication.payload)
            body = topic + number + publication.payload
            with suppress(OSError):
                self._connection.sendall(bytes((head,)) + _length(len(body)) + body)

    def _acknowledge(self, packet_id: int) -> None:
        with self._lock:
            (found,) = [one for one in self.waiting if one.packet_id == packet_id]
            self.waiting.remove(found)
            self.acknowledged.append(found.payload)


@contextmanager
def broker(context: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> Iterator[Broker]:
    """A broker on a free port of loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    made = Broker(listening, context, login)
    serving = threading.Thread(target=made.serve)
    serving.start()
    try:
        yield made
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        made.drop()
        serving.join(5)


def _packet(connection: socket.socket) -> tuple[int, bytes]:
    head = _exactly(connection, 1)[0]
    length, shift = 0, 0
    while True:
        one = _exactly(connection, 1)[0]
        length |= (one & 127) << shift
        if one < 128:
            return head, _exactly(connection, length)
        shift += 7


def _exactly(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        more = connection.recv(count - len(content))
        if not more:
            raise ConnectionError
        content += more
    return content


def _length(number: int) -> bytes:
    content = bytearray()
    while True:
        number, one = divmod(number, 128)
        content.append(one | (128 if number else 0))
        if not number:
            return bytes(content)


def _text(body: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(body[:2], "big")
    return body[2:end].decode(), body[end:]
