"""Handing in: nothing leaves the spool without a receipt, whatever goes wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.camera.counts import Counted, Counts
from blindplate.client.camera.matcher import MAX_WIRES, Receipt
from blindplate.client.camera.sender import MAX_BYTES, Sender
from blindplate.client.camera.spool import Spool, SpoolItem
from blindplate.core.errors import BlindplateError, MessageError, StorageError, UnavailableError
from blindplate.v1 import records_pb2
from tests.unit.client.camera.samples import NOW, MovedClock

ACCEPTED = Receipt(accepted=True, refused=False, code="")
OLDEST_SECONDS = 4 * 86_400.0
NEITHER = Receipt(accepted=False, refused=False, code="")


class Matcher:
    """Does to each batch what the script says next; accepts everything at its end."""

    def __init__(self, *script: str, code: str = "message") -> None:
        self.script = list(script)
        self.refusal = Receipt(accepted=False, refused=True, code=code)
        self.got: Counter[bytes] = Counter()
        self.accepted: set[bytes] = set()
        self.refused: set[bytes] = set()
        self.batches: list[int] = []

    def submit(self, wires: Sequence[bytes]) -> list[Receipt]:
        act = self.script.pop(0) if self.script else "accept"
        self.batches.append(len(wires))
        if act == "away":
            raise UnavailableError("away")
        self.got.update(wires)
        if act == "refuse":
            self.refused |= set(wires) - self.accepted
            return [ACCEPTED if wire in self.accepted else self.refusal for wire in wires]
        if act == "ponder":
            return [NEITHER] * len(wires)
        self.accepted |= set(wires)
        if act == "lose answer":
            raise UnavailableError("lost")
        if act == "garble":
            raise MessageError("receipts do not fit")
        return [ACCEPTED] * len(wires)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.sqlite", limit=10_000)
    spool.count_from(NOW)
    yield spool
    spool.close()


def fill(spool: Spool, number: int, size: int = 10) -> set[bytes]:
    wires = {wire(index, size) for index in range(number)}
    spool.add([SpoolItem("police", 0, wire) for wire in wires])
    return wires


def wire(index: int, size: int = 10) -> bytes:
    """A wire captured in the minute before now, of ``size`` bytes and some more."""
    header = records_pb2.Header(capture_time_ms=round(NOW * 1000) - 60_000, time_granularity_ms=60_000)
    record = records_pb2.Record(header=header)
    return records_pb2.Wire(record=record, envelope=index.to_bytes(size, "big")).SerializeToString()


def sender(
    spool: Spool, matcher: Matcher, counts: Counts | None = None, clock: MovedClock | None = None
) -> Sender:
    return Sender(spool, matcher, OLDEST_SECONDS, clock or MovedClock(), counts or Counts())


def test_what_was_accepted_leaves_the_spool(spool: Spool) -> None:
    matcher, counts = Matcher(), Counts()
    wires = fill(spool, 3)
    assert sender(spool, matcher, counts).step() == 3
    assert matcher.accepted == wires
    assert len(spool) == 0
    assert counts[Counted.ACCEPTED] == 3


def test_batches_are_bounded_in_number_and_bytes(spool: Spool) -> None:
    matcher = Matcher()
    fill(spool, MAX_WIRES + 1)
    one = sender(spool, matcher)
    while one.step():
        continue
    fill(spool, 5, MAX_BYTES // 2 - 100)
    while one.step():
        continue
    assert matcher.batches == [MAX_WIRES, 1, 2, 2, 1]


@pytest.mark.parametrize("act", ["away", "lose answer", "garble"])
def test_without_receipts_everything_stays_and_is_sent_again(spool: Spool, act: str) -> None:
    matcher, counts = Matcher(act), Counts()
    wires = fill(spool, 3)
    one = sender(spool, matcher, counts)
    with pytest.raises(BlindplateError):
        one.step()
    assert len(spool) == 3
    assert counts[Counted.ACCEPTED] == 0
    one.step()
    assert matcher.accepted == wires
    assert len(spool) == 0


def test_a_wire_neither_accepted_nor_refused_stays(spool: Spool) -> None:
    fill(spool, 2)
    assert sender(spool, Matcher("ponder")).step() == 0
    assert len(spool) == 2


@pytest.mark.parametrize("code", ["message", "proof", "match-proof", "replay", "window-over"])
def test_a_wire_refused_for_what_it_is_is_counted_and_gone(spool: Spool, code: str) -> None:
    counts = Counts()
    fill(spool, 2)
    sender(spool, Matcher("refuse", code=code), counts).step()
    assert (counts[Counted.REFUSED], counts[Counted.HELD], counts[Counted.ACCEPTED]) == (2, 0, 0)
    assert len(spool) == 0


@pytest.mark.parametrize(
    "code",
    [
        "unknown-domain",
        "grant",
        "identity",
        "policy",
        "expired",
        "signature",
        "envelope",
        "storage",
        "newer-code",
        "",
    ],
)
def test_a_wire_refused_for_the_time_being_arrives_once_that_has_passed(spool: Spool, code: str) -> None:
    matcher, counts, clock = Matcher("refuse", "refuse", code=code), Counts(), MovedClock()
    wires = fill(spool, 2)
    one = sender(spool, matcher, counts, clock)
    one.step()
    assert len(spool) == 2
    assert one.step() == 0, "not at once again"
    clock.moment += 30
    one.step()
    assert (counts[Counted.REFUSED], counts[Counted.HELD]) == (0, 2)
    clock.moment += 30
    assert one.step() == 2
    assert matcher.accepted == wires
    assert len(spool) == 0


def test_a_refused_wire_is_tried_ever_less_often_until_no_window_could_take_it(spool: Spool) -> None:
    matcher, counts, clock = Matcher(*["refuse"] * 10_000, code="grant"), Counts(), MovedClock()
    fill(spool, 1)
    one = sender(spool, matcher, counts, clock)
    tries: list[float] = []
    while len(spool):
        if one.step():
            tries.append(clock.moment - NOW)
        clock.moment += 5
    waits = [after - before for before, after in pairwise(tries)]
    assert waits[0] <= 35
    assert max(waits) <= 905
    assert len(tries) < 1000
    assert OLDEST_SECONDS <= tries[-1] <= OLDEST_SECONDS + 905
    assert (counts[Counted.REFUSED], counts[Counted.HELD]) == (1, 1)


def test_one_refused_list_holds_up_no_other(spool: Spool) -> None:
    matcher = Matcher("refuse", code="grant")
    fill(spool, MAX_WIRES)
    one = sender(spool, matcher)
    one.step()
    fresh = wire(MAX_WIRES)
    spool.add([SpoolItem("emissions", NOW, fresh)])
    assert spool.pending(NOW) == 1
    assert one.step() == 1
    assert matcher.accepted == {fresh}
    assert (spool.pending(NOW), spool.pending(NOW + 900), len(spool)) == (0, MAX_WIRES, MAX_WIRES)


def test_a_wire_that_cannot_be_held_is_still_there(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_spool: Spool, _until: object) -> None:
        raise StorageError("full")

    monkeypatch.setattr(Spool, "hold", full)
    fill(spool, 2)
    with pytest.raises(StorageError):
        sender(spool, Matcher("refuse", code="grant")).step()
    assert len(spool) == 2


def test_what_a_full_disk_keeps_from_being_erased_is_not_sent_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = Matcher()
    wires = fill(spool, 3)
    one = sender(spool, matcher)
    erase = Spool.remove

    def full(_spool: Spool, _numbers: Sequence[int], _accepted: Collection[int]) -> None:
        raise StorageError("full")

    monkeypatch.setattr(Spool, "remove", full)
    for _ in range(3):
        with pytest.raises(StorageError, match="handed in"):
            one.step()
    assert set(matcher.got.values()) == {1}
    monkeypatch.setattr(Spool, "remove", erase)
    assert one.step() == 0
    assert len(spool) == 0
    assert matcher.accepted == wires
    assert spool.accepted().records == {"police": 3}


def test_only_what_was_accepted_is_counted_by_list(spool: Spool) -> None:
    matcher = Matcher("accept", "refuse", code="message")
    fill(spool, 3)
    spool.add([SpoolItem("emissions", NOW, wire(7))])
    one = sender(spool, matcher)
    assert one.step() == 4
    spool.add([SpoolItem("police", 0, wire(8))])
    assert one.step() == 1
    assert spool.accepted().records == {"emissions": 1, "police": 3}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["away", "lose answer", "garble", "refuse", "ponder", "accept", "restart"]),
        max_size=12,
    ),
    st.sampled_from(["message", "grant"]),
)
def test_whatever_happens_every_wire_is_accepted_refused_for_good_or_still_here(
    script: list[str], code: str
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spool.sqlite"
        spool = Spool(path, limit=100)
        spool.count_from(NOW)
        wires = fill(spool, 4)
        matcher, clock = Matcher(*[act for act in script if act != "restart"], code=code), MovedClock()
        one = sender(spool, matcher, clock=clock)
        for act in script:
            if act == "restart":
                spool.close()
                spool = Spool(path, limit=100)
                one = sender(spool, matcher, clock=clock)
                continue
            with suppress(BlindplateError):
                one.step()
            clock.moment += 60
            here = {spooled.wire for spooled in spool.due(NOW + 900, 100, 1 << 20)}
            gone = matcher.accepted | (matcher.refused if code == "message" else set())
            assert here | gone == wires
            # Where an answer was lost, a wire the matcher has is not counted until it has been sent again.
            assert spool.accepted().records.get("police", 0) == len(matcher.accepted - here)
        spool.close()


def test_it_runs_until_told_to_stop_and_survives_absence(spool: Spool) -> None:
    matcher = Matcher("away")
    wires = fill(spool, 3)
    stop = threading.Event()
    running = threading.Thread(target=sender(spool, matcher).run, args=(stop,))
    running.start()
    for _ in range(100):
        if matcher.accepted == wires:
            break
        stop.wait(0.05)
    stop.set()
    running.join(5)
    assert not running.is_alive()
    assert matcher.accepted == wires
