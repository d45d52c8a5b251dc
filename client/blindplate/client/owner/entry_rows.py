"""Entries as rows: what is listed anew, taken off and said otherwise by one version of the list.

Guarantees that one call makes at most one version, none when nothing changes that a commitment says, and that what a
leaf said before is kept (``former_details``). Which changes to make is ``roster``'s. Docs/spec/owner.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from blindplate.client.owner.entries import Details
from blindplate.client.owner.tables import entries, former_details, versions
from blindplate.core.statements.priorities import Priority

_DETAILS: Final = tuple(Details.__dataclass_fields__)
# What the leaf of an entry says of it (``core.membership``); the rest is the owner's own affair.
_COMMITTED: Final = ("reason", "officer", "weed_date", "priority")


def latest_version(connection: Connection) -> int:
    """The number of the list's present version; 0 before the first."""
    return connection.execute(select(func.max(versions.c.version))).scalar() or 0


def standing(connection: Connection, plate: bytes) -> Mapping[Any, Any] | None:
    """The row of the standing entry of an encoded plate."""
    chosen = select(entries).where(entries.c.plate == plate, entries.c.removed_version.is_(None))
    return connection.execute(chosen).mappings().first()


def write_version(
    connection: Connection,
    new: Mapping[bytes, tuple[Details, float]],
    gone: Sequence[int],
    stated: Iterable[tuple[Mapping[Any, Any], Details]],
    now: float,
) -> tuple[int | None, int]:
    """List what is ``new``, each with when it was submitted, take off what is ``gone``, and have the rows ``stated`` say so.

    Gives the version's number, None when the list was so already, and how many entries say something else of what is
    committed to.
    """
    before = latest_version(connection)
    reworded = _restate(connection, stated, before)
    if not new and not gone and not reworded:
        return None, 0
    version: int = connection.execute(
        insert(versions).values(made_at=now, added=len(new), removed=len(gone)).returning(versions.c.version)
    ).scalar_one()
    if gone:
        connection.execute(
            update(entries)
            .where(entries.c.entry_id == bindparam("gone_id"))
            .values(removed_version=version, removed_at=now),
            [{"gone_id": entry_id} for entry_id in gone],
        )
    if new:
        connection.execute(
            insert(entries),
            [
                {"plate": plate, **columns_of(details), "listed_version": version, "listed_at": listed_at}
                for plate, (details, listed_at) in new.items()
            ],
        )
    return version, reworded


def columns_of(details: Details) -> dict[str, Any]:
    """Details as columns of ``entries`` and ``waiting``."""
    return {name: getattr(details, name) for name in _DETAILS}


def details_of(row: Mapping[Any, Any]) -> Details:
    """The details in a row of ``entries`` or ``waiting``."""
    found: dict[str, Any] = {name: row[name] for name in _DETAILS}
    found["priority"] = Priority(found["priority"])
    return Details(**found)


def _restate(
    connection: Connection, stated: Iterable[tuple[Mapping[Any, Any], Details]], version: int
) -> int:
    """Store new details; what leaves said up to ``version`` is kept where they say something else now."""
    changed = [(row, details) for row, details in stated if details_of(row) != details]
    former = [
        {"entry_id": row["entry_id"], "last_version": version, **{name: row[name] for name in _COMMITTED}}
        for row, details in changed
        if any(row[name] != getattr(details, name) for name in _COMMITTED)
    ]
    if changed:
        connection.execute(
            update(entries).where(entries.c.entry_id == bindparam("changed_id")),
            [{"changed_id": row["entry_id"], **columns_of(details)} for row, details in changed],
        )
    if former:
        connection.execute(insert(former_details), former)
    return len(former)
