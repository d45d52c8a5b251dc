"""Search files for number plates in any dress: upper or lower case, spaced or not, plain, UTF-16, hexadecimal, base64.

Guarantees that a plate of at least six characters that stands in a file in one of these forms is found; planted
canaries show it. Shorter plates are not sought: in a hundred megabytes of ciphertext they occur by chance, and so
does, inside a long run of hexadecimal digits, a plate that consists of such digits. It does not look inside
compressed or encrypted bytes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ahocorasick_rs

SHORTEST: Final = 6
_CHUNK: Final = 16 << 20
_OVERLAP: Final = 256
_HEX_RUN: Final = re.compile(rb"[0-9a-fA-F]{16,}")
# A base64 digit holds 6 bits: behind so many bytes, the first digit that the plate alone decides.
_FIRST_DIGIT: Final = {0: 0, 1: 2, 2: 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """A plate was found: in which file and in which form. It does not say which plate."""

    path: Path
    form: str


class PlateSearch:
    """Seeks a set of plates, given as canonical texts."""

    def __init__(self, plates: Iterable[str]) -> None:
        sought = sorted({plate for plate in plates if len(plate) >= SHORTEST})
        patterns = {pattern: form for plate in sought for form, pattern in _forms(plate)}
        self._forms = list(patterns.values())
        self._automaton = ahocorasick_rs.BytesAhoCorasick(list(patterns))

    def files(self, paths: Iterable[Path]) -> Iterator[Finding]:
        """Every finding in the files, at most one a file and form."""
        for path in paths:
            yield from self.file(path)

    def file(self, path: Path) -> Iterator[Finding]:
        """Every finding in one file, at most one a form. Reads in pieces that overlap."""
        seen: set[str] = set()
        rest = b""
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                content = rest + piece
                for form in self.content(content):
                    if form not in seen:
                        seen.add(form)
                        yield Finding(path, form)
                rest = content[-_OVERLAP:]

    def content(self, content: bytes) -> Iterator[str]:
        """The form of every finding in some bytes."""
        for number, start, end in self._automaton.find_matches_as_indexes(content, overlapping=True):
            if not _by_chance(content, start, end):
                yield self._forms[number]


def plant_canary(folder: Path, plate: str) -> list[Path]:
    """A file for each form that is sought, with ``plate`` in it, as a check that the search finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number, (_, pattern) in enumerate(_forms(plate)):
        paths.append(folder / f"canary-{number}")
        paths[-1].write_bytes(bytes(1000) + pattern + bytes(1000))
    return paths


def _forms(plate: str) -> Iterator[tuple[str, bytes]]:
    for spaced in (plate, f"{plate[:4]} {plate[4:]}", f"{plate[:3]} {plate[3:]}"):
        for text in (spaced, spaced.lower()):
            raw = text.encode()
            yield "text", raw
            yield "utf-16", text.encode("utf-16-le")
            yield "utf-16", text.encode("utf-16-be")
            yield "hexadecimal", raw.hex().encode()
            yield "hexadecimal", raw.hex().upper().encode()
            for before, first in _FIRST_DIGIT.items():
                digits = base64.b64encode(bytes(before) + raw)[first : (before + len(raw)) * 8 // 6]
                yield "base64", digits
                yield "base64", digits.translate(bytes.maketrans(b"+/", b"-_"))


def _by_chance(content: bytes, start: int, end: int) -> bool:
    """Whether a finding of less than sixteen bytes lies in a longer run of hexadecimal digits, as digests are written."""
    if end - start >= 2 * SHORTEST:
        return False
    return any(
        run.start() + max(0, start - 16) <= start and end <= run.end() + max(0, start - 16)
        for run in _HEX_RUN.finditer(content[max(0, start - 16) : end + 16])
    )
