"""List versions as committed in the ledger, and which one was in force at a capture.

Guarantees that a version counts only for captures in a later second than the one in which it was witnessed: a
cosignature's time is cut to whole seconds, so within its own second the order of the two cannot be known. Protocol
section 6, guarantee G4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blindplate.core.errors import MembershipError
from blindplate.core.statements.lists import ListVersion


@dataclass(frozen=True, slots=True)
class CommittedVersion:
    """A list version as entered: where it stands in the ledger and when it was witnessed."""

    index: int
    witnessed_at: int
    statement: ListVersion

    @property
    def begins(self) -> int:
        """The first second (since 1970, UTC) in which it is in force."""
        return self.witnessed_at + 1


def version_in_force(versions: Sequence[CommittedVersion], captured_ms: int) -> CommittedVersion:
    """The version of a grant (all of them, as entered) in force at a capture in milliseconds since 1970, UTC.

    Raises MembershipError when none was witnessed before that second.
    """
    for version in reversed(versions):
        if version.begins * 1000 <= captured_ms:
            return version
    raise MembershipError(
        "No version of the list was witnessed before the capture.",
        "Nothing can be done for this record: what was not listed when it was captured is not released.",
    )
