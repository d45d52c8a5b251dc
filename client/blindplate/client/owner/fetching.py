"""Fetching the media of hits from the matcher, as cameras hand them in, until the records' windows end.

Guarantees that only the media of claimed records are asked for, by tokens that nobody else but their camera and the
matcher can make; that a fetch which broke off leaves nothing; and that a hit which must not be opened any more loses its
media. Protocol section 4; docs/spec/owner.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from blindplate.client.owner.evidence import is_here, media_folder, sealed_path, write_private
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import hits
from blindplate.core.errors import CommitmentError, NotFoundError
from blindplate.core.records.media import media_token
from blindplate.core.records.record import SealedRecord
from blindplate.edge.logs import log
from blindplate.edge.statuses import remote_errors
from blindplate.v1 import media_pb2 as v1
from blindplate.v1.media_pb2_grpc import MediaStub

_CALL_SECONDS: Final = 20.0
_AT_ONCE: Final = 500
# Eight media of 64 MiB, sealed: nothing a record may have is longer.
_MAX_BYTES: Final = 600 << 20
_OVER: Final = (HitState.REMOVED, HitState.ALARMED)
# How long until it is looked again where no media are waited for.
_IDLE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    token: bytes
    until: float


class Fetching:
    """Fetches for one session; for one thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last = 0
        self._waiting: dict[int, _Waiting] = {}

    def step(self) -> float:
        """Look once. Gives the seconds to wait before the next. Raises what the matcher or the disk says."""
        session = self._session
        if not session.grant.disclosure.has_media:
            return _IDLE_SECONDS
        media_folder(session.settings.data)
        self._take_note()
        self._remove_over()
        now = session.now()
        self._waiting = {hit: one for hit, one in self._waiting.items() if one.until > now}
        asked = list(self._waiting.items())
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            for (hit_id, one), length in zip(some, self._look([one.token for _, one in some]), strict=True):
                if length:
                    self._fetch(hit_id, one.token, length)
        return session.settings.poll_seconds

    def _take_note(self) -> None:
        """Hits that have come since the last look."""
        session = self._session
        with session.store.reading() as connection:
            chosen = select(hits.c.hit_id, hits.c.record, hits.c.match_secret)
            chosen = chosen.where(hits.c.hit_id > self._last, hits.c.state.not_in(_OVER))
            rows = connection.execute(chosen.order_by(hits.c.hit_id)).all()
        for row in rows:
            self._last = row.hit_id
            if is_here(session.settings.data, row.hit_id):
                continue
            header = SealedRecord.from_bytes(row.record).header
            until = header.capture_time_ms / 1000 + session.hold_seconds
            self._waiting[row.hit_id] = _Waiting(media_token(row.match_secret, header.digest()), until)

    def _remove_over(self) -> None:
        session = self._session
        with session.store.reading() as connection:
            over = set(connection.execute(select(hits.c.hit_id).where(hits.c.state.in_(_OVER))).scalars())
        for hit_id in over:
            self._waiting.pop(hit_id, None)
            sealed_path(session.settings.data, hit_id).unlink(missing_ok=True)

    def _look(self, tokens: list[bytes]) -> list[int]:
        request = v1.LookRequest(list_id=self._session.grant.list_id, tokens=tokens)
        with remote_errors("matcher"):
            response = MediaStub(self._session.matcher).Look(request, timeout=_CALL_SECONDS)
        if len(response.lengths) != len(tokens):
            raise CommitmentError("The matcher did not say of every record whether its media are there.")
        return list(response.lengths)

    def _fetch(self, hit_id: int, token: bytes, length: int) -> None:
        if length > _MAX_BYTES:
            log().error("media-too-long", hit=hit_id)
            del self._waiting[hit_id]
            return
        try:
            write_private(sealed_path(self._session.settings.data, hit_id), self._pieces(token, length))
        except NotFoundError:
            # Its window ended meanwhile.
            log().warning("media-gone", hit=hit_id)
        else:
            log().info("media-fetched", hit=hit_id, bytes=length)
        del self._waiting[hit_id]

    def _pieces(self, token: bytes, length: int) -> Iterator[bytes]:
        stub, offset = MediaStub(self._session.matcher), 0
        while offset < length:
            request = v1.FetchRequest(list_id=self._session.grant.list_id, token=token, offset=offset)
            with remote_errors("matcher"):
                piece = stub.Fetch(request, timeout=_CALL_SECONDS).piece
            if not piece:
                raise NotFoundError("Media ended before their end.")
            offset += len(piece)
            yield piece
