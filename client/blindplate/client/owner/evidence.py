"""The media of hits: fetched sealed as they come to the matcher, opened once the record's payload is.

Guarantees that nothing of them opens before both custodians have released the record; that what is written out is
exactly what the record commits to, whole, under names of this module's own making, each a file of its owner alone; and
that anything else raises. What a medium shows nobody has checked: that the camera sealed it is all that is known, and
its type is what the camera says. Protocol section 4; docs/spec/owner.md section 6.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from blindplate.client.owner.tables import reveals
from blindplate.core.errors import CommitmentError, EnvelopeError, MessageError, StorageError
from blindplate.core.records.media import MAX_MEDIA, SealedMedia, bundle_length, open_bundle, open_media
from blindplate.v1.records_pb2 import Payload

_FOLDER: Final = "media"
_SEALED: Final = ".sealed"
_PIECE_BYTES: Final = 1 << 20
_SUFFIXES: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "audio/mp4": ".m4a",
    "audio/wav": ".wav",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One medium of a revealed hit; ``path`` and ``size`` (bytes) are None until it is here."""

    media_type: str
    path: Path | None
    size: int | None


def media_folder(folder: Path) -> Path:
    """Where an owner's media lie, in its own ``folder``; made if need be, mode 0700. Raises StorageError."""
    path = folder / _FOLDER
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _storage(error) from None
    return path


def sealed_path(folder: Path, hit_id: int) -> Path:
    """Where a hit's media lie sealed, in an owner's ``folder``."""
    return folder / _FOLDER / f"hit-{hit_id}{_SEALED}"


def is_here(folder: Path, hit_id: int) -> bool | None:
    """Whether a hit's media are here, sealed or opened; None where no media are waited for at all."""
    if not (folder / _FOLDER).is_dir():
        return None
    opened = any((folder / _FOLDER).glob(f"hit-{hit_id}-*"))
    return opened or sealed_path(folder, hit_id).is_file()


def payload_of(connection: Connection, hit_id: int) -> Payload | None:
    """The payload of a hit that was revealed."""
    found = connection.execute(select(reveals.c.payload).where(reveals.c.hit_id == hit_id)).scalar()
    return None if found is None else Payload.FromString(found)


def open_evidence(folder: Path, hit_id: int, payload: Payload) -> tuple[Evidence, ...]:
    """A revealed hit's media: opened if they are here, in the order of its record.

    Raises CommitmentError when what came is not what the record commits to, MessageError for a payload that states what
    no media can be, StorageError.
    """
    if len(payload.media) > MAX_MEDIA:
        raise MessageError("A record names more media than a record may have.")
    media = [SealedMedia.from_proto(one) for one in payload.media]
    paths = [_path(folder, hit_id, number, one) for number, one in enumerate(media, start=1)]
    if not all(path.is_file() for path in paths):
        sealed = sealed_path(folder, hit_id)
        if not sealed.is_file():
            return tuple(Evidence(_shown(one), None, None) for one in media)
        _open_all(sealed, payload.media_key, media, paths)
    sealed_path(folder, hit_id).unlink(missing_ok=True)
    return tuple(
        Evidence(_shown(one), path, path.stat().st_size) for one, path in zip(media, paths, strict=True)
    )


def write_private(path: Path, pieces: Iterable[bytes]) -> None:
    """Write ``pieces`` durably, mode 0600; nothing is under ``path`` before all is. Raises StorageError."""
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _storage(error) from None


def _open_all(sealed: Path, key: bytes, media: Sequence[SealedMedia], paths: Sequence[Path]) -> None:
    if sealed.stat().st_size != bundle_length(media):
        raise _not_committed()
    try:
        total = sum(one.sealed_bytes for one in media)
        cut = _Cut(open_bundle(key, _pieces(sealed), total))
        for one, path in zip(media, paths, strict=True):
            write_private(path, open_media(one, cut.next(one.sealed_bytes)))
        cut.finish()
    except (CommitmentError, EnvelopeError):
        # One that opened before the one that did not must not be taken for the whole.
        for path in paths:
            path.unlink(missing_ok=True)
        raise _not_committed() from None


class _Cut:
    """One stream of pieces, cut where its parts end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def next(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, or fewer where it ends."""
        while size > 0:
            piece = self._held or next(self._pieces, b"")
            if not piece:
                return
            self._held = piece[size:]
            yield piece[:size]
            size -= min(size, len(piece))

    def finish(self) -> None:
        """Read to the end, which is authenticated, too."""
        for _ in self._pieces:
            continue


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _path(folder: Path, hit_id: int, number: int, media: SealedMedia) -> Path:
    return folder / _FOLDER / f"hit-{hit_id}-{number}{_SUFFIXES.get(media.media_type, '.bin')}"


def _shown(media: SealedMedia) -> str:
    """The type as it is told: one that is not known is the sender's text."""
    return media.media_type if media.media_type in _SUFFIXES else "unknown"


def _not_committed() -> CommitmentError:
    return CommitmentError(
        "The media that came for a hit are not those its record commits to.",
        "Keep the sealed file, and tell the operator and both custodians: the camera or the matcher exchanged them.",
    )


def _storage(error: OSError) -> StorageError:
    return StorageError(f"Media cannot be kept: {error.strerror}.", "Make room or mend the disk.")
