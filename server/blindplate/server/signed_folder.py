"""A folder of signed statements of one kind, read again whenever a file in it changes.

Guarantees that only statements that bear every required signature are handed out, and that a bad file is named
and skipped while the good ones keep working. It compares names, sizes and times of change: a file rewritten in
place within the clock's grain and to the same length may be seen late.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from blindplate.core.errors import BlindplateError, StorageError
from blindplate.core.statements.model import StatementModel
from blindplate.edge.keyfiles import read_statement

_Model = TypeVar("_Model", bound=StatementModel)
_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that was skipped, and why."""

    file: str
    error: BlindplateError


@dataclass(frozen=True, slots=True)
class Loaded(Generic[_Model]):
    """One verified statement: its file's name, the payload bytes the signatures cover, and what they say."""

    file: str
    payload: bytes
    model: _Model


@dataclass(frozen=True, slots=True)
class Contents(Generic[_Model]):
    """A folder at one moment, by file name. A later object is another one exactly when a file changed."""

    statements: tuple[Loaded[_Model], ...]
    problems: tuple[Problem, ...]


class SignedFolder(Generic[_Model]):
    """The ``*.json`` statements in ``folder`` that every key of ``required`` (Ed25519, 32 bytes each) signed."""

    def __init__(self, folder: Path, model: type[_Model], required: Sequence[bytes]) -> None:
        self._folder = folder
        self._model = model
        self._required = tuple(required)
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._contents: Contents[_Model] = Contents((), ())

    def current(self) -> Contents[_Model]:
        """What the folder holds now. Raises StorageError when the folder itself cannot be read."""
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._contents = self._load([name for name, *_ in stamp])
                self._stamp = stamp
            return self._contents

    def _look(self) -> _Stamp:
        try:
            with os.scandir(self._folder) as entries:
                found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".json")]
        except OSError as error:
            # Also what a caller is told while the process serves: the folder's name is enough for both.
            raise StorageError(
                f"The folder of statements {self._folder.name} cannot be read: {error.strerror}.",
                "Check the path in this process's settings, and its permissions.",
            ) from None
        return tuple(sorted((name, at.st_mtime_ns, at.st_size, at.st_ino) for name, at in found))

    def _load(self, names: Sequence[str]) -> Contents[_Model]:
        statements: list[Loaded[_Model]] = []
        problems: list[Problem] = []
        for name in names:
            try:
                statement = read_statement(self._folder / name)
                model = self._model.verified(statement, self._required)
            except BlindplateError as error:
                problems.append(Problem(name, error))
            else:
                statements.append(Loaded(name, statement.payload, model))
        return Contents(tuple(statements), tuple(problems))
