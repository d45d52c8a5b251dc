"""No evaluator is given the secret of a read that may not be opened yet, whatever segment it is evaluated for."""

from __future__ import annotations

from blindplate.core.charging import retention_token
from blindplate.core.statements.uploads import Stage
from blindplate.server.matcher.carrying import Carried, carried
from blindplate.server.matcher.openings import check_token, retention_opening, table
from blindplate.server.matcher.records_store import Admitted
from blindplate.server.matcher.storage import Database
from tests.unit.server.matcher.conftest import START, admitted
from tests.unit.server.matcher.stores import NOW, take

OPENS = 1000 * (START + 100)


def secret(number: int) -> bytes:
    return bytes([number]) * 16


def what(database: Database, stage: Stage, numbers: list[int], now_ms: int = NOW) -> Carried:
    pairs = {number: (bytes(32), secret(number)) for number in numbers}
    with database.read() as connection:
        return carried(connection, stage, pairs, now_ms)


def hold(database: Database) -> tuple[list[int], list[Admitted]]:
    """A read without charging terms, one under them, and a kept one; by number and as taken in."""
    wires = [admitted(), admitted(opens=START + 100), admitted(opens=START + 100)]
    numbers = take(database, *wires)
    database.write(
        lambda connection: connection.exec_driver_sql(
            "UPDATE records SET kept_ms = 1 WHERE number = ?", (numbers[2],)
        )
    )
    return numbers, wires


def test_a_match_carries_the_secrets_of_reads_without_charging_terms_alone(database: Database) -> None:
    numbers, _ = hold(database)
    hits = what(database, Stage.MATCH, numbers, OPENS)
    assert {number: s for number, (_, s) in hits.pairs.items()} == {numbers[0]: secret(numbers[0])}
    assert hits.retained is None


def test_what_is_to_be_kept_carries_tokens(database: Database) -> None:
    numbers, wires = hold(database)
    hits = what(database, Stage.KEEP, numbers, OPENS)
    header_digest = wires[1].wire.record.header.digest()
    token = retention_token(secret(numbers[1]), header_digest)
    assert {number: s for number, (_, s) in hits.pairs.items()} == {numbers[1]: token}
    opening = retention_opening(header_digest, token)
    assert hits.retained == {numbers[1]: opening}
    check_token(table(4, {2: opening}), 2, token)


def test_what_was_kept_carries_its_secret_once_payment_has_closed(database: Database) -> None:
    numbers, _ = hold(database)
    assert not what(database, Stage.OPEN, numbers, OPENS - 1).pairs
    hits = what(database, Stage.OPEN, numbers, OPENS)
    assert {number: s for number, (_, s) in hits.pairs.items()} == {numbers[2]: secret(numbers[2])}


def test_reads_that_were_erased_meanwhile_carry_nothing_under_charging_terms(database: Database) -> None:
    for stage in (Stage.KEEP, Stage.OPEN):
        assert not what(database, stage, [77], OPENS).pairs
