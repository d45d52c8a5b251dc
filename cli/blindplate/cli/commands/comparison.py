"""A revealed hit on the screen: what to compare with the vehicle before anyone acts, warnings first.

Whatever engines, cameras and lists wrote is shown as text, never interpreted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from blindplate.client.owner.commands import Sight
    from blindplate.client.owner.reveal import Revealed

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def table(sight: Sight) -> Table:
    """Everything there is to compare, a line each; what is not known is left out."""
    from blindplate.client.owner.sights import Agreement, compare, warnings

    revealed = sight.revealed
    shown = Table(title=f"Hit {revealed.hit_id}: compare before acting", show_header=False)
    for warning in warnings(revealed):
        shown.add_row(Text("WARNING", style="bold red"), Text(warning, style="bold red"))
    if sight.alarm is not None:
        shown.add_row(Text("ALARM", style="bold red"), Text(str(sight.alarm), style="bold red"))
    rows = {"plate": f"{revealed.plate.text} ({revealed.plate.country})", "as read": revealed.text_as_read}
    for one in compare(revealed):
        if one.seen or one.listed:
            known = "" if one.agreement is not Agreement.UNKNOWN else "; not compared"
            rows[one.feature] = f"seen {one.seen or 'unknown'}, listed {one.listed or 'unknown'}{known}"
    rows["image"] = "none" if sight.image is None else str(sight.image)
    for number, medium in enumerate(sight.evidence, start=1):
        here = medium.path is not None and medium.size is not None
        told = f"{medium.path} ({megabytes(medium.size or 0)})" if here else "not here yet"
        rows[f"{medium.media_type} {number}"] = told
    rows["read"] = "an alternate spelling: check by eye" if revealed.alternate else "as the engine read it"
    for name, value in (rows | _listing(revealed) | _capture(revealed)).items():
        if value:
            shown.add_row(name, Text(value))
    return shown


def _listing(revealed: Revealed) -> dict[str, str]:
    details = revealed.entry.details
    return {
        "action": details.action,
        "warning markers": details.warning_markers,
        "priority": details.priority.value,
        "listed for": details.reason,
        "information": details.information,
        "force and area": details.force_area,
        "intelligence (5x5x5)": details.intelligence,
        "PNC ID": details.pnc_id,
        "CAD": details.cad,
        "protective marking": details.marking,
        "note": details.note,
        "listed before capture": span(revealed.entry_age),
        "weed date": details.weed_date.isoformat() if details.weed_date else "",
    }


def _capture(revealed: Revealed) -> dict[str, str]:
    rows = {
        "captured": f"{datetime.fromtimestamp(revealed.captured_at, UTC):%Y-%m-%d %H:%M:%S} UTC",
        "camera": revealed.camera_id,
        "direction": revealed.direction,
    }
    if revealed.latitude is not None and revealed.longitude is not None:
        rows["place"] = f"{revealed.latitude:.5f}, {revealed.longitude:.5f}"
    if revealed.confidence is not None:
        rows["confidence"] = f"{revealed.confidence:.0%}"
    return rows


def megabytes(size: int) -> str:
    """A length in bytes, for reading."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size:,} bytes"


def span(seconds: float) -> str:
    """A span of time in its two largest units."""
    left, parts = int(seconds), list[str]()
    for unit, name in _UNITS:
        if left >= unit:
            parts.append(f"{left // unit} {name}")
            left %= unit
    return " ".join(parts[:2]) or f"{left} s"
