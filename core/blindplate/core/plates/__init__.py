"""Number plates: one canonical form, the same at every camera and every owner, and the alternates of a read.

``canonicalize`` is for lists and for what is known; ``read_plates`` is for what an engine saw.
Protocol section 2; specified in docs/spec/plates.md, with vectors in tests/vectors/plates-v1.json.
"""

from __future__ import annotations

from blindplate.core.plates.canonical import canonicalize
from blindplate.core.plates.countries import UNKNOWN_COUNTRY, country_code
from blindplate.core.plates.grammar import Format
from blindplate.core.plates.plate import SCHEME_VERSION, CanonicalPlate
from blindplate.core.plates.readings import (
    DEFAULT_RULES,
    MAX_ALTERNATES,
    AlternateRules,
    PlateReading,
    Source,
    alternates,
    read_plates,
)

__all__ = [
    "DEFAULT_RULES",
    "MAX_ALTERNATES",
    "SCHEME_VERSION",
    "UNKNOWN_COUNTRY",
    "AlternateRules",
    "CanonicalPlate",
    "Format",
    "PlateReading",
    "Source",
    "alternates",
    "canonicalize",
    "country_code",
    "read_plates",
]
