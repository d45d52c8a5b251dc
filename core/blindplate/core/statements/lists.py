"""List versions: what an owner commits to before anything can match it (protocol section 6).

The commitment is a Merkle root over leaves sorted by hash (``core.membership``), one leaf an entry and domain. It
says how long the list is and how it changed, and nothing else of it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from blindplate.core.statements.model import Count, Hex32, Moment, Name, StatementModel


class ListVersion(StatementModel):
    """One version of a list, signed with the grant's owner key; in force once both custodians witnessed it.

    ``list_version`` rises by at least 1 from one commitment of a grant to the next. ``entries`` counts vehicles,
    ``leaves`` the leaves of the tree; ``added`` and ``removed`` are against the commitment before.
    """

    kind: ClassVar[str] = "list-version"

    version: Literal[1] = 1
    grant_id: Name
    list_id: Name
    list_version: Count
    entries: Count
    leaves: Count
    added: Count
    removed: Count
    root: Hex32
    made_at: Moment
