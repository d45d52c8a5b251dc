"""Where the ledger's files come from: a web server, or a folder.

Guarantees that no more is read than a file of its kind can hold, and that a folder gives nothing from outside it.
Believes nothing and says nothing of what the bytes are: whoever asks checks them against a root or a signature.
Protocol section 7; docs/spec/ledger.md section 3. The only module of ``edge`` that imports ``httpx``.
"""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import httpx

from blindplate.core.errors import MessageError, NotFoundError, SettingsError, UnavailableError
from blindplate.core.ledger.bundles import MAX_ENTRY_BYTES
from blindplate.core.ledger.entries import MAX_DOCUMENT_BYTES
from blindplate.core.ledger.layout import CHECKPOINT, TILE_WIDTH, WITNESSED
from blindplate.core.ledger.notes import MAX_NOTE_BYTES
from blindplate.core.merkle import HASH_BYTES

_PATH: Final = re.compile(r"[a-z0-9]+(/[a-z0-9]+(\.p)?)*")
_CONNECT_SECONDS: Final = 5.0
_SILENCE_SECONDS: Final = 10.0
# For a whole file: one that comes byte by byte is no answer either.
_FILE_SECONDS: Final = 60.0
_LIMITS: Final[tuple[tuple[str, int], ...]] = (
    ("tile/entries/", TILE_WIDTH * (2 + MAX_ENTRY_BYTES)),
    ("tile/", TILE_WIDTH * HASH_BYTES),
    ("documents/", MAX_DOCUMENT_BYTES),
    (f"{WITNESSED}/", MAX_NOTE_BYTES),
    (CHECKPOINT, MAX_NOTE_BYTES),
)


class LedgerSource(Protocol):
    """Gives the ledger's public files by their paths (``core.ledger.layout``). Safe to use from several threads."""

    def get(self, path: str) -> bytes:
        """The bytes of a file.

        Raises NotFoundError when there is none, UnavailableError when that cannot be said now, MessageError for a
        path of no kind of file and for a file longer than its kind can be.
        """
        ...


class HttpSource:
    """The ledger's files below an ``http://`` or ``https://`` address. Follows no redirections."""

    def __init__(self, url: str) -> None:
        """Connects when asked for the first file. Raises SettingsError for an address that is none."""
        try:
            base = httpx.URL(url.rstrip("/") + "/")
        except httpx.InvalidURL:
            raise SettingsError(f"The ledger's address {url} is not a URL.") from None
        if base.scheme not in ("http", "https") or not base.host:
            raise SettingsError(f"The ledger's address {url} is not one of http or https.")
        self._client = httpx.Client(
            base_url=base,
            timeout=httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
            # A few bytes of a compressed answer could unfold to more than memory holds.
            headers={"Accept-Encoding": "identity"},
            # The settings alone say whom to ask: no proxy, password or certificate is taken from the environment.
            trust_env=False,
        )

    def get(self, path: str) -> bytes:
        """As ``LedgerSource.get``."""
        limit = _limit(path)
        try:
            with self._client.stream("GET", path) as response:
                if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                    raise _missing(path)
                if response.status_code != HTTPStatus.OK:
                    raise UnavailableError(
                        f"The ledger's web server answered {response.status_code} for {path}.",
                        "Check the ledger's address in the settings; then try again.",
                    )
                return _read(response, path, limit)
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"The ledger's web server did not answer for {path} ({type(error).__name__}).",
                "Check that it runs and that its address is right; then try again.",
            ) from None

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


class FolderSource:
    """The ledger's files in a folder: a copy, or the ledger's own."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsError when there is no such folder."""
        if not folder.is_dir():
            raise SettingsError(f"The ledger's folder {folder} does not exist.", "Name another.")
        self._folder = folder.resolve()

    def get(self, path: str) -> bytes:
        """As ``LedgerSource.get``."""
        limit = _limit(path)
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder):
            raise MessageError(f"The ledger's file {path} lies outside its folder.", "Remove the link.")
        try:
            with file.open("rb") as opened:
                data = opened.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise _missing(path) from None
        except OSError as error:
            raise UnavailableError(f"The ledger's file {path} cannot be read: {error.strerror}.") from None
        _require_within(len(data), path, limit)
        return data

    def close(self) -> None:
        """Nothing is held open."""


def open_source(address: str) -> HttpSource | FolderSource:
    """The source that ``address`` names: an ``http://`` or ``https://`` URL, or a folder. Raises SettingsError."""
    return HttpSource(address) if is_address(address) else FolderSource(Path(address))


def is_address(address: str) -> bool:
    """Whether it names a ledger that is served, and no folder."""
    return re.match(r"[a-z]+://", address) is not None


def _limit(path: str) -> int:
    """How long the file of this path can be."""
    if _PATH.fullmatch(path):
        for prefix, limit in _LIMITS:
            if path.startswith(prefix):
                return limit
    raise MessageError("A path is asked for that no file of a ledger has.")


def _read(response: httpx.Response, path: str, limit: int) -> bytes:
    data = bytearray()
    deadline = time.monotonic() + _FILE_SECONDS
    for chunk in response.iter_raw():
        data += chunk
        _require_within(len(data), path, limit)
        if time.monotonic() > deadline:
            raise UnavailableError(f"The ledger's web server sends {path} too slowly.")
    return bytes(data)


def _require_within(length: int, path: str, limit: int) -> None:
    if length > limit:
        raise MessageError(f"The ledger's file {path} is longer than {limit} bytes.")


def _missing(path: str) -> NotFoundError:
    return NotFoundError(
        f"The ledger has no file {path}.", "Check the ledger's address in the settings; then try again."
    )
