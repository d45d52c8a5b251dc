"""docs/spec/camera.md against the code: its example is an event, and it leaves out no setting and no count."""

from __future__ import annotations

import re
from pathlib import Path

from blindplate.client.camera.counts import Counted
from blindplate.client.camera.events import known_formats, parser_of
from blindplate.client.camera.http_push import PushSettings
from blindplate.client.camera.media.settings import MediaSettings
from blindplate.client.camera.mqtt import MqttSettings
from blindplate.client.camera.settings import CameraSettings

TEXT = (Path(__file__).parents[4] / "docs/spec/camera.md").read_text()


def test_the_example_is_an_event_with_everything_in_it() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    (event,) = parser_of("plain")(example.encode())
    assert event.patch is not None
    assert len(event.char_confidences) == len(event.text.replace(" ", ""))
    assert all((event.country, event.candidates, event.confidence, event.direction, event.vehicle.make))


def test_every_setting_and_every_count_is_specified() -> None:
    names = [
        *CameraSettings.model_fields,
        *PushSettings.model_fields,
        *MqttSettings.model_fields,
        *MediaSettings.model_fields,
        *Counted,
        *known_formats(),
    ]
    assert [name for name in names if f"`{name}`" not in TEXT and f"### {name}" not in TEXT] == []
