"""What the matcher enters: a root over every batch before its answer leaves, and counts that must agree.

Protocol sections 5 and 7. Nothing here tells a read from a dummy.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from blindplate.core.errors import CountError
from blindplate.core.statements.model import Count, Hex32, Moment, Name, Part, StatementModel
from blindplate.core.statements.parted import PartedCounts


class AnsweredBatch(Part):
    """One batch: its answer's number and digest (``core.batches``), the segment, and the root over its slots.

    Every slot has a leaf, dummies included, so that neither their number nor the root tells how many reads it held.
    """

    grant_id: Name
    list_id: Name
    sequence: Count
    segment_id: Hex32
    slots: Annotated[int, Field(ge=1, le=1 << 20)]
    root: Hex32
    answer_sha256: Hex32


class Batches(StatementModel):
    """Batches about to be answered, signed by the matcher; an answer leaves once this has its receipt."""

    kind: ClassVar[str] = "batches"

    version: Literal[1] = 1
    batches: Annotated[tuple[AnsweredBatch, ...], Field(min_length=1, max_length=64)]
    made_at: Moment


class RecordCount(Part):
    """What became of the records of one list in one zone, in all since the matcher's counts began.

    Always ``received = claimed + erased_acknowledged + erased_unclaimed + open``. ``erased_claimed`` counts those of
    the claimed that were erased since; ``answered`` counts places in batches. Under charging terms ``kept`` counts
    those of the open ones that are kept until payment has closed, ``erased_unopened`` those of
    ``erased_acknowledged`` that were kept before. A record that is kept stands for all the reads of its vehicle and
    day that were kept, and is counted as so many wherever it is counted: so no count tells how many vehicles it was.
    """

    list_id: Name
    zone: Name
    received: Count
    answered: Count
    claimed: Count
    erased_acknowledged: Count
    erased_unclaimed: Count
    erased_claimed: Count
    open: Count
    kept: Count = 0
    erased_unopened: Count = 0

    def require_balanced(self) -> None:
        """Raise CountError, naming list and zone, unless every record that came in is accounted for once.

        And unless what is part of another count is no more than that.
        """
        accounted = self.claimed + self.erased_acknowledged + self.erased_unclaimed + self.open
        if self.received != accounted or self.erased_claimed > self.claimed:
            raise CountError(
                f"Of list {self.list_id} in zone {self.zone} {self.received} records came in, and {accounted} are "
                f"accounted for; {self.erased_claimed} of {self.claimed} claimed ones were erased."
            )
        if self.kept > self.open or self.erased_unopened > self.erased_acknowledged:
            raise CountError(
                f"Of list {self.list_id} in zone {self.zone} {self.kept} of {self.open} open records are kept, and "
                f"{self.erased_unopened} of {self.erased_acknowledged} erased ones were."
            )


class MatcherCounts(PartedCounts):
    """The matcher's counts at one moment, signed by it. ``since`` tells one beginning of its counts from another."""

    kind: ClassVar[str] = "matcher-counts"
    rows: ClassVar[tuple[str, ...]] = ("records",)

    version: Literal[1] = 1
    since: Moment
    records: tuple[RecordCount, ...]
    refused_claims: Count
    made_at: Moment
