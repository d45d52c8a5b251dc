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
_BASE64_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]+")
_FOR_ADDRESSES: Final = bytes.maketrans(b"+/", b"-_")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
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
        patterns = {one.pattern: one for plate in sought for one in _forms(plate)}
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
            found = self._forms[number]
            if found.name == "base64":
                by_chance = not _decodes(content, start, end, found.raw)
            else:
                by_chance = _is_of_a_digest(content, start, end)
            if not by_chance:
                yield found.name


def files_below(folder: Path, without: Path) -> Iterator[Path]:
    """Every file below ``folder`` but those below ``without``, each once, those too that are made meanwhile.

    What stood in a file that is gone before it is looked at stands in one that came for it, if anywhere.
    """
    known: set[Path] = set()
    while new := sorted(path for path in folder.rglob("*") if path not in known and path.is_file()):
        known.update(new)
        yield from (path for path in new if not path.is_relative_to(without))


def plant_canary(folder: Path, plate: str) -> list[Path]:
    """A file for each form that is sought, with ``plate`` in it, as a check that the search finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number, form in enumerate(_forms(plate)):
        paths.append(folder / f"canary-{number}")
        paths[-1].write_bytes(bytes(1000) + form.whole + bytes(1000))
    return paths


@dataclass(frozen=True, slots=True)
class _Form:
    """One dress of a plate: the bytes looked for, the whole they are a part of, and the text's own bytes."""

    name: str
    pattern: bytes
    whole: bytes
    raw: bytes


def _forms(plate: str) -> Iterator[_Form]:
    for spaced in (plate, f"{plate[:4]} {plate[4:]}", f"{plate[:3]} {plate[3:]}"):
        for text in (spaced, spaced.lower()):
            raw = text.encode()
            for name, content in (
                ("text", raw),
                ("utf-16", text.encode("utf-16-le")),
                ("utf-16", text.encode("utf-16-be")),
                ("hexadecimal", raw.hex().encode()),
                ("hexadecimal", raw.hex().upper().encode()),
            ):
                yield _Form(name, content, content, raw)
            for before, first in _FIRST_DIGIT.items():
                whole = base64.b64encode(bytes(before) + raw)
                for digits in (whole, whole.translate(_FOR_ADDRESSES)):
                    yield _Form("base64", digits[first : (before + len(raw)) * 8 // 6], digits, raw)


def _decodes(content: bytes, start: int, end: int, raw: bytes) -> bool:
    """Whether the base64 digits around a finding hold all of the plate, not only the digits it alone decides.

    Those are as few as seven, and a megabyte of other base64 holds one plate of thousands in so few by chance.
    """
    around = content[max(0, start - 4) : end + 4]
    (run,) = [one for one in _BASE64_RUN.findall(around) if content[start:end] in one][:1] or [b""]
    run = run.translate(_STANDARD)
    return any(raw in base64.b64decode(_whole(run[shift:])) for shift in range(4))


def _whole(digits: bytes) -> bytes:
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return digits + b"=" * (-len(digits) % 4)


def _is_of_a_digest(content: bytes, start: int, end: int) -> bool:
    """Whether a finding of less than twelve bytes lies in a longer run of hexadecimal digits, as digests are written."""
    if end - start >= 2 * SHORTEST:
        return False
    begin = max(0, start - 16)
    return any(
        run.start() + begin <= start and end <= run.end() + begin
        for run in _HEX_RUN.finditer(content[begin : end + 16])
    )
