"""What an owner says daily of the evidence it has: how much it erased, keeps, and holds longer.

Sworn and counted, like the matcher's counts: that nothing was copied first nobody can show. Protocol section 7, guarantee
G7; docs/spec/owner.md section 8.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.statements.model import Count, Moment, Name, Part
from blindplate.core.statements.parted import PartedCounts


class EvidenceCount(Part):
    """Released pieces of evidence of one list in one zone: erased on the day, kept at its end, and held of those kept."""

    list_id: Name
    zone: Name
    erased: Count
    kept: Count
    held: Count


class EvidenceErasures(PartedCounts):
    """The evidence of one grant on one UTC day (``YYYY-MM-DD``) that is over; signed with the grant's owner key.

    ``overdue`` is what the owner's own check of the day found past its time. Zones without any evidence are left out.
    """

    kind: ClassVar[str] = "evidence-erasures"
    rows: ClassVar[tuple[str, ...]] = ("evidence",)

    version: Literal[1] = 1
    grant_id: Name
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    evidence: tuple[EvidenceCount, ...]
    overdue: Count
    made_at: Moment
