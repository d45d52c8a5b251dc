"""Counts of more rows than an entry of the ledger holds: one statement in several parts.

Guarantees that a part of the longest rows fits an entry, and that parts are put together only when none is missing and
all are of one statement. That they are entered one after another is whoever enters them to see to. Protocol section 7.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import Field, model_validator

from blindplate.core.errors import CountError
from blindplate.core.statements.model import StatementModel

# A row of matcher's counts is at most some 400 bytes, and an entry 65,535 in base64.
MAX_ROWS: Final = 100


class PartedCounts(StatementModel):
    """Counts, or their part number ``part`` (from 0) of ``parts``; ``rows`` names the fields that are shared out."""

    rows: ClassVar[tuple[str, ...]]

    part: Annotated[int, Field(ge=0, lt=1 << 16)] = 0
    parts: Annotated[int, Field(ge=1, lt=1 << 16)] = 1

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.part >= self.parts:
            raise ValueError("a part is numbered beyond the last")
        return self

    @property
    def whole(self) -> bool:
        """Whether this is the last part, so that nothing is missing once it is joined to those before."""
        return self.part + 1 == self.parts

    def split(self) -> tuple[Self, ...]:
        """The same counts in parts of at most 100 rows, in order."""
        parts = max(1, *(-(-len(getattr(self, name)) // MAX_ROWS) for name in self.rows))
        return tuple(self._of(part, parts) for part in range(parts))

    def joined_to(self, before: Self | None) -> Self:
        """These counts with those of the parts ``before``, which may be none or whole. Raises CountError for a wrong part."""
        if before is None or before.whole:
            if self.part != 0:
                raise CountError("Counts begin in their midst: a part of them is missing.")
            return self
        rows = {name: getattr(self, name) for name in self.rows}
        if before.model_copy(update={**rows, "part": before.part + 1}) != self:
            raise CountError("Counts are not complete: another entry stands where their next part should.")
        return self.model_copy(update={name: getattr(before, name) + row for name, row in rows.items()})

    def _of(self, part: int, parts: int) -> Self:
        cut = slice(part * MAX_ROWS, (part + 1) * MAX_ROWS)
        shared: dict[str, Any] = {name: getattr(self, name)[cut] for name in self.rows}
        return self.model_copy(update={**shared, "part": part, "parts": parts})
