"""Events to reads: clocks, plates, alternates, passes; and what is counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.passes import Passes
from blindplate.client.camera.reads import Reader
from blindplate.client.camera.settings import AlternateSettings
from blindplate.core.errors import EventError, PlateError
from blindplate.core.plates import DEFAULT_RULES, CanonicalPlate, canonicalize
from tests.unit.client.camera.samples import NOW, PLATE, event

OLDEST = 3600.0


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def reader(counts: Counts) -> Reader:
    return Reader(Passes(10), "GB", OLDEST, counts)


def test_a_read_is_of_the_canonical_plate(reader: Reader) -> None:
    (read,) = reader.reads(event("kt2l abc".upper().replace("L", "1")), NOW)
    assert CanonicalPlate.decode(read.plate) == canonicalize(PLATE, "GB")
    assert read.capture_time_ms == int(NOW * 1000)
    assert not read.alternate


def test_a_read_shows_no_plate(reader: Reader) -> None:
    (read,) = reader.reads(event(), NOW)
    assert "KT21" not in repr(read)


@pytest.mark.parametrize("late", [120.1, 86_400.0])
def test_a_capture_ahead_of_the_clock_is_refused(reader: Reader, counts: Counts, late: float) -> None:
    with pytest.raises(EventError, match="ahead"):
        reader.reads(event(captured_at=NOW + late), NOW)
    assert counts[Counted.WRONG_TIME] == 1
    assert counts[Counted.READS] == 0


def test_a_little_skew_is_borne(reader: Reader) -> None:
    assert reader.reads(event(captured_at=NOW + 119), NOW)
    assert reader.reads(event("LB99XYZ", captured_at=NOW - OLDEST + 1), NOW)


def test_a_capture_before_any_window_is_refused(reader: Reader, counts: Counts) -> None:
    with pytest.raises(EventError, match="older"):
        reader.reads(event(captured_at=NOW - OLDEST - 1), NOW)
    assert counts[Counted.WRONG_TIME] == 1


def test_alternates_are_those_of_the_settings(counts: Counts) -> None:
    seen = replace(event(), candidates=(("KT21ABD", 0.8), ("KT21ABE", 0.3)))

    def alternates(**settings: float) -> int:
        rules = AlternateSettings.model_validate(settings).rules()
        return len(Reader(Passes(10), "GB", OLDEST, counts, rules).reads(seen, NOW)) - 1

    assert AlternateSettings().rules() == DEFAULT_RULES
    assert [alternates(), alternates(most=1), alternates(most=0)] == [2, 1, 0]
    assert alternates(candidates_from=0.5) == 1


@pytest.mark.parametrize("settings", [{"most": 4}, {"doubted_below": 90}, {"candidates_from": -0.1}])
def test_settings_of_alternates_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        AlternateSettings.model_validate(settings)


def test_what_is_no_plate_is_counted(reader: Reader, counts: Counts) -> None:
    with pytest.raises(PlateError):
        reader.reads(event("???"), NOW)
    assert counts[Counted.NO_PLATE] == 1


def test_candidates_become_flagged_reads_of_their_own(reader: Reader, counts: Counts) -> None:
    reads = reader.reads(event(candidates=(("KT21ABD", 0.5), ("KT21ABE", 0.4))), NOW)
    assert [(CanonicalPlate.decode(read.plate).text, read.alternate) for read in reads] == [
        (PLATE, False),
        ("KT21ABD", True),
        ("KT21ABE", True),
    ]
    assert counts[Counted.ALTERNATES] == 2


def test_several_events_of_a_pass_are_one_read(reader: Reader, counts: Counts) -> None:
    kept = [read for step in range(5) for read in reader.reads(event(captured_at=NOW + step), NOW)]
    assert len(kept) == 1
    assert counts[Counted.COLLAPSED] == 4
    assert counts[Counted.EVENTS] == 5


def test_a_plate_read_after_it_was_an_alternate_is_a_read(reader: Reader) -> None:
    reader.reads(event(candidates=(("KT21ABD", 0.5),)), NOW)
    (read,) = reader.reads(event("KT21ABD", NOW + 1), NOW)
    assert not read.alternate


def test_the_country_of_the_settings_stands_in(counts: Counts) -> None:
    reader = Reader(Passes(10), "FR", OLDEST, counts)
    (read,) = reader.reads(event("AB123CD", country=None), NOW)
    assert CanonicalPlate.decode(read.plate).country == "FR"


def test_tags_of_one_plate_differ_between_processes(counts: Counts) -> None:
    tags = {Reader(Passes(10), "GB", OLDEST, counts).reads(event(), NOW)[0].tag for _ in range(2)}
    assert len(tags) == 2
