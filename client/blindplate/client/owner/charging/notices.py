"""Notices: what goes to the office that sends them, as CSV and JSON with the image of each plate.

Guarantees that a vehicle gets one number a day, the same whenever notices are written, that none is written for a day that
can still be paid for or has been settled since, and that each file is whole or not there, mode 0600. It sends nothing and
knows no keeper's address. Protocol section 8; docs/charging.md.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from blindplate.client.owner import roster
from blindplate.client.owner.charging.charges import ChargeOutcome, charges_of
from blindplate.client.owner.charging.days import ChargingDay, charging_day
from blindplate.client.owner.charging.opening import opened_at
from blindplate.client.owner.charging.run import waiting_hits
from blindplate.client.owner.charging.settings import ChargingSettings
from blindplate.client.owner.charging.tables import charges, notices
from blindplate.client.owner.reveal import Revealed, revealed_before
from blindplate.client.owner.session import Session
from blindplate.core.errors import PendingError, StorageError
from blindplate.edge.keyfiles import write_secret

_IMAGES: Final = "images"
_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png"}
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice as it is written. ``issued_at`` is in seconds since 1970, UTC, and stays when it is written again."""

    number: str
    day: date
    issued_at: float
    revealed: Revealed = field(repr=False)

    @property
    def image(self) -> str:
        """The name of its image's file; empty where the record holds none."""
        if not self.revealed.plate_patch:
            return ""
        return f"{self.number}{_SUFFIXES.get(self.revealed.plate_patch_type, '.bin')}"


@dataclass(frozen=True, slots=True)
class Issued:
    """How many notices were written, how many of them for the first time, how many of before are settled since, and how
    many hits of the day are still to be opened."""

    written: int
    new: int
    settled: int
    waiting: int


def write_notices(session: Session, day: date, folder: Path) -> Issued:
    """Number what is owed for ``day`` and write ``notices.csv``, ``notices.json`` and ``images/`` into ``folder``.

    What was settled since an earlier time is left out, its image deleted. Raises TooEarlyError before payment has
    closed, PendingError before the day was opened, GrantError without charging terms, StorageError.
    """
    charged_day = charging_day(session.grant, day)
    charged_day.require_closed(session.now())
    with session.store.writing() as connection:
        if opened_at(connection, charged_day) is None and not charged_day.is_free:
            raise PendingError(f"What was kept of {day} has not been opened yet.", "Run `charge run` first.")
        new = _number(connection, session, charged_day)
        written = _due(connection, day)
        settled = _settled(connection, day)
    _write(folder, written, session.settings.charging)
    for number in settled:
        for path in (folder / _IMAGES).glob(f"{number}.*"):
            path.unlink(missing_ok=True)
    return Issued(len(written), new, len(settled), waiting_hits(session, charged_day))


def count_notices(connection: Connection, day: date) -> tuple[int, int]:
    """How many notices of a day were numbered, and how many of them were settled since."""
    counted = select(func.count()).select_from(notices).where(notices.c.day == day)
    return connection.execute(counted).scalar_one(), len(_settled(connection, day))


def _number(connection: Connection, session: Session, day: ChargingDay) -> int:
    """Give what is owed and has none its number; the order is that in which they were opened."""
    of_day = notices.c.day == day.day
    numbered = set(connection.execute(select(notices.c.plate).where(of_day)).scalars())
    owed = [
        one.plate.encode()
        for one in charges_of(connection, day.day)
        if one.outcome is ChargeOutcome.LIABLE and not one.settled
    ]
    rows = [
        {
            "number": f"{session.grant.list_id}-{day.day:%Y%m%d}-{count:0{_DIGITS}}",
            "day": day.day,
            "plate": plate,
            "issued_at": session.now(),
        }
        for count, plate in enumerate((one for one in owed if one not in numbered), start=len(numbered) + 1)
    ]
    if rows:
        connection.execute(insert(notices), rows)
    return len(rows)


def _due(connection: Connection, day: date) -> list[Notice]:
    of_it = (charges.c.day == notices.c.day) & (charges.c.plate == notices.c.plate)
    chosen = select(notices.c.number, notices.c.issued_at, charges.c.hit_id).join(charges, of_it)
    chosen = chosen.where(notices.c.day == day, charges.c.settled == "").order_by(notices.c.number)
    found: list[Notice] = []
    for row in connection.execute(chosen).all():
        revealed = revealed_before(connection, row.hit_id)
        if revealed is not None:
            found.append(Notice(row.number, day, row.issued_at, revealed))
    return found


def _settled(connection: Connection, day: date) -> list[str]:
    of_it = (charges.c.day == notices.c.day) & (charges.c.plate == notices.c.plate)
    chosen = select(notices.c.number).join(charges, of_it)
    return list(connection.execute(chosen.where(notices.c.day == day, charges.c.settled != "")).scalars())


def _write(folder: Path, written: list[Notice], terms: ChargingSettings) -> None:
    images = folder / _IMAGES
    try:
        images.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be used: {error.strerror}.", "Name another, or make room."
        ) from None
    for one in written:
        if one.image:
            write_secret(images / one.image, one.revealed.plate_patch)
    rows = [_row(one, terms) for one in written]
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows([row[name] for name in _COLUMNS] for row in rows)
    write_secret(folder / "notices.csv", table.getvalue().encode())
    write_secret(folder / "notices.json", (json.dumps({"notices": rows}, indent=2) + "\n").encode())


_COLUMNS: Final = (
    "number", "vrm", "country", "day", "captured_at", "currency", "charge", "penalty", "reduced", "reduced_until",
    "issued_on", "make", "model", "colour", "text_as_read", "image",
)  # fmt: skip


def _row(one: Notice, terms: ChargingSettings) -> dict[str, Any]:
    revealed, issued = one.revealed, roster.london_day(one.issued_at)
    return {
        "number": one.number,
        "vrm": revealed.plate.text,
        "country": revealed.plate.country,
        "day": one.day.isoformat(),
        "captured_at": datetime.fromtimestamp(revealed.captured_at, UTC).isoformat(timespec="milliseconds"),
        "currency": terms.currency,
        "charge": _amount(terms.charge_pence),
        "penalty": _amount(terms.penalty_pence),
        "reduced": _amount(terms.reduced_pence),
        "reduced_until": (issued + timedelta(days=terms.reduced_days)).isoformat(),
        "issued_on": issued.isoformat(),
        "make": revealed.entry.details.make,
        "model": revealed.entry.details.model,
        "colour": revealed.entry.details.colour,
        "text_as_read": revealed.text_as_read,
        "image": f"{_IMAGES}/{one.image}" if one.image else "",
    }


def _amount(pence: int) -> str:
    return f"{pence // 100}.{pence % 100:02}"
