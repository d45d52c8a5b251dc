"""A look at the files beside the matcher's database: which have no row any more, or are past their time.

A file without anything that needs it is past its time from when it was written, since nothing tells when it ceased to
be needed. Keys are held against the signed announcements beside them. Reads only. Protocol sections 4, 5 and 8,
guarantee G7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from blindplate.core.errors import BlindplateError
from blindplate.core.statements.announced_keys import WindowKey
from blindplate.core.statements.erasures import Looked, Place
from blindplate.edge.keyfiles import read_statement
from blindplate.server.matcher.retention.rows import Rows
from blindplate.server.matcher.retention.seen import aged

_ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "segments": (".blobs",),
    "media": (".sealed",),
    "window-keys": (".key", ".json"),
    "retention-keys": (".key",),
}


def look_at_files(data: Path, rows: Rows, now: float, tolerance: float) -> Iterator[Looked]:
    """Look at what lies in the folders of ``data``; ``rows`` were read before."""
    segments, media = (
        {item.hex(): ends_ms / 1000 for item, ends_ms in ends.items()} for ends in (rows.segments, rows.media)
    )
    tagged = {f"{list_id}.{epoch}" for list_id, epoch in rows.tagged}
    for place, folder, ending, ends in (
        (Place.SEGMENT_FILES, "segments", ".blobs", segments),
        (Place.MEDIA_FILES, "media", ".sealed", media),
        (Place.WINDOW_KEYS, "window-keys", ".key", _destroyed(data / "window-keys")),
        # Whatever else they are, keys that tags were made with are not past their time.
        (Place.RETENTION_KEYS, "retention-keys", ".key", dict.fromkeys(tagged, now)),
    ):
        files = [path for path in _files(data / folder) if path.suffix == ending]
        ages = (now - ends.get(path.name.removesuffix(ending), written) for path, written in _written(files))
        yield aged(place, len(files), ages, tolerance)
    others = [
        path
        for folder, endings in _ENDINGS.items()
        for path in _files(data / folder)
        if path.suffix not in endings
    ]
    yield aged(
        Place.TEMPORARY_FILES, len(others), (now - written for _, written in _written(others)), tolerance
    )


def _destroyed(folder: Path) -> dict[str, float]:
    """When each window key is to be destroyed, by its name, as far as its announcement says."""
    ends: dict[str, float] = {}
    for path in _files(folder):
        if path.suffix == ".json":
            # One that says nothing: then its key is past its time from when it was written.
            with suppress(BlindplateError):
                ends[path.stem] = WindowKey.parsed(read_statement(path).payload).destroyed_at
    return ends


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _written(files: Iterable[Path]) -> Iterator[tuple[Path, float]]:
    for path in files:
        # Gone meanwhile: then it is not past its time.
        with suppress(FileNotFoundError):
            yield path, path.stat().st_mtime
