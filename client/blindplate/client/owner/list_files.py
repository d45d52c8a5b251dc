"""The owner's memory of the list files it took: in which order, and of which revision the list is."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from blindplate.client.owner.lists.revisions import Taken
from blindplate.client.owner.tables import list_files


def last_taken(connection: Connection) -> Taken | None:
    """The file that was taken last; None before the first."""
    chosen = select(list_files).order_by(list_files.c.number.desc()).limit(1)
    row = connection.execute(chosen).first()
    return None if row is None else Taken(row.revision, row.digest)


def keep_taken(connection: Connection, taken: Taken, now: float) -> None:
    """Remember that a file was taken, in the transaction that takes it."""
    connection.execute(insert(list_files).values(revision=taken.number, digest=taken.digest, taken_at=now))
