"""Sealed media on the camera's disk, bounded in bytes and time, until their record is claimed or its window ends.

Guarantees that a medium is sealed once, under a key of its own that is never written here (its records' sealed payloads
carry it), that the oldest make room for the newest and are counted, and that what nobody asked for goes when no window
could hold its record any more. A medium that cannot be kept costs its record the medium, not the record. Deleted files
are unlinked, not overwritten: nothing on this disk opens them. Protocol section 4 (G1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.media.index import MediaIndex, Offer, new_name
from blindplate.client.camera.media.private_files import write_sealed
from blindplate.core.errors import StorageError
from blindplate.core.records.media import (
    MediaDigest,
    SealedMedia,
    padded_size,
    seal_bundle,
    seal_media,
)
from blindplate.core.records.streams import generate_key, sealed_length

_SUFFIX: Final = ".sealed"
_PIECE_BYTES: Final = 1 << 18
# Files bear a time this coarse.
_COARSE_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class KeptMedia:
    """A sealed file by its name, and what a payload is to say of it."""

    name: bytes
    sealed: SealedMedia


class MediaStore:
    """A folder of sealed files and its index. Safe to use from several threads."""

    def __init__(self, folder: Path, limit_bytes: int, counts: Counts) -> None:
        """Open or make the folder; what a crash left goes. Raises StorageError."""
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._counts = counts
        self._index = MediaIndex(folder / "index.sqlite")
        names = self._index.names()
        here = {path.stem: path for path in folder.iterdir() if path.suffix in (_SUFFIX, ".part")}
        known = {name.hex(): name for name in names}
        for stem, path in here.items():
            if stem not in known:
                path.unlink(missing_ok=True)
        for stem, name in known.items():
            if stem not in here:
                self._index.drop(name)

    def keep(self, media_type: str, content: bytes, until: float) -> KeptMedia:
        """Seal ``content`` and keep it ``until`` then (seconds since 1970, UTC). Raises StorageError, MessageError."""
        size = sealed_length(padded_size(len(content)))
        if size > self._limit_bytes:
            raise StorageError("A medium is longer than all media may be.", "Raise media_limit_bytes.")
        self._make_room(size)
        name, key, hashed = new_name(), generate_key(), MediaDigest()

        def sealed() -> Iterator[bytes]:
            for chunk in seal_media(key, media_type, content):
                hashed.update(chunk)
                yield chunk

        coarse = until // _COARSE_SECONDS * _COARSE_SECONDS
        write_sealed(self._path(name), sealed(), coarse)
        self._index.add_file(name, size, until)
        return KeptMedia(name, SealedMedia(media_type, hashed.digest(), size, key))

    def offer(self, offers: Sequence[Offer]) -> None:
        """Remember whose media the files are, durably. Raises StorageError."""
        if offers:
            self._index.add_offers(offers)

    def find(self, references: Sequence[bytes]) -> list[Offer]:
        """Those of ``references`` that are of this camera's records, and whose media are still here."""
        return self._index.find(references)

    def has_offers(self) -> bool:
        """Whether anything could be asked for."""
        return self._index.has_offers()

    def bundle(self, offer: Offer) -> Iterator[bytes]:
        """The media of a record as they are handed over. Raises StorageError when they went meanwhile."""
        paths = [self._path(name) for name in offer.files]
        try:
            length = sum(path.stat().st_size for path in paths)
        except OSError:
            raise StorageError("Media that were wanted are gone.", "Raise media_limit_bytes.") from None
        return seal_bundle(offer.bundle_key, _pieces(paths), length)

    def delivered(self, reference: bytes) -> None:
        """The media of this reference were handed over, or are wanted no more."""
        self._index.forget(reference)

    def sweep(self, now: float) -> None:
        """Remove what has reached its end at ``now`` (seconds since 1970, UTC)."""
        self._unlink(self._index.drop_ended(now))

    def ends(self) -> list[float]:
        """The ends (seconds since 1970, UTC) of everything in the index, and of every file, whatever the index says of it.

        Raises StorageError.
        """
        files: list[float] = []
        for path in self._folder.iterdir():
            if path.suffix in (_SUFFIX, ".part"):
                # It may go while it is looked at.
                with suppress(FileNotFoundError):
                    files.append(path.stat().st_mtime)
        return self._index.ends() + files

    def remains(self) -> int:
        """How many free pages of the index are not zero. Raises StorageError."""
        return self._index.remains()

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _make_room(self, size: int) -> None:
        over = self._index.total() + size - self._limit_bytes
        if over > 0:
            gone = self._index.drop_oldest(over)
            self._unlink(gone)
            self._counts.add(Counted.MEDIA_EVICTED, len(gone))

    def _unlink(self, names: Sequence[bytes]) -> None:
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: bytes) -> Path:
        return self._folder / f"{name.hex()}{_SUFFIX}"


def _pieces(paths: Sequence[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
