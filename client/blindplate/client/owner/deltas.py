"""Deltas: what changed of a list since the revision they build on, made one version of the list.

Guarantees that every row is done or told by its line: an addition of what is listed amends it, an amendment of what is not
adds it, and a deletion of what is not listed is told, since entries also go by their weed date and by hand. A row says
all of its vehicle: what it leaves empty is empty from then on. Specified in docs/spec/owner.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from blindplate.client.owner.lists.problems import Problem, ProblemKind
from blindplate.client.owner.lists.rows import Change as RowChange
from blindplate.client.owner.lists.rows import Row
from blindplate.client.owner.roster import Change, Changing, require_room

_SURPRISES: Final = {
    (RowChange.ADD, True): ProblemKind.LISTED,
    (RowChange.AMEND, False): ProblemKind.NOT_LISTED,
    (RowChange.DELETE, False): ProblemKind.NOTHING_TO_DELETE,
}


def apply_delta(
    connection: Connection, rows: Iterable[Row], now: float, max_vehicles: int
) -> tuple[Change, list[Problem]]:
    """Do what ``rows`` say, each of another vehicle; gives the change, and what was otherwise than they suppose.

    Raises QuotaError when the list would have more than ``max_vehicles`` entries.
    """
    changing, surprises = Changing(), list[Problem]()
    for row in rows:
        plate = row.vehicle.plate.encode()
        if row.change is RowChange.DELETE:
            known = changing.take_off(connection, plate)
        else:
            known = changing.list_one(connection, plate, row.vehicle.details, now)
        kind = _SURPRISES.get((row.change, known))
        if kind is not None:
            surprises.append(Problem(row.line, "plate", kind))
    change = changing.write(connection, now)
    require_room(connection, max_vehicles)
    return change, surprises
