"""What the care of cameras counts for the operator's monitoring. No label tells a camera; the log does."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

CAMERAS: Final = Gauge("blindplate_matcher_cameras", "Cameras by what is wrong with them.", ("alarm",))
CAMERA_ALARMS: Final = Counter(
    "blindplate_matcher_camera_alarms", "Cameras that went dark, or read far less than usual.", ("alarm",)
)
