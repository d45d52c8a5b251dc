"""Quotas: never exceeded, in any order of debits and from any number of threads."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from blindplate.core.errors import QuotaError
from blindplate.server.custodian import quotas
from blindplate.server.custodian.storage import open_database, reading, writing

LIMIT = 10


@settings(max_examples=30)
@given(
    debits=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 12), st.integers(0, 180)), max_size=25)
)
def test_counts_as_a_plain_book_does(
    tmp_path_factory: pytest.TempPathFactory, debits: list[tuple[str, int, int]]
) -> None:
    engine = open_database(tmp_path_factory.mktemp("quota") / "custodian.sqlite")
    book: dict[tuple[str, int], int] = defaultdict(int)
    for subject, units, moment in debits:
        fits = book[subject, moment // 60] + units <= LIMIT
        try:
            with writing(engine) as connection:
                quotas.debit(connection, subject, units, limit=LIMIT, period=60, moment=moment)
            assert fits
            book[subject, moment // 60] += units
        except QuotaError:
            assert not fits
    with reading(engine) as connection:
        for (subject, period), used in book.items():
            assert quotas.used(connection, subject, period=60, moment=period * 60 + 59.9) == used
    engine.dispose()


def test_threads_together_get_no_more_than_the_limit(engine: Engine) -> None:
    def take(_: int) -> bool:
        try:
            with writing(engine) as connection:
                quotas.debit(connection, "one", 3, limit=100, period=60, moment=5)
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(50))) == 33


def test_the_refusal_says_when_it_is_renewed(engine: Engine) -> None:
    with pytest.raises(QuotaError, match="renewed in 20 s"), writing(engine) as connection:
        quotas.debit(connection, "one", 11, limit=LIMIT, period=60, moment=100)


def test_a_total_is_never_renewed_nor_forgotten(engine: Engine) -> None:
    with writing(engine) as connection:
        for moment in (0, 1e9):
            quotas.debit(connection, "one", 5, limit=LIMIT, period=None, moment=moment)
        quotas.forget(connection, 1e12)
    with pytest.raises(QuotaError, match="not renewed"), writing(engine) as connection:
        quotas.debit(connection, "one", 1, limit=LIMIT, period=None, moment=1e12)
    with reading(engine) as connection:
        assert quotas.used(connection, "one", period=None, moment=0) == LIMIT


def test_forgets_only_periods_that_are_over(engine: Engine) -> None:
    with writing(engine) as connection:
        for moment in (30, 90, 150):
            quotas.debit(connection, "one", 1, limit=LIMIT, period=60, moment=moment)
        quotas.forget(connection, 120)
        left = [quotas.used(connection, "one", period=60, moment=moment) for moment in (30, 90, 150)]
    assert left == [0, 1, 1]
