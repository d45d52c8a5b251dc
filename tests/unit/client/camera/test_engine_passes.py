"""Several events of one vehicle's pass become one read, whichever way an engine says them, and no pass is lost for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.client.camera.counts import Counted
from blindplate.client.camera.passes import Passes
from tests.unit.client.camera import engine_samples as engines
from tests.unit.client.camera.engine_samples import MOMENT
from tests.unit.client.camera.feeds import Bench

SECONDS = 10.0
MEMORY = 900.0


@pytest.fixture
def axis(tmp_path: Path) -> Bench:
    return bench(tmp_path, "axis")


def bench(folder: Path, name: str, engine_camera: str | None = None) -> Bench:
    made = Bench(folder, name, engine_camera)
    made.clock.moment = MOMENT + 1
    return made


def say(bench: Bench, state: str, seconds: float, car: int = 77, plate: str = "KT21ABC") -> None:
    fields = {
        "carState": state,
        "carID": str(car),
        "plateUTF8": plate,
        "capture_timestamp": str(round((MOMENT + seconds) * 1000)),
    }
    bench.clock.moment = max(bench.clock.moment, MOMENT + seconds + 1)
    assert bench.feed.take(json.dumps(engines.AXIS | fields).encode()).failures == ()


def test_new_update_and_lost_are_one_read_at_once(axis: Bench) -> None:
    say(axis, "new", 0)
    assert axis.reads() == 1
    for state, seconds in (("update", 0.3), ("update", 25), ("update", 400), ("lost", 410)):
        say(axis, state, seconds)
    assert axis.reads() == 1


def test_a_plate_that_an_update_corrects_is_read_too(axis: Bench) -> None:
    say(axis, "new", 0, plate="KT21ABO")
    say(axis, "update", 0.3, plate="KT21ABD")
    assert axis.reads() == 2


def test_lenses_at_front_and_rear_see_one_pass(axis: Bench) -> None:
    say(axis, "new", 0, car=1)
    say(axis, "new", 4, car=2)
    assert axis.reads() == 1


def test_the_next_pass_is_a_read_of_its_own(axis: Bench) -> None:
    say(axis, "new", 0, car=1)
    say(axis, "new", 60, car=2)
    assert axis.reads() == 2


def test_a_number_that_an_engine_uses_again_hides_no_vehicle_for_long(axis: Bench) -> None:
    say(axis, "new", 0)
    say(axis, "new", MEMORY + 1)
    assert axis.reads() == 2


def test_the_same_number_at_another_camera_is_another_pass(tmp_path: Path) -> None:
    both = bench(tmp_path, "frigate")
    for camera, seconds in (("gate", 0.0), ("drive", 60.0), ("gate", 120.0)):
        both.clock.moment = MOMENT + seconds + 1
        update = engines.FRIGATE | {"camera": camera, "timestamp": MOMENT + seconds}
        both.feed.take(json.dumps(update).encode())
    assert both.reads() == 2


def test_an_alert_that_hikvision_sends_again_is_no_second_read(tmp_path: Path) -> None:
    hikvision = bench(tmp_path, "hikvision")
    for seconds in (1, 30, 600):
        hikvision.clock.moment = MOMENT + seconds
        assert hikvision.feed.take(engines.hikvision_push()).failures == ()
    assert hikvision.reads() == 1
    assert hikvision.counts[Counted.COLLAPSED] == 2


@pytest.mark.parametrize(
    ("name", "camera"),
    [("axis", "gate"), ("hikvision", "1"), ("openalpr", "1009"), ("bof", "4/2/9"), ("genetec", "gate")],
)
def test_events_of_an_engines_other_cameras_are_left_alone(tmp_path: Path, name: str, camera: str) -> None:
    for number, (meant, reads) in enumerate([(camera, 1), ("another", 0), (None, 1)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        one = bench(folder, name, meant)
        assert one.feed.take(engines.samples()[name]).failures == ()
        assert one.reads() == reads
        assert one.counts[Counted.OTHER_CAMERA] == 1 - reads


# Within the memory: what is forgotten is another test's.
@given(st.lists(st.tuples(st.floats(0, 899), st.sampled_from([b"", b"first", b"second"])), max_size=40))
def test_a_name_for_a_pass_joins_and_never_divides(events: list[tuple[float, bytes]]) -> None:
    passes = Passes(SECONDS)
    kept: list[tuple[float, bytes]] = []
    for moment, name in events:
        part_of_one = any(abs(moment - at) < SECONDS or (name and name == of) for at, of in kept)
        assert passes.is_new(b"plate", moment, alternate=False, pass_id=name) == (not part_of_one)
        if not part_of_one:
            kept.append((moment, name))
