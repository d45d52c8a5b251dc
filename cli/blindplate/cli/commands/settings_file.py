"""The one argument nearly every command takes: its party's settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SettingsFile = Annotated[
    Path, typer.Argument(metavar="SETTINGS", help="The party's settings file, as `blindplate init` makes it.")
]
