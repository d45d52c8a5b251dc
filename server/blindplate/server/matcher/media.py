"""The Media service: cameras hear which media are wanted and hand them in, owners fetch them.

Guarantees that a camera hears of nothing but references of claimed records of its zones, which tell it nothing unless
it sealed the record itself; that media are taken only from who knows the record's token, once, whole or not at all,
within bounds; and that they are given only to an owner of the record's list who knows that token. There is no call that
names a record which nobody has claimed. Does not look into what it holds: whether these are the record's media its
owner sees once it has the payload. Protocol section 4; docs/spec/matcher.md.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import grpc

from blindplate.core.errors import (
    IdentityError,
    MessageError,
    NotFoundError,
    OverloadedError,
    UnavailableError,
)
from blindplate.core.records.media import TOKEN_BYTES, media_reference, media_token
from blindplate.core.records.record import SealedRecord
from blindplate.edge.logs import log
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.matcher import media_store
from blindplate.server.matcher.following import FollowedLedger
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.media_files import MediaFiles
from blindplate.server.matcher.media_store import Wanted
from blindplate.server.matcher.metrics import MEDIA
from blindplate.server.matcher.segment_files import PartialFile
from blindplate.server.matcher.storage import Database
from blindplate.server.matcher.turns import Turns
from blindplate.v1 import answers_pb2, media_pb2_grpc
from blindplate.v1 import media_pb2 as v1

ACCESS: Final[Access] = {
    "/blindplate.v1.Media/Wanted": frozenset({Role.CAMERA}),
    "/blindplate.v1.Media/Deliver": frozenset({Role.CAMERA}),
    "/blindplate.v1.Media/Look": frozenset({Role.OWNER}),
    "/blindplate.v1.Media/Fetch": frozenset({Role.OWNER}),
}
_MAX_REFERENCES: Final = 10_000
_MAX_TOKENS: Final = 1_000
_PIECE_BYTES: Final = 1 << 20
# A delivery holds a thread.
_AT_ONCE: Final = 6
_LONGEST_SECONDS: Final = 900.0
# How often a delivery looks whether the disk still has room.
_LOOK_BYTES: Final = 16 << 20
# The largest integer of the database.
_LAST: Final = (1 << 63) - 1
_Context = grpc.ServicerContext


@dataclass(frozen=True, slots=True)
class MediaBounds:
    """How many bytes the media of one record may have, and all media together."""

    each: int
    total: int


@dataclass(frozen=True, slots=True)
class MediaServicer(media_pb2_grpc.MediaServicer):
    """Serves the cameras that registers name and the owners that grants name."""

    database: Database
    ledger: FollowedLedger
    files: MediaFiles
    bounds: MediaBounds
    turns: Turns = field(default_factory=lambda: Turns(_AT_ONCE, 1))

    def Wanted(self, request: v1.WantedRequest, context: _Context) -> v1.WantedResponse:  # noqa: N802  gRPC's name
        """What is wanted in the caller's zones."""
        del context
        zones = self._zones()
        after = min(request.after, _LAST)
        with self.database.read() as connection:
            found = media_store.wanted_after(connection, zones, after, _MAX_REFERENCES)
        last = found[-1][0] if found else after
        return v1.WantedResponse(references=[reference for _, reference in found], last=last)

    def Deliver(self, request_iterator: Iterator[v1.DeliverPart], context: _Context) -> v1.DeliverResponse:  # noqa: N802  gRPC's name
        """Take the media of one record."""
        with self.turns.one_of(caller().spiffe_id), _cut_off(context):
            parts = _unbroken(request_iterator)
            first = next(parts, None)
            if first is None or first.WhichOneof("part") != "token":
                raise MessageError("A delivery of media does not begin with its token.")
            reference = _reference(first.token)
            with self.database.read() as connection:
                wanted = media_store.is_wanted(connection, self._zones(), reference)
                held = media_store.total(connection)
            if not wanted:
                # Not told from media that are here already: a token that fits nothing must tell nothing.
                return v1.DeliverResponse(stored=False)
            if held >= self.bounds.total:
                raise OverloadedError("The matcher holds as many media as it may.", "Try again later.")
            with self.files.begin(reference) as file:
                length = self._receive(parts, file)
                file.finish()
            stored = self.database.write(lambda connection: media_store.put(connection, reference, length))
        MEDIA.labels("taken" if stored else "late").inc()
        log().info("media-taken", stored=stored)
        return v1.DeliverResponse(stored=stored)

    def Look(self, request: v1.LookRequest, context: _Context) -> v1.LookResponse:  # noqa: N802  gRPC's name
        """Which media of the caller's records are here."""
        del context
        self.ledger.current.settled(request.list_id, caller().spiffe_id)
        if len(request.tokens) > _MAX_TOKENS:
            raise MessageError(f"More than {_MAX_TOKENS} tokens at once.", "Ask for fewer at once.")
        asked = [_reference(token) for token in request.tokens]
        with self.database.read() as connection:
            here = media_store.lengths(connection, request.list_id, asked)
        return v1.LookResponse(lengths=[here.get(reference, 0) for reference in asked])

    def Fetch(self, request: v1.FetchRequest, context: _Context) -> v1.FetchResponse:  # noqa: N802  gRPC's name
        """A piece of one record's media."""
        del context
        self.ledger.current.settled(request.list_id, caller().spiffe_id)
        reference = _reference(request.token)
        with self.database.read() as connection:
            length = media_store.lengths(connection, request.list_id, [reference]).get(reference)
        if length is None:
            raise NotFoundError(
                "No media of such a record are here.",
                "Claim the record; its camera then hands them in, unless it has none or is away.",
            )
        if request.offset >= length:
            return v1.FetchResponse()
        return v1.FetchResponse(piece=self.files.read(reference, request.offset, _PIECE_BYTES))

    def _zones(self) -> frozenset[str]:
        zones = self.ledger.current.zones_of(caller().spiffe_id)
        if not zones:
            raise IdentityError(
                "No register of a zone names this camera, or it was revoked.", "Have it enrolled in its zone."
            )
        return zones

    def _receive(self, parts: Iterator[v1.DeliverPart], file: PartialFile) -> int:
        self.database.require_room()
        length = looked = 0
        for part in parts:
            if part.WhichOneof("part") != "piece":
                raise MessageError("A delivery of media holds something else than pieces after its token.")
            length += len(part.piece)
            if length > self.bounds.each:
                raise MessageError(
                    "The media of one record are longer than this matcher takes.",
                    "Have the camera keep shorter clips, or raise max_media_bytes.",
                )
            if length - looked > _LOOK_BYTES:
                self.database.require_room()
                looked = length
            file.write(part.piece)
        if not length:
            raise MessageError("A delivery of media holds none.")
        return length


def wanted_of(
    claims: Iterable[answers_pb2.Claim],
    claimed: Mapping[int, SealedRecord],
    numbers: Mapping[int, int],
    grants: Grants,
) -> list[Wanted]:
    """What to want of the records in ``claimed`` slots, whose secrets were shown, as far as their lists may disclose media."""
    wanted: list[Wanted] = []
    for claim in claims:
        if claim.slot not in numbers or claim.slot not in claimed:
            continue
        header = claimed[claim.slot].header
        if grants.may_disclose_media(header.domain):
            reference = media_reference(media_token(claim.match_secret, header.digest()))
            wanted.append(Wanted(numbers[claim.slot], reference, header.domain.list_id, header.domain.zone))
    return wanted


def _reference(token: bytes) -> bytes:
    if len(token) != TOKEN_BYTES:
        raise MessageError(f"A token of media is not {TOKEN_BYTES} bytes long.")
    return media_reference(token)


def _unbroken(parts: Iterator[v1.DeliverPart]) -> Iterator[v1.DeliverPart]:
    try:
        yield from parts
    except grpc.RpcError:
        raise UnavailableError("A delivery of media broke off.", "Deliver them again, whole.") from None


@contextmanager
def _cut_off(context: _Context) -> Generator[None]:
    # A handler that waits for a stream's next part sees no deadline: only the end of the call wakes it.
    timer = threading.Timer(_LONGEST_SECONDS, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
