"""Search files for secret bytes in any dress: raw, hexadecimal in either case, base64 of either alphabet at any offset.

Guarantees that a secret of at least twelve bytes that stands in a file in one of these forms is found; ``forms`` are
also the canaries that show it. By chance one of sixteen bytes is not found in any amount of data.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import ahocorasick_rs

# A base64 digit holds 6 bits: behind so many bytes, the first digit that the secret alone decides.
_FIRST_DIGIT: Final = {0: 0, 1: 2, 2: 3}


class SecretSearch:
    """Seeks a set of secrets."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        patterns = [(secret, form) for secret in secrets for form in forms(secret)]
        self._secrets = [secret for secret, _ in patterns]
        self._automaton = ahocorasick_rs.BytesAhoCorasick([form for _, form in patterns])

    def below(self, *folders: Path) -> set[bytes]:
        """The secrets that stand in some file below some folder."""
        return {
            self._secrets[number]
            for folder in folders
            for path in folder.rglob("*")
            if path.is_file()
            for number, _, _ in self._automaton.find_matches_as_indexes(path.read_bytes(), overlapping=True)
        }


def forms(secret: bytes) -> Iterator[bytes]:
    """Every form that is sought."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for before, first in _FIRST_DIGIT.items():
        digits = base64.b64encode(bytes(before) + secret)[first : (before + len(secret)) * 8 // 6]
        yield digits
        yield digits.translate(bytes.maketrans(b"+/", b"-_"))
