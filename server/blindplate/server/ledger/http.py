"""The public files over HTTP: GET and HEAD of exactly what C2SP tlog-tiles and this ledger name, for anyone, from any page.

Guarantees that no path leads anywhere but to a checkpoint, a tile, a bundle or a document, and that nothing is listed.
Plain HTTP: everything read is checked against signatures. It is no defence against those who send many or slow requests;
what serves the public at large is any web server in front of it, or one that is given the folder. Protocol section 7.
Source: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from blindplate.core.errors import SettingsError

_NUMBER: Final = r"(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"
_CHECKPOINT: Final = re.compile(r"checkpoint")
_TILE: Final = re.compile(rf"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/{_NUMBER}")
_WITNESSED: Final = re.compile(r"witnessed/(?:x[0-9]{3}/)*[0-9]{3}")
_DOCUMENT: Final = re.compile(r"documents/[0-9a-f]{64}")
# A year. Whatever is at these paths never changes.
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_KINDS: Final = (
    (_CHECKPOINT, "text/plain; charset=utf-8", "no-cache"),
    (_TILE, "application/octet-stream", _IMMUTABLE),
    (_DOCUMENT, "application/json", _IMMUTABLE),
    (_WITNESSED, "text/plain; charset=utf-8", _IMMUTABLE),
)
_ANYONE: Final = {"Access-Control-Allow-Origin": "*"}
_MAX_CONNECTIONS: Final = 512
_KEEP_ALIVE_SECONDS: Final = 15
_BACKLOG: Final = 256


def public_app(folder: Path) -> Starlette:
    """The application that serves ``folder``."""

    def serve(request: Request) -> Response:
        # Not the route's parameter, from which a line break at the end is lost.
        path: str = request.scope["path"].removeprefix("/")
        for pattern, content_type, caching in _KINDS:
            # Read at once: a partial tile may be removed as soon as the whole one is there.
            if pattern.fullmatch(path) and (content := _read(folder / path)) is not None:
                headers = {**_ANYONE, "Cache-Control": caching, "Content-Type": content_type}
                return Response(content, headers=headers)
        return PlainTextResponse("There is no such file.\n", 404, {**_ANYONE, "Cache-Control": "no-cache"})

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET"])])


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


class PublicServer:
    """The application on a socket, in a thread of its own, from ``start`` to ``stop``."""

    def __init__(self, address: str, folder: Path) -> None:
        """Bind ``address`` (``host:port``; port 0 for a free one). Raises SettingsError when it is taken."""
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_server((host, int(port)), backlog=_BACKLOG)
        except OSError as error:
            raise SettingsError(
                f"The address {address} cannot be bound: {error.strerror}.", "Choose another."
            ) from None
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            public_app(folder),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Let requests under way end, and stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._server.serve(sockets=[self._socket])
        # A connection whose request did not end in time, or that came while the server stopped, is still open.
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
