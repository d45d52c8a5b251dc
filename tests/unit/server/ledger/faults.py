"""A disk that fails: the calls by which the ledger writes its files, each of which can be made to fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

import pytest

CALLS: Final = ("open", "write", "pwrite", "fsync", "fdatasync", "replace", "mkdir")
ERRORS: Final = (errno.EIO, errno.ENOSPC)


class Crash(BaseException):
    """The process ends here."""


@contextmanager
def nth_call_fails(number: int, error: BaseException | None) -> Generator[list[str]]:
    """Let the call of that number fail with ``error``, a write after half of it; the calls so far are yielded.

    None fails no call.
    """
    seen: list[str] = []

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            seen.append(name)
            if error is None or len(seen) != number:
                return real(*arguments, **named)
            if name in ("write", "pwrite"):
                descriptor, content, *offset = arguments
                real(descriptor, content[: len(content) // 2], *offset)
            raise error

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, failing(name, getattr(os, name)))
        yield seen


def disk_error(number: int) -> OSError:
    """What the system raises."""
    return OSError(number, os.strerror(number))
