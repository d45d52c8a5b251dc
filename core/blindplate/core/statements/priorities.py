"""How urgent a list entry is: what a standing authorisation may be limited to (protocol section 6)."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """The priority of a list entry, as its owner committed to it; ``none`` where the owner gave it none."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"
