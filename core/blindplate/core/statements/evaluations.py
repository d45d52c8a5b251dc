"""How many pseudonyms a custodian evaluated, and how often anyone asked whether they were looked at.

Protocol sections 3, 6 and 7.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.parties import Custodian
from blindplate.core.statements.model import Count, Moment, Name, Part
from blindplate.core.statements.parted import PartedCounts


class GrantEvaluations(Part):
    """Pseudonyms evaluated for an owner under one grant."""

    grant_id: Name
    evaluated: Count


class ZoneEvaluations(Part):
    """Pseudonyms evaluated for the cameras of one zone, and local keys handed to them."""

    list_id: Name
    zone: Name
    evaluated: Count
    local_keys: Count


class EvaluationCounts(PartedCounts):
    """One custodian's evaluations of one UTC day (``YYYY-MM-DD``) so far, signed by it. The last of a day counts."""

    kind: ClassVar[str] = "evaluation-counts"
    rows: ClassVar[tuple[str, ...]] = ("grants", "zones")

    version: Literal[1] = 1
    custodian: Custodian
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    grants: tuple[GrantEvaluations, ...]
    zones: tuple[ZoneEvaluations, ...]
    subject_searches: Count
    made_at: Moment
