"""Logs: one JSON line an event on standard error, with an event name and plain fields.

Guarantees, configured or not, that a value of bytes, an object of a kind not known to be plain, and any exception's
arguments outside our own tree never reach a line; and that logging never raises, so that a full disk behind standard
error ends no thread: the line is lost instead. Callers log counts, party names and error codes; no plate, pseudonym
or secret is ever handed in.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any, Final, cast

import structlog

from blindplate.core.errors import BlindplateError

_DEEPEST: Final = 4


class Log(structlog.BoundLoggerBase):
    """What ``log`` returns. ``event`` is a fixed name; what varies goes into fields."""

    def debug(self, event: str, **fields: object) -> None:
        """For whoever mends this software."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """The ordinary course of things."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something the operator may have to look at."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Something the operator must look at."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        # Whatever fails here (a full disk, a closed pipe, a value that cannot be put down) is not worth the work
        # that was being logged.
        with suppress(Exception):
            plain = {name: _plain(value) for name, value in fields.items()}
            self._proxy_to_logger(level, event, **cast("dict[str, Any]", plain))


class _StandardError:
    """Standard error as it is at the time of each line."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(process: str) -> None:
    """Set up logging for this process; ``process`` is on every line."""

    def named(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    structlog.configure(
        processors=[
            named,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        # A logger only writes and flushes what is declared as a text file.
        logger_factory=structlog.WriteLoggerFactory(cast("Any", _StandardError())),
        wrapper_class=Log,
    )


def log() -> Log:
    """The process's logger."""
    if not structlog.is_configured():
        configure("unnamed")
    return cast("Log", structlog.wrap_logger(None, wrapper_class=Log).bind())


def _plain(value: object, depth: int = 0) -> object:
    """``value`` where it is plain; otherwise what kind of thing it is."""
    match value:
        case None | bool() | str():
            return value
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case BlindplateError():
            return {"code": value.code, "what": value.what}
        case BaseException():
            return type(value).__name__
        case bytes() | bytearray():
            return f"<{len(value)} bytes>"
        case PurePath():
            return str(value)
        case Mapping() if depth < _DEEPEST:
            items = cast("Mapping[object, object]", value).items()
            return {
                name if isinstance(name, str) else str(_plain(name, _DEEPEST)): _plain(one, depth + 1)
                for name, one in items
            }
        case list() | tuple() | AbstractSet() if depth < _DEEPEST:
            return [_plain(one, depth + 1) for one in cast("list[object]", value)]
        case _:
            return f"<{type(value).__name__}>"
