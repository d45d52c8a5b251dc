"""Statements over any number of rows: databases bound how many values one may hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

# SQLite's own bound is 32,766 unless it was built with another.
_AT_ONCE: Final = 10_000
T = TypeVar("T")


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """``values`` in lists short enough for one statement."""
    rest = iter(values)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
