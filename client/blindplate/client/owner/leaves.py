"""Leaves: what an owner's list commits to of each entry and domain, and how a leaf is opened later.

Guarantees that an entry's leaf is the same whenever it is made for the same version: what the entry said then is kept
(``roster``), and its salt belongs to the evaluation. Protocol section 6; docs/spec/owner.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, select

from blindplate.client.owner.tables import entries, evaluations, former_details
from blindplate.core.domains import Domain
from blindplate.core.membership import details_digest, leaf, ranked_digest
from blindplate.core.statements.priorities import Priority

# Below what SQLite takes as parameters of one statement.
_AT_ONCE: Final = 10_000
_SAID = (entries.c.reason, entries.c.officer, entries.c.weed_date, entries.c.priority)


@dataclass(frozen=True, slots=True)
class Said:
    """What a leaf says of its entry: the digest (32 bytes) of why, by whom and until when; and the priority."""

    stated: bytes
    priority: Priority

    @property
    def details(self) -> bytes:
        """What stands in the leaf for it (32 bytes)."""
        return ranked_digest(self.stated, self.priority)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An entry with its F_D (64 bytes) and salt in one domain, and the versions that listed and removed it."""

    entry_id: int
    listed_version: int
    removed_version: int | None
    said: Said
    f: bytes = field(repr=False)
    salt: bytes = field(repr=False)

    def stands_in(self, version: int) -> bool:
        """Whether it is an entry of that version of the list."""
        return self.listed_version <= version and (
            self.removed_version is None or self.removed_version > version
        )


def standing_leaves(connection: Connection, domains: Iterable[Domain]) -> Iterator[bytes]:
    """The leaf (32 bytes) of every standing entry in each of ``domains`` in which it is evaluated."""
    # A list says few different things of its many entries.
    digests: dict[tuple[str, str, date | None, str], bytes] = {}
    for domain in domains:
        chosen = select(evaluations.c.f, evaluations.c.salt, *_SAID).select_from(_joined(domain))
        for f, salt, *said in connection.execute(chosen.where(entries.c.removed_version.is_(None))):
            key = (said[0], said[1], said[2], said[3])
            if key not in digests:
                digests[key] = _of(*key).details
            yield leaf(f, digests[key], salt)


def evaluated(connection: Connection, domain: Domain, covered: ColumnElement[bool]) -> list[Evaluated]:
    """Every entry that ``covered`` holds for and that is evaluated in ``domain``, with what it says now."""
    chosen = select(
        entries.c.entry_id,
        entries.c.listed_version,
        entries.c.removed_version,
        evaluations.c.f,
        evaluations.c.salt,
        *_SAID,
    ).select_from(_joined(domain))
    return [
        Evaluated(
            row["entry_id"], row["listed_version"], row["removed_version"], _said(row), row["f"], row["salt"]
        )
        for row in connection.execute(chosen.where(covered)).mappings()
    ]


def evaluated_in(
    connection: Connection, domain: Domain, covered: ColumnElement[bool]
) -> Iterator[list[tuple[int, bytes]]]:
    """Number and F_D of every entry that ``covered`` holds for and that is evaluated in ``domain``, many at a time."""
    chosen = select(entries.c.entry_id, evaluations.c.f).select_from(_joined(domain)).where(covered)
    for some in connection.execute(chosen).partitions(_AT_ONCE):
        yield [(row.entry_id, row.f) for row in some]


def said_in(connection: Connection, held: Sequence[Evaluated], version: int) -> list[Said]:
    """What the leaf of each of these entries says in that version of the list."""
    former: dict[int, Said] = {}
    numbers = [entry.entry_id for entry in held]
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        chosen = select(former_details).where(
            former_details.c.entry_id.in_(some), former_details.c.last_version >= version
        )
        # The first that was said until then, or later, is what was said then.
        for row in connection.execute(chosen.order_by(former_details.c.last_version)).mappings():
            former.setdefault(row["entry_id"], _said(row))
    return [former.get(entry.entry_id, entry.said) for entry in held]


def _joined(domain: Domain) -> Any:
    # SQLAlchemy's join type is not generic over what is selected from it.
    of_domain = and_(evaluations.c.zone == domain.zone, evaluations.c.generation == domain.generation)
    return entries.join(evaluations, and_(evaluations.c.plate == entries.c.plate, of_domain))


def _said(row: Mapping[Any, Any]) -> Said:
    return _of(row["reason"], row["officer"], row["weed_date"], row["priority"])


def _of(reason: str, officer: str, weed_date: date | None, priority: str) -> Said:
    until = weed_date.isoformat() if weed_date else ""
    return Said(details_digest(reason, officer, until), Priority(priority))
