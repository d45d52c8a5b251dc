"""Keys under which kept reads of one vehicle and day are told to be that: one for each list and epoch.

A tag is HMAC-SHA256 of domain, epoch and pseudonym under such a key, a file of mode 0600 outside the database and its
backups. Guarantees that a key is durable before a tag made with it is stored, and overwritten and unlinked soon after
the last record with such a tag is gone, at the latest when the epoch's windows have ended: tags of a database without
its keys join nothing, and of two days never do. One that is lost costs no more than that duplicates stay.
Protocol section 8.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from blindplate.core.domains import Domain, Epoch
from blindplate.core.encoding import encode
from blindplate.core.errors import SettingsError, StorageError
from blindplate.edge.keyfiles import destroy_secret, read_secret, write_secret
from blindplate.edge.logs import log
from blindplate.server.matcher.epochs import epoch_name

KEY_BYTES: Final = 32
# List and epoch, by their names.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RetentionKey:
    """The key of one list and epoch."""

    _key: bytes = field(repr=False)

    def tag(self, domain: Domain, epoch: Epoch, pseudonym: bytes) -> bytes:
        """What kept reads of one vehicle in ``domain`` and ``epoch`` have in common (32 bytes), and no others."""
        return hmac.digest(
            self._key, encode("kept-tag", domain.encode(), epoch.encode(), pseudonym), "sha256"
        )


class RetentionKeys:
    """The keys in ``folder``. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._used: Counter[Place] = Counter()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def using(self, list_id: str, epoch: Epoch) -> Generator[RetentionKey]:
        """The key of a list and epoch, made if there is none; until the block is left it is not destroyed.

        Leave it when what was made with the key is committed. Raises StorageError.
        """
        place = list_id, epoch_name(epoch)
        with self._lock:
            key = self._read_or_make(self._path(place))
            self._used[place] += 1
        try:
            yield RetentionKey(key)
        finally:
            with self._lock:
                self._used[place] -= 1
                # Neither zeroes nor epochs that are gone are kept.
                self._used += Counter()

    def destroy_unused(self, tagged: Callable[[], Collection[Place]]) -> int:
        """Destroy the keys of every list and epoch that ``tagged`` does not give; their number. Raises StorageError.

        ``tagged`` is asked while no key comes into use: what it says of tags holds for every key that is not in use.
        """
        destroyed = 0
        with self._lock:
            paths = list(self._folder.glob("*.key"))
            needed = {self._path(place) for place in (*tagged(), *self._used)} if paths else set[Path]()
            for path in paths:
                if path not in needed:
                    destroy_secret(path)
                    destroyed += 1
        if destroyed:
            log().info("retention-keys-destroyed", keys=destroyed)
        return destroyed

    def _read_or_make(self, path: Path) -> bytes:
        if not path.exists():
            write_secret(path, os.urandom(KEY_BYTES))
        try:
            return read_secret(path, KEY_BYTES)
        except SettingsError as error:
            raise StorageError(error.what, error.remedy) from None

    def _path(self, place: Place) -> Path:
        list_id, epoch = place
        return self._folder / f"{list_id}.{epoch}.key"
