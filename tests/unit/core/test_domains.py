"""Domains and epochs: encodings never collide, days are London's, bad values are refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.domains import CHARGING_DAY, HOURLY, Domain, Epoch, EpochKind, EpochRule
from blindplate.core.errors import MessageError

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
DOMAINS = st.builds(Domain, NAMES, NAMES, st.integers(0, 2**32 - 1))
RULES = st.one_of(
    st.just(CHARGING_DAY), st.builds(EpochRule, st.just(EpochKind.SPAN), st.integers(1, 86_400))
)
EPOCHS = st.builds(Epoch, RULES, st.integers(0, 50_000))


def seconds(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]  # year to minute, spread


@given(DOMAINS, DOMAINS)
def test_encodings_of_domains_meet_only_when_the_domains_do(one: Domain, other: Domain) -> None:
    assert (one.encode() == other.encode()) == (one == other)


@given(EPOCHS, EPOCHS)
def test_encodings_of_epochs_meet_only_when_the_epochs_do(one: Epoch, other: Epoch) -> None:
    assert (one.encode() == other.encode()) == (one == other)


@given(RULES, st.floats(0, 4e9))
def test_a_moment_lies_in_its_epoch_and_epochs_follow_without_gap(rule: EpochRule, moment: float) -> None:
    epoch = rule.at(moment)
    assert epoch.start() <= moment < epoch.end()
    assert epoch.end() == epoch.next().start()


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 29, 12, 0), 23), ((2026, 10, 25, 12, 0), 25), ((2026, 6, 1, 12, 0), 24)]
)
def test_charging_days_have_23_and_25_hours_when_clocks_change(day: tuple[int, ...], hours: int) -> None:
    epoch = CHARGING_DAY.at(seconds(*day))
    assert epoch.end() - epoch.start() == hours * 3600


def test_a_charging_day_begins_at_midnight_in_london_not_in_utc() -> None:
    before, after = seconds(2026, 7, 1, 22, 59), seconds(2026, 7, 1, 23, 0)
    assert CHARGING_DAY.at(before).next() == CHARGING_DAY.at(after)


def test_hours_count_from_1970() -> None:
    assert HOURLY.at(7200.0).index == 2


@pytest.mark.parametrize("name", ["", "Police", "a b", "-a", "a" * 64, "p\n", "é"])
def test_a_name_outside_the_alphabet_is_refused(name: str) -> None:
    with pytest.raises(MessageError):
        Domain(name, "zone", 1)
    with pytest.raises(MessageError):
        Domain("list", name, 1)


@pytest.mark.parametrize("generation", [-1, 2**32])
def test_a_generation_out_of_range_is_refused(generation: int) -> None:
    with pytest.raises(MessageError):
        Domain("list", "zone", generation)


@pytest.mark.parametrize(
    ("kind", "length"),
    [(EpochKind.SPAN, 0), (EpochKind.SPAN, 86_401), (EpochKind.CHARGING_DAY, 5), (EpochKind.SPAN, -1)],
)
def test_a_rule_that_contradicts_itself_is_refused(kind: EpochKind, length: int) -> None:
    with pytest.raises(MessageError):
        EpochRule(kind, length)


def test_an_epoch_before_1970_is_refused() -> None:
    with pytest.raises(MessageError):
        HOURLY.at(-1.0)


LAST = {EpochKind.SPAN: 2**40 - 1, EpochKind.CHARGING_DAY: 2**20 - 1}


@given(RULES)
def test_the_last_epoch_has_a_beginning_and_an_end_and_none_after_it(rule: EpochRule) -> None:
    last = Epoch(rule, LAST[rule.kind])
    assert last.start() < last.end()
    with pytest.raises(MessageError):
        last.next()


@given(RULES, st.integers(0, 2**64))
def test_an_index_is_refused_or_has_a_beginning_and_an_end(rule: EpochRule, index: int) -> None:
    if index <= LAST[rule.kind]:
        assert Epoch(rule, index).start() < Epoch(rule, index).end()
    else:
        with pytest.raises(MessageError):
            Epoch(rule, index)


@pytest.mark.parametrize("index", [-1, 2**20, 2_932_896, 2**40 - 1])
def test_a_charging_day_that_no_calendar_counts_is_refused(index: int) -> None:
    with pytest.raises(MessageError):
        Epoch(CHARGING_DAY, index)


@pytest.mark.parametrize("moment", [-86_400.0, 2.0**38, 2.0**40, 2.0**80])
def test_a_moment_of_no_charging_day_is_refused(moment: float) -> None:
    with pytest.raises(MessageError):
        CHARGING_DAY.at(moment)
