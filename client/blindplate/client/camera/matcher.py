"""The matcher as a camera sees it: its window keys, and where sealed records and media are handed in.

Guarantees that a window key returned here was announced under the pinned key of the matcher, and that each wire gets
the receipt that names its own record. Protocol section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.core.errors import MessageError
from blindplate.core.signing import Statement
from blindplate.core.statements.announced_keys import WindowKey
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import cameras_pb2, media_pb2, records_pb2
from blindplate.v1 import intake_pb2 as v1
from blindplate.v1.cameras_pb2_grpc import CamerasStub
from blindplate.v1.intake_pb2_grpc import IntakeStub
from blindplate.v1.media_pb2_grpc import MediaStub

MAX_WIRES: Final = 500
_KEYS_SECONDS: Final = 10.0
_SUBMIT_SECONDS: Final = 30.0
_BEAT_SECONDS: Final = 10.0
_MEDIA_SECONDS: Final = 600.0
_MAX_ANNOUNCEMENTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one wire. ``code`` says why it was refused; a wire neither accepted nor refused stays."""

    accepted: bool
    refused: bool
    code: str


class Matcher:
    """A channel to the matcher. Safe to use from several threads."""

    def __init__(self, address: str, tls: TlsFiles, pinned: bytes) -> None:
        """Connect lazily to ``host:port``; ``pinned`` (32 bytes) must have signed window keys. Raises SettingsError."""
        self._channel = open_channel(address, "matcher", tls)
        self._stub = IntakeStub(self._channel)
        self._media = MediaStub(self._channel)
        self._cameras = CamerasStub(self._channel)
        self._pinned = pinned

    def window_keys(self) -> tuple[WindowKey, ...]:
        """Every window key announced now. Raises SignatureError for one that is not by the pinned key."""
        with remote_errors("matcher"):
            answer = self._stub.WindowKeys(v1.WindowKeysRequest(), timeout=_KEYS_SECONDS)
        if not 1 <= len(answer.statements) <= _MAX_ANNOUNCEMENTS:
            raise MessageError("The matcher announced no window key, or too many.")
        return tuple(
            WindowKey.verified(Statement.from_proto(message), [self._pinned]) for message in answer.statements
        )

    def submit(self, wires: Sequence[bytes]) -> list[Receipt]:
        """Hand in up to 500 serialized wires; one receipt each, in order.

        Raises UnavailableError and what else the matcher answers; MessageError when receipts do not fit the wires.
        """
        messages = [records_pb2.Wire.FromString(wire) for wire in wires]
        with remote_errors("matcher"):
            answer = self._stub.Submit(v1.SubmitRequest(wires=messages), timeout=_SUBMIT_SECONDS)
        asked = [message.record.header.record_id for message in messages]
        if [receipt.record_id for receipt in answer.receipts] != asked:
            raise MessageError("The matcher's receipts are not those of the records handed in.")
        return [
            Receipt(
                accepted=receipt.acceptance == v1.ACCEPTANCE_ACCEPTED,
                refused=receipt.acceptance == v1.ACCEPTANCE_REFUSED,
                code=receipt.code[:32],
            )
            for receipt in answer.receipts
        ]

    def beat(self, seconds: float, events: int, passes: int) -> None:
        """Give a sign of life, with what was counted in the last ``seconds``. Raises what the matcher answers."""
        request = cameras_pb2.BeatRequest(seconds=seconds, events=events, passes=passes)
        with remote_errors("matcher"):
            self._cameras.Beat(request, timeout=_BEAT_SECONDS)

    def wanted(self, after: int) -> tuple[Sequence[bytes], int]:
        """The references of media wanted after a number, and the number to ask after next time.

        Raises UnavailableError and what else the matcher answers.
        """
        with remote_errors("matcher"):
            answer = self._media.Wanted(media_pb2.WantedRequest(after=after), timeout=_KEYS_SECONDS)
        return answer.references, answer.last

    def deliver(self, token: bytes, pieces: Iterator[bytes]) -> bool:
        """Hand over the media of one record, by its token (32 bytes); False when they are wanted no more.

        Raises UnavailableError and what else the matcher answers.
        """

        def parts() -> Iterator[media_pb2.DeliverPart]:
            yield media_pb2.DeliverPart(token=token)
            for piece in pieces:
                yield media_pb2.DeliverPart(piece=piece)

        with remote_errors("matcher"):
            return self._media.Deliver(parts(), timeout=_MEDIA_SECONDS).stored

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
