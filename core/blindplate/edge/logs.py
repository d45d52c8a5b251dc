"""Logs: one JSON line an event on standard error, with an event name and plain fields.

Guarantees that a value of bytes, and any exception's arguments outside our own tree, never reach a line. Callers
log counts, party names and error codes; no plate, pseudonym or secret is ever handed in.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from blindplate.core.errors import BlindplateError


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
            _without_content,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def log() -> Any:
    """The process's logger."""
    return structlog.get_logger()


def _without_content(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, bytes | bytearray):
            event[name] = f"<{len(value)} bytes>"
        elif isinstance(value, BlindplateError):
            event[name] = {"code": value.code, "what": value.what}
        elif isinstance(value, BaseException):
            event[name] = type(value).__name__
    return event
