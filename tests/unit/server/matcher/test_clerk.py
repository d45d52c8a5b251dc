"""Batches before answers: nothing is offered without the ledger's receipt, nothing is entered twice, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from blindplate.core.batches import answer_digest, batch_root
from blindplate.core.errors import UnavailableError
from blindplate.core.statements.matching import AnsweredBatch, Batches
from blindplate.server.matcher import answers_store, clerk, counts_store
from blindplate.server.matcher.bell import Bell
from blindplate.server.matcher.clerk import Clerk
from blindplate.server.matcher.counts_store import Event
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher.conftest import START, admitted, segment
from tests.unit.server.matcher.entering import Ledger, SetClock, clerk_of, offered
from tests.unit.server.matcher.stores import GRANTS, MATCHER, NOW, SLOTS, add, stored, take


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def entering(database: Database, ledger: Ledger) -> Clerk:
    database.write(lambda connection: counts_store.begin(connection, NOW))
    return clerk_of(database, ledger)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def test_a_batch_is_entered_with_its_root_and_its_answers_digest_before_it_is_offered(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    base = segment()
    add(database, base)
    sequence = stored(database, base, take(database, admitted()), b"the answer")
    assert offered(database) == []
    rings = entering.offered.rings
    entering.step()
    assert entering.offered.rings > rings
    assert offered(database) == [sequence]
    with database.read() as connection:
        openings = answers_store.open_slots(connection, "police", GRANTS, sequence)
    assert ledger.batches() == [
        AnsweredBatch(
            grant_id="police-1",
            list_id="police",
            sequence=sequence,
            segment_id=base.segment_id,
            slots=SLOTS,
            root=batch_root(openings),
            answer_sha256=answer_digest(b"the answer"),
        )
    ]


def test_answers_that_gather_share_a_statement_and_none_names_more_than_64(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    base = segment()
    add(database, base)
    entering.step()
    sequences = [stored(database, base, []) for _ in range(130)]
    entering.step()
    assert [batch.sequence for batch in ledger.batches()] == sequences == offered(database)
    sizes = [
        len(Batches.parsed(one.payload).batches)
        for one in ledger.statements
        if one.payload_type == Batches.media_type()
    ]
    assert sizes == [64, 64, 2]


def test_while_the_ledger_is_away_answers_wait_and_none_is_lost(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    base = segment()
    add(database, base)
    sequences: list[int] = []
    ledger.trouble = ["away"] * 3
    for _ in range(3):
        sequences.append(stored(database, base, take(database, admitted())))
        with pytest.raises(UnavailableError):
            entering.step()
        assert offered(database) == []
    with database.read() as connection:
        # They count against what may be left unacknowledged.
        assert answers_store.unacknowledged(connection, "police") == {"police-1": 3}
    entering.step()
    assert offered(database) == sequences


@pytest.mark.parametrize("trouble", ["away", "lost"])
def test_after_a_crash_the_very_statement_that_may_have_been_sent_is_sent_again(
    database: Database, ledger: Ledger, entering: Clerk, trouble: str
) -> None:
    base = segment()
    add(database, base)
    entering.step()
    first = stored(database, base, take(database, admitted()))
    ledger.trouble = [trouble]
    with pytest.raises(UnavailableError):
        entering.step()
    # What came since goes into a statement of its own; the clock has moved, so a new one would read otherwise.
    second = stored(database, base, take(database, admitted()))
    later = SetClock()
    later.time += 5
    clerk_of(database, ledger, later).step()
    assert [batch.sequence for batch in ledger.batches()] == [first, second]
    assert offered(database) == [first, second]


def test_an_answer_whose_reads_are_over_is_entered_all_the_same_so_that_no_number_is_missing(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    base = segment()
    add(database, base)
    ledger.trouble = ["away"] * 2
    for _ in range(2):
        stored(database, base, take(database, admitted()))
        database.write(lambda connection: answers_store.drop_ended(connection, 10 * NOW))
        with pytest.raises(UnavailableError):
            entering.step()
    database.write(lambda connection: answers_store.drop_ended(connection, 10 * NOW))
    with database.read() as connection:
        assert answers_store.unacknowledged(connection, "police") == {}
    entering.step()
    assert [batch.sequence for batch in ledger.batches()] == [1, 2]
    assert offered(database) == []


def test_counts_are_entered_at_the_start_and_every_so_often(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    clock = entering.clock
    assert isinstance(clock, SetClock)
    entering.step()
    take(database, admitted(), admitted())
    database.write(lambda connection: counts_store.add_refused_claims(connection, 2))
    with capture_logs() as logs:
        for seconds in (1, 3598, 1, 1, 3600):
            clock.time += seconds
            entering.step()
    counts = ledger.counts()
    assert [line["index"] for line in logs if line["event"] == "counts-entered"] == [1, 2]
    assert [one.made_at - START for one in counts] == [0, 3600, 7201]
    assert {one.since for one in counts} == {START}
    assert [one.refused_claims for one in counts] == [0, 2, 2]
    assert [sum(part.received for part in one.records) for one in counts] == [0, 2, 2]


def test_counts_of_more_places_than_an_entry_holds_are_entered_in_parts(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    places = [("police", f"zone-{number:03}") for number in range(450)]
    database.write(lambda connection: counts_store.add(connection, Event.RECEIVED, places, NOW))
    entering.step()
    parts = ledger.counts()
    assert [(one.part, one.parts) for one in parts] == [(number, 5) for number in range(5)]
    whole = None
    for part in parts:
        whole = part.joined_to(whole)
    assert whole is not None
    assert [(one.list_id, one.zone) for one in whole.records] == places


def test_while_the_ledger_is_away_counts_do_not_pile_up(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    clock = entering.clock
    assert isinstance(clock, SetClock)
    ledger.trouble = ["away"] * 5
    for _ in range(5):
        with pytest.raises(UnavailableError):
            entering.step()
        clock.time += 3600
    entering.step()
    assert len(ledger.counts()) == 2


def test_counts_that_disagree_are_said_and_entered_as_they_are(
    database: Database, ledger: Ledger, entering: Clerk
) -> None:
    database.write(
        lambda connection: counts_store.add(connection, Event.RECEIVED, [("police", "inner")], NOW)
    )
    with capture_logs() as logs:
        entering.step()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["counts-disagree"]
    assert ledger.counts()[0].records[0].received == 1


@pytest.mark.parametrize("error", [UnavailableError("away"), KeyError("unforeseen")])
def test_a_failed_step_is_followed_by_the_next(
    entering: Clerk, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "_RETRY_SECONDS", (0.001, 0.002))
    monkeypatch.setattr(clerk, "_LOOK_SECONDS", 0.001)
    stop = threading.Event()
    steps: list[int] = []

    class Failing(Clerk):
        def step(self) -> None:
            steps.append(1)
            if len(steps) == 5:
                stop.set()
            if len(steps) != 4:
                raise error

    with capture_logs() as logs:
        Failing(
            entering.database, entering.ledger, MATCHER, Bell(), Bell(), SetClock(), counts_seconds=1
        ).run(stop)
    assert len(steps) == 5
    said = [line["event"] for line in logs]
    # An absence is said once; what nobody foresaw each time.
    repeated = 1 if isinstance(error, UnavailableError) else 3
    assert said == ["entering-failed"] * repeated + ["entering-resumed"]


def test_it_wakes_when_an_answer_is_stored(
    database: Database, ledger: Ledger, entering: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "_LOOK_SECONDS", 60)
    base = segment()
    add(database, base)
    stop = threading.Event()
    running = threading.Thread(target=entering.run, args=(stop,))
    running.start()
    _until(lambda: bool(ledger.counts()))
    sequence = stored(database, base, take(database, admitted()))
    entering.stored.ring()
    _until(lambda: offered(database) == [sequence])
    stop.set()
    entering.stored.ring()
    running.join(20)
    assert not running.is_alive()


def _until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if holds():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not come about")
