"""How a long action tells how far it is: whoever shows it decides how."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """What is being counted."""

    EVALUATING = "evaluating"
    WITNESSING = "witnessing"
    ENCRYPTING = "encrypting"
    UPLOADING = "uploading"


class Progress(Protocol):
    """Told the stage, how much of it is done and how much there is."""

    def __call__(self, stage: Stage, done: int, total: int, /) -> None: ...


def silent(_stage: Stage, _done: int, _total: int) -> None:
    """Shows nothing."""
