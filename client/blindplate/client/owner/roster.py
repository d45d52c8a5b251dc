"""The list itself: what was listed when, by which version of the list, and what was taken off.

Guarantees one standing entry a plate, and that every change of what is listed, or of why, by whom and until when, is
one version: a version committed to stays what it was. What an entry said before is kept (``details``). Does not know of
commitments, epochs or uploads. Specified in docs/spec/owner.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from blindplate.client.owner.entries import Details, ListedVehicle
from blindplate.client.owner.tables import entries, former_details, versions
from blindplate.core.domains import LONDON
from blindplate.core.errors import NotFoundError, QuotaError
from blindplate.core.plates import CanonicalPlate

_DETAILS: Final = tuple(Details.__dataclass_fields__)
# What the leaf of an entry says of it (``core.membership``); the rest is the owner's own affair.
_COMMITTED: Final = ("reason", "officer", "weed_date")


@dataclass(frozen=True, slots=True)
class Change:
    """What one change did; ``reworded`` counts kept entries that say something else now of why, by whom, until when.

    ``version`` is None when the list was already so.
    """

    version: int | None
    added: int
    removed: int
    kept: int
    reworded: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, standing or removed. ``listed_at`` and ``removed_at`` are seconds since 1970, UTC."""

    entry_id: int
    plate: CanonicalPlate = field(repr=False)
    details: Details = field(repr=False)
    listed_at: float
    removed_at: float | None


def replace_list(connection: Connection, vehicles: Iterable[ListedVehicle], now: float) -> Change:
    """Make the list exactly ``vehicles``. What stood already keeps its entry, with details as given now."""
    wanted = {vehicle.plate.encode(): vehicle.details for vehicle in vehicles}
    rows = connection.execute(select(entries).where(entries.c.removed_version.is_(None))).mappings()
    standing = {row["plate"]: row for row in rows}
    gone = [row["entry_id"] for plate, row in standing.items() if plate not in wanted]
    new = {plate: details for plate, details in wanted.items() if plate not in standing}
    changed = [(standing[plate], details) for plate, details in wanted.items() if plate in standing]
    return _change(connection, new, gone, changed, now, len(standing) - len(gone))


def add_vehicle(connection: Connection, vehicle: ListedVehicle, now: float, max_vehicles: int) -> Change:
    """List one vehicle more; one that stands already keeps its entry, with details as given now.

    Raises QuotaError when the list has ``max_vehicles`` entries.
    """
    plate = vehicle.plate.encode()
    found, kept = _standing(connection, plate), count(connection)
    if found is not None:
        return _change(connection, {}, [], [(found, vehicle.details)], now, kept)
    if kept >= max_vehicles:
        raise QuotaError(
            f"The list has the {max_vehicles:,} entries that the grant allows.",
            "Remove one first, or ask for an amended grant.",
        )
    return _change(connection, {plate: vehicle.details}, [], [], now, kept)


def remove_vehicle(connection: Connection, plate: CanonicalPlate, now: float) -> Change:
    """Take one vehicle off. Raises NotFoundError when it is not listed."""
    found = _standing(connection, plate.encode())
    if found is None:
        raise NotFoundError("That vehicle is not on the list.", "Check its plate and country.")
    return _change(connection, {}, [found["entry_id"]], [], now, count(connection) - 1)


def weed(connection: Connection, now: float) -> Change:
    """Take off every entry whose weed date is past in Europe/London."""
    past = entries.c.weed_date < london_day(now)
    chosen = select(entries.c.entry_id).where(entries.c.removed_version.is_(None), past)
    gone = list(connection.execute(chosen).scalars())
    return _change(connection, {}, gone, [], now, count(connection) - len(gone))


def latest_version(connection: Connection) -> int:
    """The number of the list's present version; 0 before the first."""
    return connection.execute(select(func.max(versions.c.version))).scalar() or 0


def renumber(connection: Connection, version: int, now: float) -> None:
    """Give the list as it is a version's number of its own, above all before it: to be committed to anew."""
    connection.execute(insert(versions).values(version=version, made_at=now, added=0, removed=0))


def count(connection: Connection) -> int:
    """How many entries stand."""
    chosen = select(func.count()).select_from(entries).where(entries.c.removed_version.is_(None))
    return connection.execute(chosen).scalar_one()


def find_entry(connection: Connection, plate: bytes) -> Entry | None:
    """The standing entry of an encoded plate, else the one removed last, else None."""
    chosen = (
        select(entries)
        .where(entries.c.plate == plate)
        .order_by(entries.c.removed_version.is_(None).desc(), entries.c.entry_id.desc())
        .limit(1)
    )
    row = connection.execute(chosen).mappings().first()
    return None if row is None else _entry(row)


def entry(connection: Connection, entry_id: int) -> Entry:
    """The entry of that number, which is known to be there."""
    chosen = select(entries).where(entries.c.entry_id == entry_id)
    return _entry(connection.execute(chosen).mappings().one())


def london_day(now: float) -> date:
    """The calendar day in Europe/London."""
    return datetime.fromtimestamp(now, LONDON).date()


def _change(
    connection: Connection,
    new: Mapping[bytes, Details],
    gone: Sequence[int],
    stated: Iterable[tuple[Mapping[Any, Any], Details]],
    now: float,
    kept: int,
) -> Change:
    """List what is ``new``, take off what is ``gone``, and have entries say what is ``stated`` of them now."""
    before = latest_version(connection)
    reworded = _restate(connection, stated, before)
    if not new and not gone and not reworded:
        return Change(None, 0, 0, kept)
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
        listed = {"listed_version": version, "listed_at": now}
        connection.execute(
            insert(entries),
            [{"plate": plate, **_columns(details), **listed} for plate, details in new.items()],
        )
    return Change(version, len(new), len(gone), kept, reworded)


def _restate(
    connection: Connection, stated: Iterable[tuple[Mapping[Any, Any], Details]], version: int
) -> int:
    """Store new details; what leaves said up to ``version`` is kept where they say something else now."""
    changed = [(row, details) for row, details in stated if _details(row) != details]
    former = [
        {"entry_id": row["entry_id"], "last_version": version, **{name: row[name] for name in _COMMITTED}}
        for row, details in changed
        if any(row[name] != getattr(details, name) for name in _COMMITTED)
    ]
    if changed:
        connection.execute(
            update(entries).where(entries.c.entry_id == bindparam("changed_id")),
            [{"changed_id": row["entry_id"], **_columns(details)} for row, details in changed],
        )
    if former:
        connection.execute(insert(former_details), former)
    return len(former)


def _standing(connection: Connection, plate: bytes) -> Mapping[Any, Any] | None:
    chosen = select(entries).where(entries.c.plate == plate, entries.c.removed_version.is_(None))
    return connection.execute(chosen).mappings().first()


def _columns(details: Details) -> dict[str, Any]:
    return asdict(details)


def _details(row: Mapping[Any, Any]) -> Details:
    return Details(**{name: row[name] for name in _DETAILS})


def _entry(row: Mapping[Any, Any]) -> Entry:
    return Entry(
        row["entry_id"],
        CanonicalPlate.decode(row["plate"]),
        _details(row),
        row["listed_at"],
        row["removed_at"],
    )
