"""Counts of the day: with the unit they count, entered while a day runs and once it is over."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from blindplate.core.errors import QuotaError
from blindplate.core.ledger.bundles import MAX_ENTRY_BYTES
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.evaluations import EvaluationCounts, GrantEvaluations, ZoneEvaluations
from blindplate.server.custodian import counts, outbox, quotas
from blindplate.server.custodian.counts import Counted, CountEntries
from blindplate.server.custodian.storage import reading, writing

DAY = 86_400
# The beginning of 15 January 2027, UTC.
MIDNIGHT = 20_833 * DAY
SIGNER = SigningKey.generate()


@pytest.fixture
def entries(engine: Engine) -> CountEntries:
    return CountEntries(Custodian.B, SIGNER, engine, 3_600)


def entered(engine: Engine) -> list[EvaluationCounts]:
    """What was put into the outbox, in order, and is taken as entered."""
    with writing(engine) as connection:
        waiting = outbox.waiting(connection, 1_000)
        for one in waiting:
            outbox.entered(connection, one.number, one.number)
    return [EvaluationCounts.verified(one.statement, [SIGNER.public]) for one in waiting]


def count(
    engine: Engine, kind: Counted, units: int, moment: float, *, subject: str = "police", zone: str = "inner"
) -> None:
    with writing(engine) as connection:
        counts.add(connection, kind, units, subject=subject, zone=zone, moment=moment)


def test_counts_are_told_by_grant_and_by_list_and_zone(engine: Engine, entries: CountEntries) -> None:
    for units, zone in ((3, "inner"), (5, "outer"), (4, "inner")):
        count(engine, Counted.CAMERA, units, MIDNIGHT, zone=zone)
    count(engine, Counted.LOCAL_KEY, 2, MIDNIGHT, zone="outer")
    count(engine, Counted.LOCAL_KEY, 1, MIDNIGHT, subject="emissions")
    count(engine, Counted.OWNER, 100, MIDNIGHT, subject="police-1", zone="")
    count(engine, Counted.OWNER, 7, MIDNIGHT + DAY - 1, subject="police-1", zone="")
    count(engine, Counted.SEARCH, 1, MIDNIGHT, subject="", zone="")
    entries.enter(MIDNIGHT + DAY - 1)
    assert entered(engine) == [
        EvaluationCounts(
            custodian=Custodian.B,
            day="2027-01-15",
            grants=(GrantEvaluations(grant_id="police-1", evaluated=107),),
            zones=(
                ZoneEvaluations(list_id="emissions", zone="inner", evaluated=0, local_keys=1),
                ZoneEvaluations(list_id="police", zone="inner", evaluated=7, local_keys=0),
                ZoneEvaluations(list_id="police", zone="outer", evaluated=5, local_keys=2),
            ),
            subject_searches=1,
            made_at=MIDNIGHT + DAY - 1,
        )
    ]


def test_counts_of_more_places_than_an_entry_holds_are_entered_in_parts(
    engine: Engine, entries: CountEntries
) -> None:
    for number in range(450):
        count(engine, Counted.CAMERA, number, MIDNIGHT, zone=f"zone-{number:03}")
    entries.enter(MIDNIGHT)
    whole: EvaluationCounts | None = None
    for part in entered(engine):
        assert len(entry_bytes(part.statement(SIGNER))) <= MAX_ENTRY_BYTES
        whole = part.joined_to(whole)
    assert whole is not None
    assert (whole.part, whole.parts) == (4, 5)
    assert [one.evaluated for one in whole.zones] == list(range(450))


def test_a_unit_that_was_refused_is_not_counted(engine: Engine, entries: CountEntries) -> None:
    def spend() -> None:
        with writing(engine) as connection:
            counts.add(connection, Counted.OWNER, 9, subject="police-1", moment=MIDNIGHT)
            quotas.debit(connection, "one", 9, limit=5, period=DAY, moment=MIDNIGHT)

    with pytest.raises(QuotaError):
        spend()
    entries.enter(MIDNIGHT)
    assert entered(engine)[0].grants == ()


def test_a_running_day_is_entered_every_so_often(engine: Engine, entries: CountEntries) -> None:
    noon, made = MIDNIGHT + DAY // 2, list[int]()
    for second in range(0, 7_300, 50):
        entries.enter(noon + second + 0.7)
        made += [one.made_at - noon for one in entered(engine)]
    # A day on which nothing was evaluated says so too.
    assert made == [0, 3_600, 7_200]


def test_a_day_is_entered_once_more_when_it_is_over(engine: Engine, entries: CountEntries) -> None:
    entries.enter(MIDNIGHT + DAY - 10)
    count(engine, Counted.CAMERA, 3, MIDNIGHT + DAY - 5)
    entered(engine)
    entries.enter(MIDNIGHT + DAY)
    assert [one.day for one in entered(engine)] == ["2027-01-16"]
    # A call of the last second commits its count only now.
    count(engine, Counted.CAMERA, 4, MIDNIGHT + DAY - 1)
    entries.enter(MIDNIGHT + DAY + 59)
    assert entered(engine) == []
    entries.enter(MIDNIGHT + DAY + 60)
    (last,) = entered(engine)
    assert (last.day, last.zones[0].evaluated) == ("2027-01-15", 7)
    entries.enter(MIDNIGHT + DAY + 120)
    assert entered(engine) == []


@pytest.mark.parametrize("days", [1, 3, 20])
def test_after_days_without_this_process_the_last_day_is_entered(
    engine: Engine, entries: CountEntries, days: int
) -> None:
    entries.enter(MIDNIGHT)
    count(engine, Counted.CAMERA, 3, MIDNIGHT + 1)
    entered(engine)
    entries.enter(MIDNIGHT + days * DAY + 100)
    first, last = entered(engine)
    assert (first.day, first.zones[0].evaluated) == ("2027-01-15", 3)
    assert last.zones == ()


def test_counts_before_the_first_round_of_a_day_are_not_forgotten(
    engine: Engine, entries: CountEntries
) -> None:
    # The process ends just after midnight, before its counts of the new day were entered at all.
    count(engine, Counted.CAMERA, 3, MIDNIGHT)
    entries.enter(MIDNIGHT + 2 * DAY)
    assert [one.day for one in entered(engine)] == ["2027-01-15", "2027-01-17"]


def test_old_counts_are_forgotten_and_not_entered_again(engine: Engine, entries: CountEntries) -> None:
    count(engine, Counted.CAMERA, 3, MIDNIGHT)
    entries.enter(MIDNIGHT)
    entries.enter(MIDNIGHT + 2 * DAY)
    entered(engine)
    entries.enter(MIDNIGHT + 40 * DAY)
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT day FROM counts UNION SELECT day FROM counted_days").all()
    assert [row.day for row in rows] == [MIDNIGHT // DAY + 40]
    assert [one.day for one in entered(engine)] == ["2027-01-17", "2027-02-24"]
