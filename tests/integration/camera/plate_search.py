"""Looking for plates in bytes: raw in either case, canonical, hexadecimal, base64 at any alignment, UTF-16."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# The shape of every plate of ``site.marks``. Sealed bytes meet it by chance once in a hundred gigabytes or so, and
# then it is still none of the plates looked for.
_SHAPE: Final = rb"(?i:K[A-Z][0-9]{2}[A-Z]{3})"
_PLAIN: Final = re.compile(_SHAPE)
_HEX: Final = re.compile(rb"(?i:4b|6b)(?:[0-9A-Fa-f]{2}){6}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{10,}")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def encodings(plate: str) -> dict[str, bytes]:
    """What ``plates_in`` must find: every form a plate might be left in."""
    raw = plate.encode()
    return {
        "raw": raw,
        "lower": raw.lower(),
        "hex": raw.hex().encode(),
        "hex upper": raw.hex().upper().encode(),
        "base64": base64.b64encode(raw),
        "base64 shifted once": base64.b64encode(b"x" + raw + b"y"),
        "base64 shifted twice": base64.b64encode(b"xy" + raw + b"z"),
        "base64 url-safe": base64.urlsafe_b64encode(b"\xff\xff\xff" + raw + b"\xff\xff"),
        "utf-16": plate.encode("utf-16-le"),
        "utf-16 big endian": plate.encode("utf-16-be"),
    }


def plates_in(content: bytes, plates: set[str]) -> set[str]:
    """Those of ``plates`` that ``content`` holds in some form."""
    return {text for reading in _readings(content) for text in _texts(reading) if text in plates}


def plates_below(folder: Path, plates: set[str]) -> dict[str, set[str]]:
    """By file below ``folder``, those of ``plates`` that it or its name holds."""
    found = {
        str(path): plates_in(path.read_bytes() + b"\n" + path.name.encode(), plates)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: some for name, some in found.items() if some}


def _texts(reading: bytes) -> Iterator[str]:
    return (match.group().decode().upper() for match in _PLAIN.finditer(reading))


def _readings(content: bytes) -> Iterator[bytes]:
    yield content
    for start in (0, 1):
        # Every second byte: both byte orders of UTF-16, at both alignments.
        yield content[start::2]
    for run in _HEX.findall(content):
        yield bytes.fromhex(run.decode())
    for run in _BASE64.findall(content):
        for start in range(4):
            part = run[start:].translate(_URL_SAFE)
            yield base64.b64decode(part[: len(part) // 4 * 4])
            yield base64.b64decode(part + b"A" * (-len(part) % 4))
