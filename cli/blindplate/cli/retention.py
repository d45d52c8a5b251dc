"""What a check saw of what should be gone, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.table import Table

from blindplate.core.statements.erasures import Looked


def retention_table(looked: Iterable[Looked]) -> Table:
    """A row a place; the oldest of what is overdue by seconds, as far as that can be told."""
    table = Table("Place", "Looked at", "Overdue", "Oldest by (s)")
    for one in looked:
        style = "bold red" if one.overdue else None
        oldest = f"{one.oldest_seconds:,}" if one.overdue else ""
        table.add_row(one.place.value, f"{one.items:,}", f"{one.overdue:,}", oldest, style=style)
    return table


def retention_json(looked: Iterable[Looked]) -> str:
    """``{"overdue": ..., "places": [{"place", "items", "overdue", "oldest_seconds"}]}``."""
    places = [one.model_dump(mode="json") for one in looked]
    return json.dumps({"overdue": sum(one["overdue"] for one in places), "places": places}, indent=1)
