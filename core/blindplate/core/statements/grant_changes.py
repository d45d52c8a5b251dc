"""What happens to a grant after it was entered: a custodian's suspension, and its end (protocol section 7).

An amendment is a ``Grant`` of the same name with the next ``amendment`` number.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from blindplate.core.parties import Custodian
from blindplate.core.statements.model import Moment, Name, StatementModel, Text


class GrantSuspension(StatementModel):
    """One custodian will not act on a grant, or will again; signed by that custodian alone.

    ``reason`` is public. The last one entered of each custodian counts, from when it was witnessed.
    """

    kind: ClassVar[str] = "grant-suspension"

    version: Literal[1] = 1
    grant_id: Name
    custodian: Custodian
    suspended: bool
    reason: Text
    made_at: Moment


class GrantEnd(StatementModel):
    """A grant ends for good as soon as this is entered; signed by the operator. ``reason`` is public."""

    kind: ClassVar[str] = "grant-end"

    version: Literal[1] = 1
    grant_id: Name
    reason: Text
    made_at: Moment
