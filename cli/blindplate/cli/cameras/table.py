"""Tables of cameras: what the register and the ledger say of each, and what the matcher has heard of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from blindplate.client.grants.cameras import ListedCamera
from blindplate.server.matcher.cameras.report import CameraReport


def seen_table(cameras: Sequence[CameraReport], now: float) -> Table:
    """What the matcher's own database says at ``now`` (seconds since 1970, UTC)."""
    table = _table("Camera", "Last heard of", "Wrong", "Usual now")
    for one in cameras:
        _row(
            table,
            one.name,
            ago(one.seen.seen_at, now),
            _wrong(one.seen.alarm.value, one.seen.since),
            _rate(one.usual_per_hour),
        )
    return table


def listed_table(cameras: Iterable[ListedCamera], now: float, *, heard: bool) -> Table:
    """The cameras of the ledger's registers, beside what the matcher said of each where it was ``heard``."""
    table = _table(
        "Zone", "Generation", "Camera", "State", "Last heard of", "Wrong", "Passes an hour", "Usual"
    )
    for one in cameras:
        seen = one.seen
        _row(
            table,
            one.zone,
            str(one.generation),
            one.name,
            one.state,
            "matcher not reached" if not heard else ago(seen.seen_at if seen else 0.0, now),
            "" if seen is None else _wrong(seen.alarm, seen.since),
            "" if seen is None else _rate(seen.passes_per_hour),
            "" if seen is None else _rate(seen.usual_per_hour),
        )
    return table


def ago(moment: float, now: float) -> str:
    """How long before ``now`` a moment was, in words; 0 is never."""
    if not moment:
        return "never"
    seconds = max(0, round(now - moment))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _wrong(alarm: str, since: float) -> str:
    return "" if alarm == "none" else f"{alarm} since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"


def _rate(per_hour: float | None) -> str:
    return "not known" if per_hour is None or per_hour < 0 else f"{per_hour:.0f}"


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column)
    return table


def _row(table: Table, *cells: str) -> None:
    # Text, not markup: whatever a party named a thing is shown as it is.
    table.add_row(*map(Text, cells))
