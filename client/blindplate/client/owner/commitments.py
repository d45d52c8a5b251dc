"""The owner's memory of its commitments: which list version the ledger has, since when it is in force, and its tree.

Guarantees that a version's tree is kept while any record may still have to be shown to be of it. A custodian takes a
version to be in force from the second after it witnessed it itself, which the owner never learns exactly: ``during``
gives every version that can have been. Protocol section 6; docs/spec/owner.md section 4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from blindplate.client.owner.coverage import Version
from blindplate.client.owner.generations import Reach
from blindplate.client.owner.store import Store
from blindplate.client.owner.tables import commitments, entries, versions
from blindplate.core.signing import Statement

# As many versions as can have been in force within the coarsest time of a record, and so go with a request.
MOST_AT_ONCE: Final = 8
# How far a custodian's clock may be behind the owner's.
SKEW_SECONDS: Final = 10
_FOLDER: Final = "trees"


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment to ``version``, whose tree has ``leaves`` leaves. Times are seconds since 1970, UTC.

    ``ledger_index`` is None until the ledger gave its receipt; ``effective_at``, the later moment at which a custodian
    had witnessed it, and ``checkpoint``, which says so, until it is in force. The checkpoint goes with the tree.
    """

    version: int
    scope: str
    leaves: int
    statement: Statement
    made_at: int
    ledger_index: int | None = None
    effective_at: int | None = None
    checkpoint: bytes | None = None


def latest(connection: Connection) -> Commitment | None:
    """The commitment made last."""
    chosen = select(commitments).order_by(commitments.c.version.desc()).limit(1)
    row = connection.execute(chosen).mappings().first()
    return None if row is None else _commitment(row)


def in_force(connection: Connection) -> Commitment | None:
    """The commitment that is in force, as far as the owner knows."""
    chosen = select(commitments).where(commitments.c.effective_at.is_not(None))
    row = connection.execute(chosen.order_by(commitments.c.version.desc()).limit(1)).mappings().first()
    return None if row is None else _commitment(row)


def keep(connection: Connection, commitment: Commitment) -> None:
    """Store a commitment before it is sent."""
    row = {
        "version": commitment.version,
        "scope": commitment.scope,
        "leaves": commitment.leaves,
        "statement": commitment.statement.to_json(),
        "made_at": commitment.made_at,
    }
    connection.execute(insert(commitments).values(row))


def set_entered(connection: Connection, version: int, ledger_index: int) -> None:
    """The ledger has it."""
    chosen = update(commitments).where(commitments.c.version == version)
    connection.execute(chosen.values(ledger_index=ledger_index))


def set_in_force(connection: Connection, version: int, effective_at: int, checkpoint: bytes) -> None:
    """Both custodians have witnessed it."""
    chosen = update(commitments).where(commitments.c.version == version)
    connection.execute(chosen.values(effective_at=effective_at, checkpoint=checkpoint))


def forget(connection: Connection, version: int) -> None:
    """The ledger refused it: it never was one."""
    connection.execute(delete(commitments).where(commitments.c.version == version))


def made_since(connection: Connection, moment: float) -> int:
    """How many were made after ``moment``."""
    chosen = select(func.count()).select_from(commitments).where(commitments.c.made_at > moment)
    return connection.execute(chosen).scalar_one()


def covering(connection: Connection, reach: Reach, version: int) -> Commitment:
    """The first commitment in force that counts for an epoch and holds what ``version`` listed; it is known to be there."""
    number = next(row.version for row in _counting(connection, reach) if row.version >= version)
    chosen = select(commitments).where(commitments.c.version == number)
    return _commitment(connection.execute(chosen).mappings().one())


def witnessed_versions(
    connection: Connection, reach: Reach, *, waiting_since: float | None = None
) -> list[Version]:
    """The versions of the list that a commitment in force covers which counts for an epoch, in order.

    With ``waiting_since`` also those that none covers yet, as if they had been witnessed at that moment.
    """
    found = _counting(connection, reach)
    committed = [row.version for row in found]
    # By an index, a look a version: of a long list most entries are of few.
    stands = (entries.c.listed_version == versions.c.version, entries.c.removed_version.is_(None))
    listing = set(connection.execute(select(versions.c.version).where(exists().where(*stands))).scalars())
    known: list[Version] = []
    for version in connection.execute(select(versions.c.version).order_by(versions.c.version)).scalars():
        place = bisect_left(committed, version)
        if place < len(found):
            covered = found[place]
            made = reach.made(covered.scope)
            known.append(Version(version, covered.effective_at, version in listing, made))
        elif waiting_since is not None:
            known.append(Version(version, waiting_since, version in listing))
    return known


def during(connection: Connection, begins: float, ends: float) -> list[Commitment]:
    """Every commitment that some custodian can have held to be in force at a moment from ``begins`` up to ``ends``."""
    chosen = select(commitments.c.version, commitments.c.made_at, commitments.c.effective_at)
    rows = [
        row
        for row in connection.execute(chosen.order_by(commitments.c.version))
        if row.made_at - SKEW_SECONDS < ends
    ]
    followed = [*pairwise(rows), *((row, None) for row in rows[-1:])]
    numbers = [row.version for row, successor in followed if _ends(successor) > begins]
    # No more than these by the pace of commitments, unless an amendment made times coarser meanwhile.
    wanted = select(commitments).where(commitments.c.version.in_(numbers[-MOST_AT_ONCE:]))
    return [_commitment(row) for row in connection.execute(wanted.order_by(commitments.c.version)).mappings()]


def tree_file(store: Store, version: int) -> Path:
    """Where the tree of a version lies."""
    return store.folder / _FOLDER / f"{version}.tree"


def prune(store: Store, before: float) -> None:
    """Delete trees and checkpoints of versions that another had succeeded ``before``, and trees nobody knows of."""
    with store.writing() as connection:
        chosen = select(commitments.c.version, commitments.c.effective_at).order_by(commitments.c.version)
        rows = connection.execute(chosen).all()
        past = [row.version for row, successor in pairwise(rows) if _ends(successor) <= before]
        gone = update(commitments).where(
            commitments.c.version.in_(past), commitments.c.checkpoint.is_not(None)
        )
        connection.execute(gone.values(checkpoint=None))
    wanted = {tree_file(store, row.version) for row in rows if row.version not in set(past)}
    for path in (store.folder / _FOLDER).glob("*"):
        if path not in wanted:
            path.unlink(missing_ok=True)


def _ends(successor: Any) -> float:
    """From when on a version is in force nowhere any more. Rows of the database driver bear no type of their own."""
    if successor is None or successor.effective_at is None:
        return float("inf")
    return float(successor.effective_at + 1)


def _counting(connection: Connection, reach: Reach) -> list[Any]:
    chosen = select(commitments.c.version, commitments.c.effective_at, commitments.c.scope)
    in_force = chosen.where(commitments.c.effective_at.is_not(None)).order_by(commitments.c.version)
    return [row for row in connection.execute(in_force) if reach.counts(row.scope, row.effective_at)]


def _commitment(row: Mapping[Any, Any]) -> Commitment:
    return Commitment(
        version=row["version"],
        scope=row["scope"],
        leaves=row["leaves"],
        statement=Statement.from_json(row["statement"]),
        made_at=row["made_at"],
        ledger_index=row["ledger_index"],
        effective_at=row["effective_at"],
        checkpoint=row["checkpoint"],
    )
