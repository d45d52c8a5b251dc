"""The list itself: what is listed from when, by which version of the list, and what was taken off.

Guarantees one standing entry a plate, that what does not count yet is no entry (``waiting``), and that every change of
what is listed, or of why, by whom, until when and how urgently, is one version: a version committed to stays what it was.
Does not know of commitments, epochs or uploads. Specified in docs/spec/owner.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from blindplate.client.owner import waiting
from blindplate.client.owner.entries import Details, ListedVehicle
from blindplate.client.owner.entry_rows import details_of, latest_version, standing, write_version
from blindplate.client.owner.tables import entries, versions
from blindplate.client.owner.waiting import Waiting
from blindplate.core.domains import LONDON
from blindplate.core.errors import NotFoundError, QuotaError
from blindplate.core.plates import CanonicalPlate

__all__ = ["latest_version"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one change did; ``reworded`` counts kept entries that say something else now of what is committed to.

    ``version`` is None when the list was already so. ``waiting`` is how many vehicles wait for their effective date.
    """

    version: int | None
    added: int
    removed: int
    kept: int
    reworded: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, standing or removed. Times are seconds since 1970, UTC; ``listed_at`` is when it was submitted."""

    entry_id: int
    plate: CanonicalPlate = field(repr=False)
    details: Details = field(repr=False)
    listed_at: float
    removed_at: float | None


@dataclass
class Changing:
    """A change as it is put together: encoded plates to list, rows to take off, rows to say something else."""

    new: dict[bytes, tuple[Details, float]] = field(default_factory=dict[bytes, tuple[Details, float]])
    gone: list[int] = field(default_factory=list[int])
    stated: list[tuple[Mapping[Any, Any], Details]] = field(
        default_factory=list[tuple[Mapping[Any, Any], Details]]
    )

    def write(self, connection: Connection, now: float) -> Change:
        """Make it one version, if anything changes."""
        version, reworded = write_version(connection, self.new, self.gone, self.stated, now)
        kept = count(connection) - len(self.new)
        return Change(
            version, len(self.new), len(self.gone), kept, reworded, waiting=waiting.count(connection)
        )

    def list_one(self, connection: Connection, plate: bytes, details: Details, now: float) -> bool:
        """List a vehicle, at once or from its effective date; gives whether it was listed or waited already."""
        found, waits = standing(connection, plate), waiting.find(connection, plate)
        if details.is_to_come(london_day(now)):
            if found is not None:
                self.gone.append(found["entry_id"])
            waiting.put(connection, {plate: Waiting(details, waits.listed_at if waits else now)})
        elif found is not None:
            self.stated.append((found, details))
        else:
            self.new[plate] = (details, waits.listed_at if waits else now)
            waiting.drop(connection, [plate])
        return found is not None or waits is not None

    def take_off(self, connection: Connection, plate: bytes) -> bool:
        """Take a vehicle off; gives whether it was listed or waited."""
        found, waits = standing(connection, plate), waiting.find(connection, plate)
        if found is not None:
            self.gone.append(found["entry_id"])
        waiting.drop(connection, [plate])
        return found is not None or waits is not None


def replace_list(connection: Connection, vehicles: Iterable[ListedVehicle], now: float) -> Change:
    """Make the list exactly ``vehicles``. What stood already keeps its entry, with details as given now."""
    day, changing = london_day(now), Changing()
    wanted = {vehicle.plate.encode(): vehicle.details for vehicle in vehicles}
    waited = waiting.all_waiting(connection)

    def since(plate: bytes) -> float:
        return waited[plate].listed_at if plate in waited else now

    coming = {plate for plate, details in wanted.items() if details.is_to_come(day)}
    waiting.clear(connection)
    waiting.put(connection, {plate: Waiting(wanted[plate], since(plate)) for plate in coming})
    chosen = select(entries).where(entries.c.removed_version.is_(None))
    stood = {row["plate"]: row for row in connection.execute(chosen).mappings()}
    for plate, row in stood.items():
        if plate in wanted and plate not in coming:
            changing.stated.append((row, wanted[plate]))
        else:
            changing.gone.append(row["entry_id"])
    changing.new = {
        plate: (details, since(plate))
        for plate, details in wanted.items()
        if plate not in stood and plate not in coming
    }
    return changing.write(connection, now)


def add_vehicle(connection: Connection, vehicle: ListedVehicle, now: float, max_vehicles: int) -> Change:
    """List one vehicle more; one that stands already keeps its entry, with details as given now.

    Raises QuotaError when the list has ``max_vehicles`` entries, those included that wait for their effective date.
    """
    changing = Changing()
    changing.list_one(connection, vehicle.plate.encode(), vehicle.details, now)
    done = changing.write(connection, now)
    require_room(connection, max_vehicles)
    return done


def remove_vehicle(connection: Connection, plate: CanonicalPlate, now: float) -> Change:
    """Take one vehicle off. Raises NotFoundError when it is not listed."""
    changing = Changing()
    if not changing.take_off(connection, plate.encode()):
        raise NotFoundError("That vehicle is not on the list.", "Check its plate and country.")
    return changing.write(connection, now)


def keep_dates(connection: Connection, now: float) -> Change:
    """Take off what is past its weed date in Europe/London, and list what its effective date has come for."""
    day, changing = london_day(now), Changing()
    over = select(entries.c.entry_id).where(entries.c.removed_version.is_(None), entries.c.weed_date < day)
    changing.gone = list(connection.execute(over).scalars())
    begun = waiting.take_begun(connection, day)
    changing.new = {plate: (one.details, one.listed_at) for plate, one in begun.items()}
    return changing.write(connection, now)


def require_room(connection: Connection, max_vehicles: int) -> None:
    """Raise QuotaError when more are listed, or wait, than the grant allows."""
    if count(connection) + waiting.count(connection) > max_vehicles:
        raise QuotaError(
            f"The list would have more than the {max_vehicles:,} entries that the grant allows.",
            "Remove some first, or ask for an amended grant.",
        )


def renumber(connection: Connection, version: int, now: float) -> None:
    """Give the list as it is a version's number of its own, above all before it: to be committed to anew."""
    connection.execute(insert(versions).values(version=version, made_at=now, added=0, removed=0))


def count(connection: Connection) -> int:
    """How many entries stand."""
    chosen = select(func.count()).select_from(entries).where(entries.c.removed_version.is_(None))
    return connection.execute(chosen).scalar_one()


def find_entry(connection: Connection, plate: bytes) -> Entry | None:
    """The standing entry of an encoded plate, else the one removed last, else None."""
    # Found by an index, which knows nothing of the others: those are looked through.
    row = standing(connection, plate)
    if row is None:
        removed = select(entries).where(entries.c.plate == plate).order_by(entries.c.entry_id.desc()).limit(1)
        row = connection.execute(removed).mappings().first()
    return None if row is None else _entry(row)


def entry(connection: Connection, entry_id: int) -> Entry:
    """The entry of that number, which is known to be there."""
    chosen = select(entries).where(entries.c.entry_id == entry_id)
    return _entry(connection.execute(chosen).mappings().one())


def london_day(now: float) -> date:
    """The calendar day in Europe/London."""
    return datetime.fromtimestamp(now, LONDON).date()


def _entry(row: Mapping[Any, Any]) -> Entry:
    return Entry(
        row["entry_id"],
        CanonicalPlate.decode(row["plate"]),
        details_of(row),
        row["listed_at"],
        row["removed_at"],
    )
