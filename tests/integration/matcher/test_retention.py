"""A matcher's statement of a day, from the night it is made in to the ledger."""

from __future__ import annotations

from blindplate.core.statements.erasures import Erasures, Place, day_begins, next_day
from blindplate.server.matcher import outbox
from tests.integration.matcher.conftest import World, pseudonym


def waiting(world: World) -> list[Erasures]:
    """Statements of days that wait for their receipts."""
    with world.served.matcher.database.read() as connection:
        unsent = [one.statement for one in outbox.unsent(connection, 1000)]
    kind = Erasures.media_type()
    return [Erasures.parsed(one.payload) for one in unsent if one.payload_type == kind]


def test_a_day_is_stated_with_what_its_window_ended_and_taken_by_the_ledger(world: World) -> None:
    matcher = world.served.matcher
    world.camera.submit(world.port, [read.wire for read in world.reads([pseudonym(), pseudonym()])])
    with matcher.database.read() as connection:
        since = connection.exec_driver_sql("SELECT since FROM counting").scalar_one()
    days: list[Erasures] = []
    for _ in range(2):
        # Beyond the window at the latest on the second.
        world.clock.time += 86_400
        for _ in range(2):
            matcher.keeper.keep()
        days += waiting(world)
        matcher.clerk.step()
        assert waiting(world) == []
    assert len(days) == 2
    assert day_begins(days[0].day) <= since < days[0].ends
    assert days[1].day == next_day(days[0].day)
    assert sum(row.received for one in days for row in one.records) == 2
    for one in days:
        assert {looked.place for looked in one.places} == set(Place)
        assert one.overdue == 0
