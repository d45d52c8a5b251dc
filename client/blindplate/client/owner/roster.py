"""The list itself: what was listed when, by which version of the list, and what was taken off.

Guarantees one standing entry a plate, and that every change is one version, made at one time: an upload later says
from which capture on it may match by the version that listed its entries. Does not know of epochs or uploads.
Specified in docs/spec/owner.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from blindplate.client.owner.entries import Details, ListedVehicle
from blindplate.client.owner.tables import entries, versions
from blindplate.core.domains import LONDON
from blindplate.core.errors import NotFoundError, QuotaError
from blindplate.core.plates import CanonicalPlate

_DETAILS: Final = tuple(Details.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Change:
    """What one change did. ``version`` is None when the list was already so."""

    version: int | None
    added: int
    removed: int
    kept: int


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
    changed = [
        {"changed_id": standing[plate]["entry_id"], **_columns(details)}
        for plate, details in wanted.items()
        if plate in standing and _details(standing[plate]) != details
    ]
    if changed:
        connection.execute(update(entries).where(entries.c.entry_id == bindparam("changed_id")), changed)
    return _change(connection, new, gone, now, len(standing) - len(gone))


def add_vehicle(connection: Connection, vehicle: ListedVehicle, now: float, max_vehicles: int) -> Change:
    """List one vehicle more; one that stands already keeps its entry, with details as given now.

    Raises QuotaError when the list has ``max_vehicles`` entries.
    """
    plate = vehicle.plate.encode()
    found = _standing(connection, plate)
    if found is not None:
        connection.execute(
            update(entries).where(entries.c.entry_id == found["entry_id"]).values(_columns(vehicle.details))
        )
        return Change(None, 0, 0, count(connection))
    kept = count(connection)
    if kept >= max_vehicles:
        raise QuotaError(
            f"The list has the {max_vehicles:,} entries that the grant allows.",
            "Remove one first, or ask for an amended grant.",
        )
    return _change(connection, {plate: vehicle.details}, [], now, kept)


def remove_vehicle(connection: Connection, plate: CanonicalPlate, now: float) -> Change:
    """Take one vehicle off. Raises NotFoundError when it is not listed."""
    found = _standing(connection, plate.encode())
    if found is None:
        raise NotFoundError("That vehicle is not on the list.", "Check its plate and country.")
    return _change(connection, {}, [found["entry_id"]], now, count(connection) - 1)


def weed(connection: Connection, now: float) -> Change:
    """Take off every entry whose weed date is past in Europe/London."""
    past = entries.c.weed_date < london_day(now)
    chosen = select(entries.c.entry_id).where(entries.c.removed_version.is_(None), past)
    gone = list(connection.execute(chosen).scalars())
    return _change(connection, {}, gone, now, count(connection) - len(gone))


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
    connection: Connection, new: Mapping[bytes, Details], gone: Sequence[int], now: float, kept: int
) -> Change:
    if not new and not gone:
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
    return Change(version, len(new), len(gone), kept)


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
