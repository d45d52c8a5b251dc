"""Revisions: which of a list's files this is, which one it builds on, and whether it may be taken now.

A file may begin with a line that says so, in front of any header:

    Revision,12                       a whole list
    Revision,13,Builds on,12          a delta: only what changed since revision 12

Guarantees that a delta is taken only on top of the revision it names, that none is taken twice, and that a whole list
never takes the place of a later one. Pure rules: what was taken before is handed in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from blindplate.core.errors import ListFileError

_LARGEST: Final = 1 << 40
_LINE: Final = re.compile(
    r'"?revision"?\s*[,;:\t]\s*"?(\d{1,13})"?\s*(?:[,;:\t]\s*"?builds[ _]on"?\s*[,;:\t]\s*"?(\d{1,13})"?)?[\s,;:"\t]*',
    re.IGNORECASE,
)
_BEGINS: Final = re.compile(r'"?revision"?\s*[,;:\t]', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Revision:
    """What a file says of itself. ``number`` is None for a whole list that says nothing; deltas build on another."""

    number: int | None = None
    builds_on: int | None = None

    @classmethod
    def of(cls, number: int | None, builds_on: int | None) -> Self:
        """One given beside the file. Raises ListFileError when it does not come after what it builds on."""
        if builds_on is not None and (number is None or builds_on >= number):
            raise _disordered()
        return cls(number, builds_on)


@dataclass(frozen=True, slots=True)
class Taken:
    """The file that was taken last: its revision, if it had one, and SHA-256 of its bytes."""

    number: int | None
    digest: bytes


def parse_line(line: str) -> Revision | None:
    """What the first line of a file says; None when it is not about revisions.

    Raises ListFileError for one that begins as if it were and is not of the form above.
    """
    if not _BEGINS.match(line):
        return None
    found = _LINE.fullmatch(line)
    if found is None:
        raise ListFileError(
            "The first line of the list file begins with Revision and is not understood.",
            "Write `Revision,12`, or for a delta `Revision,13,Builds on,12`.",
        )
    number, builds_on = (None if one is None else int(one) for one in found.groups())
    if number is None or number >= _LARGEST or (builds_on is not None and builds_on >= number):
        raise _disordered()
    return Revision(number, builds_on)


def is_taken(revision: Revision, digest: bytes, last: Taken | None) -> bool:
    """Whether this very file is the one that was taken last; False when it may be taken.

    Raises ListFileError when it may not be: a delta on another revision than the last, an older list, or another file
    under the last one's number.
    """
    before = last.number if last is not None else None
    if revision.number is not None and revision.number == before:
        if last is not None and last.digest == digest:
            return True
        raise ListFileError(
            f"Another file was taken as revision {before} of the list.",
            "Have the list's source number its files; submit a whole list with a later number.",
        )
    if revision.builds_on is not None:
        _require_next(revision.builds_on, before)
    elif revision.number is not None and before is not None and revision.number < before:
        raise ListFileError(
            f"The list is at revision {before} already, and the file is revision {revision.number}.",
            "Submit a later one. To go back on purpose, take the Revision line out of the file.",
        )
    return False


def _require_next(builds_on: int, before: int | None) -> None:
    if before is None:
        raise ListFileError(
            f"The delta builds on revision {builds_on}, and the list is of no known revision.",
            "Submit a whole list with a Revision line first, then the deltas after it in order.",
        )
    if builds_on > before:
        raise ListFileError(
            f"The delta builds on revision {builds_on}, and the list is at revision {before}: one is missing.",
            f"Submit the deltas after revision {before} in order first, or a whole list.",
        )
    if builds_on < before:
        raise ListFileError(
            f"The delta builds on revision {builds_on}, and the list is past it, at revision {before}.",
            "It came out of order or was taken before: leave it, or submit a whole list.",
        )


def _disordered() -> ListFileError:
    return ListFileError(
        "The revision of the list file is not above the one it builds on, or too large.",
        "A delta builds on an earlier revision; number them upwards.",
    )
