"""The memory of uploads: what is in force, what succeeds what, and when a key is destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from blindplate.client.owner import segments
from blindplate.client.owner.coverage import Due
from blindplate.client.owner.generations import Reach
from blindplate.client.owner.segments import Segment, SegmentState
from blindplate.client.owner.store import Store
from blindplate.core.domains import HOURLY, Epoch
from blindplate.core.errors import InputError, NotFoundError
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest, Stage

EPOCH = HOURLY.at(1_700_000_000)
START = int(EPOCH.start())
SCOPE = "police-1 span/3600 inner/1"
REACH = Reach(EPOCH, "police", "police-1 span/3600", (0.0,), (frozenset({"inner/1"}),))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = Store(tmp_path / "state")
    with store.writing() as opened:
        yield opened
    store.close()


def upload(connection: Connection, name: int, number: int, epoch: Epoch = EPOCH) -> Segment:
    due = Due(epoch, number == 0, 1, name, START)
    manifest = Manifest(
        grant_id="police-1",
        list_id="police",
        list_version=name,
        epoch=EpochPart.of(epoch),
        number=number,
        parameter_set="prompt",
        parameter_digest=bytes(32),
        bins=2,
        degree=64,
        salt=bytes(16),
        ciphertexts=65,
        blobs_sha256=bytes(32),
        matches_from=START,
        made_at=START + name,
    )
    return segments.start_upload(
        connection, due, bytes([name]) * 32, manifest, scope=SCOPE, as_of=name, secret=b"secret"
    )


def states(connection: Connection) -> dict[int, SegmentState]:
    return {one.segment_id[0]: one.state for one in segments.in_states(connection, *SegmentState)}


def test_an_upload_is_in_force_once_finished(connection: Connection) -> None:
    first = upload(connection, 1, 0)
    assert segments.current_in(connection, REACH, Stage.MATCH) == []
    segments.finish_upload(connection, first)
    (current,) = segments.current_in(connection, REACH, Stage.MATCH)
    assert (current.last_version, current.places) == (1, frozenset({"inner/1"}))
    assert segments.current_in(connection, replace(REACH, cut="police-1 span/60"), Stage.MATCH) == []
    assert segments.next_delta(connection, EPOCH, Stage.MATCH) == 1
    assert segments.capacity_used(connection, EPOCH, Stage.MATCH) == 128


def test_a_base_succeeds_all_before_it_in_its_epoch_alone(connection: Connection) -> None:
    for name, number in ((1, 0), (2, 1)):
        segments.finish_upload(connection, upload(connection, name, number))
    segments.finish_upload(connection, upload(connection, 3, 0, EPOCH.next()))
    segments.finish_upload(connection, upload(connection, 4, 0))
    assert states(connection) == {
        1: SegmentState.SUPERSEDED,
        2: SegmentState.SUPERSEDED,
        3: SegmentState.LIVE,
        4: SegmentState.LIVE,
    }


def test_losing_a_live_segment_loses_its_epoch_and_keeps_the_keys(connection: Connection) -> None:
    lost = upload(connection, 1, 0)
    segments.finish_upload(connection, lost)
    segments.finish_upload(connection, upload(connection, 2, 1))
    found = segments.find_segment(connection, lost.segment_id)
    assert found is not None
    segments.lose(connection, found)
    assert states(connection) == {1: SegmentState.LOST, 2: SegmentState.LOST}
    assert all(one.secret == b"secret" for one in segments.in_states(connection, SegmentState.LOST))


def test_losing_an_upload_that_failed_loses_nothing_else(connection: Connection) -> None:
    segments.finish_upload(connection, upload(connection, 1, 0))
    segments.lose(connection, upload(connection, 2, 1))
    assert states(connection) == {1: SegmentState.LIVE, 2: SegmentState.LOST}


def test_a_key_is_destroyed_when_epoch_and_window_are_over(connection: Connection) -> None:
    segments.finish_upload(connection, upload(connection, 1, 0))
    assert segments.destroy_ended(connection, EPOCH.end() + 599, 600) == 0
    assert segments.destroy_ended(connection, EPOCH.end() + 600, 600) == 1
    (ended,) = segments.in_states(connection, *SegmentState)
    assert (ended.state, ended.secret) == (SegmentState.ENDED, None)
    assert "secret" not in repr(upload(connection, 2, 0))


def test_a_slot_tells_its_bin_and_pseudonyms_tell_theirs(connection: Connection) -> None:
    segment = upload(connection, 1, 0)
    spread = segments.spread_of(connection, segment.segment_id)
    ys = [bytes([number]) * 32 for number in range(50)]
    assert set(spread.bins_of(ys).tolist()) == {spread.bin_of(0), spread.bin_of(4096)} == {0, 1}
    assert spread.bin_of(4095) == 0
    with pytest.raises(InputError):
        spread.bin_of(8192)
    with pytest.raises(NotFoundError):
        segments.spread_of(connection, bytes(32))
