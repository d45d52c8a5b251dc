"""Stored requests: everything that waits is shown, page by page, and each page fits a message."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, insert, update

from blindplate.core.errors import NotFoundError
from blindplate.core.signing import Statement
from blindplate.edge.tls import MAX_MESSAGE_BYTES
from blindplate.server.custodian import requests
from blindplate.server.custodian.authentic import MAX_STATEMENT_BYTES
from blindplate.server.custodian.decision import State
from blindplate.server.custodian.storage import reading, writing
from blindplate.server.custodian.stored import stored_form
from blindplate.server.custodian.tables import REQUESTS


def store(connection: Connection, number: int, submitted_at: int, size: int) -> bytes:
    """A waiting request of so many bytes; its id."""
    statement = Statement("request", number.to_bytes(4, "big").ljust(size, b" "))
    connection.execute(
        insert(REQUESTS).values(
            request_id=statement.statement_id,
            grant_id="police-1",
            requester="someone",
            statement=stored_form(statement),
            submitted_at=submitted_at,
            expires_at=1 << 33,
            state=State.PENDING,
        )
    )
    return statement.statement_id


def pages(engine: Engine, limit: int = 1_000) -> list[list[Statement]]:
    found: list[list[Statement]] = []
    after = b""
    with reading(engine) as connection:
        while page := requests.waiting(connection, after, limit):
            found.append(page)
            after = page[-1].statement_id
    return found


def test_every_page_of_the_longest_requests_fits_a_message(engine: Engine) -> None:
    with writing(engine) as connection:
        # Many come in the same second.
        stored = {
            store(connection, number, 1_000 + number // 100, MAX_STATEMENT_BYTES) for number in range(150)
        }
    found = pages(engine)
    assert len(found) == 3
    for page in found:
        assert sum(one.to_proto().ByteSize() + 8 for one in page) < MAX_MESSAGE_BYTES
    shown = [one.statement_id for page in found for one in page]
    assert (len(shown), set(shown)) == (150, stored)


def test_pages_are_in_order_and_go_on_after_one_decided_meanwhile(engine: Engine) -> None:
    with writing(engine) as connection:
        order = [store(connection, number, 2_000 - number, 10) for number in range(5)][::-1]
    assert [one.statement_id for page in pages(engine, limit=2) for one in page] == order
    with writing(engine) as connection:
        decided = REQUESTS.c.request_id == order[1]
        connection.execute(update(REQUESTS).where(decided).values(state=State.DENIED))
        assert [one.statement_id for one in requests.waiting(connection, order[1], 10)] == order[2:]
        assert [one.statement_id for one in requests.waiting(connection, b"", 10)] == [order[0], *order[2:]]


def test_a_page_after_an_unknown_request(engine: Engine) -> None:
    with reading(engine) as connection, pytest.raises(NotFoundError):
        requests.waiting(connection, bytes(32), 10)


def test_replies_of_more_keys_than_a_statement_has_variables_are_erased(engine: Engine) -> None:
    keys = [number.to_bytes(16, "big") for number in range(40_000)]
    with writing(engine) as connection:
        for number, key in enumerate((keys[0], keys[-1], bytes(15) + b"x" + b"y")):
            request_id = store(connection, number, 0, 10)
            of_it = REQUESTS.c.request_id == request_id
            connection.execute(
                update(REQUESTS).where(of_it).values(release_key_id=key, sealed_reply=b"sealed")
            )
        assert requests.erase_replies(connection, keys) == 2
        assert requests.erase_replies(connection, keys) == 0
