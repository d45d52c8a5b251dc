"""Epochs by a short name, as tables and logs have them."""

from __future__ import annotations

from blindplate.core.domains import Epoch, EpochKind


def epoch_name(epoch: Epoch) -> str:
    """``span-3600-495000`` or ``charging-day-20781``."""
    if epoch.rule.kind is EpochKind.SPAN:
        return f"span-{epoch.rule.seconds}-{epoch.index}"
    return f"charging-day-{epoch.index}"
