"""A number plate in the one form in which every party hashes it.

Guarantees that a plate that exists is canonical (canonicalising its text gives itself), that two plates are equal
exactly when their encodings are, and that printing, logging or formatting one shows no character of it. Does not
read what an engine or a person wrote: that is ``canonicalize``.
Protocol section 2; docs/spec/plates.md section 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from blindplate.core.encoding import PROTOCOL, encode, uint
from blindplate.core.errors import PlateError
from blindplate.core.plates.countries import country_code
from blindplate.core.plates.grammar import Format, best_fit, exact_format

SCHEME_VERSION: Final = 1
MAX_PLATE_CHARACTERS: Final = 16
GRAMMAR_COUNTRY: Final = "GB"

_LABEL: Final = "plate"
_TEXT: Final = re.compile(f"[A-Z0-9]{{1,{MAX_PLATE_CHARACTERS}}}")
_FORMATS: Final = frozenset(int(format_) for format_ in Format)


@dataclass(frozen=True, slots=True, repr=False)
class CanonicalPlate:
    """A plate: scheme version, ISO 3166-1 alpha-2 country (``ZZ`` when unknown), format, 1 to 16 of A-Z and 0-9.

    Every format but VERBATIM belongs to GB, Northern Ireland's included. Raises PlateError when the four do not
    belong together.
    """

    version: int
    country: str
    format: Format
    text: str

    def __post_init__(self) -> None:
        if self.version != SCHEME_VERSION:
            raise PlateError(
                "A plate is of another scheme version.", "Install the version of this software that wrote it."
            )
        if country_code(self.country) != self.country:
            raise PlateError("A plate's country is not an ISO 3166-1 alpha-2 code.")
        if not _TEXT.fullmatch(self.text):
            raise PlateError("A plate's text is not 1 to 16 of A-Z and 0-9.")
        if self.format is not self._format_of_text():
            raise PlateError("A plate's format is not the one that its text and country have.")

    def __repr__(self) -> str:
        # Also what str(), format() and % show: the text must not reach a log by any of them.
        return f"CanonicalPlate(version={self.version}, country={self.country!r}, format={self.format.name})"

    def encode(self) -> bytes:
        """The bytes that stand for this plate wherever it is hashed or sealed; the input of the VOPRF."""
        fields = (self.country.encode(), uint(self.format, 1), self.text.encode())
        return encode(_LABEL, uint(self.version, 1), *fields)

    @classmethod
    def decode(cls, encoded: bytes) -> CanonicalPlate:
        """The plate that ``encode`` gave ``encoded`` for. Raises PlateError for any other bytes."""
        # An encoding has at most 62 bytes. Looking little further bounds the work, and can make none of longer bytes.
        match _parts(encoded[:64]):
            case [protocol, label, version, country, format_, text] if (
                (protocol, label) == (PROTOCOL.encode(), _LABEL.encode())
                and len(version) == len(format_) == 1
                and format_[0] in _FORMATS
                and country.isascii()
                and text.isascii()
            ):
                return cls(version[0], country.decode(), Format(format_[0]), text.decode())
            case _:
                raise PlateError("Bytes are not the encoding of a plate.")

    def _format_of_text(self) -> Format | None:
        """The format that these country and text have; None for a GB text that is not canonical."""
        if self.country != GRAMMAR_COUNTRY:
            return Format.VERBATIM
        exact = exact_format(self.text)
        if exact is None and best_fit(self.text) is None:
            return Format.VERBATIM
        return exact


def _parts(encoded: bytes) -> list[bytes]:
    """The length-prefixed parts of ``encoded``; none when a length points past the end."""
    parts: list[bytes] = []
    at = 0
    while at < len(encoded):
        end = at + 4 + int.from_bytes(encoded[at : at + 4], "big")
        if end > len(encoded):
            return []
        parts.append(encoded[at + 4 : end])
        at = end
    return parts
