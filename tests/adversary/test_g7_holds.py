"""G7 under legal holds: nothing that was never claimed can be held, and nobody keeps a key longer for what is.

The attackers are an owner that would like records kept which it did not claim, by its own key and its own requests, and
everyone together once a held record's time is over at the custodians.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from blindplate.client.owner.hits import Hit
from blindplate.client.owner.release import request_release
from blindplate.client.owner.requests import Request
from blindplate.client.owner.retention.erasing import erase_due
from blindplate.client.owner.retention.holding import Held, hold
from blindplate.client.owner.tables import hits
from blindplate.core.errors import EntryError, NotFoundError, PolicyError
from blindplate.core.ledger.entries import entry_bytes
from blindplate.core.parties import Custodian
from blindplate.core.statements.holds import HoldReason, LegalHold
from blindplate.core.statements.purposes import Purpose
from tests.adversary.conftest import marks
from tests.adversary.loot import Loot, taken
from tests.adversary.reading import KnownRead, hand_in, sealed_reads
from tests.integration.owner.world import World, publish_now, put_on_list, settled_hits, within

ROOT = Path(__file__).parents[2]
LISTED, OTHER, STRANGER = marks(3, seed=23)
LAW = "Criminal Procedure and Investigations Act 1996"
DAY = 86_400
EVERYONE = ("matcher", "owner-police", "custodian-a", "custodian-b")


class Street:
    """Two hits, of which the release of one was asked for, and the read of a stranger that nobody claimed."""

    def __init__(self, world: World) -> None:
        self.world = world
        reads = sealed_reads(world, [LISTED, OTHER, STRANGER], at=world.clock.now() + 61)
        self.stranger: KnownRead = reads[2]
        hand_in(world, reads)
        with world.session() as session:
            put_on_list(session, LISTED, OTHER)
            publish_now(session)
            self.asked, self.unasked = settled_hits(world, session)
            self.request: Request = request_release(session, self.asked.hit_id, Purpose.MURDER, "case")

    def hold(self, hit: Hit, days: int = 40) -> Held:
        with self.world.session() as session:
            return hold(session, hit.hit_id, HoldReason.CRIMINAL_PROCEEDINGS, LAW, days)

    def forged(self, request_id: bytes) -> LegalHold:
        """A hold by the owner's own key, of whatever it likes."""
        now = int(self.world.clock.now())
        return LegalHold(
            grant_id=self.world.grant().grant_id,
            request_id=request_id,
            reason=HoldReason.CRIMINAL_PROCEEDINGS,
            lawful_basis=LAW,
            until=now + 40 * DAY,
            made_at=now,
        )


@pytest.fixture(scope="module")
def street(world: World) -> Street:
    return Street(world)


def test_a_hold_on_what_nobody_asked_for_is_refused_by_the_owners_own_command(street: Street) -> None:
    with pytest.raises(PolicyError):
        street.hold(street.unasked)
    with street.world.session() as session, pytest.raises(NotFoundError):
        hold(session, 99, HoldReason.COMPLAINT, LAW, 1)


def test_a_hold_on_what_nobody_claimed_is_refused_by_the_ledger_and_by_everyone_who_reads_it(
    street: Street,
) -> None:
    """The owner signs what it likes: the record's id, its digest, a request it never entered."""
    header = street.stranger.record.header
    own = street.world.signing_key("owner-police")
    for name in (header.record_id.ljust(32, b"\0"), header.digest(), b"x" * 32):
        statement = street.forged(name).statement(own)
        with pytest.raises(EntryError):
            street.world.ledger.enter(statement, by="owner-police")
        for running in street.world.custodians.values():
            with pytest.raises(EntryError):
                running.replica.state.check(entry_bytes(statement))
    # What the same doors take, and only since it was asked for.
    real = street.forged(street.request.request_id).statement(own)
    for running in street.world.custodians.values():
        running.replica.state.check(entry_bytes(real))


def test_no_party_has_a_call_by_which_anything_could_be_held() -> None:
    calls = [
        call
        for path in (ROOT / "proto").rglob("*.proto")
        for call in re.findall(r"rpc (\w+)", path.read_text("utf-8"))
    ]
    assert len(calls) > 10
    assert [call for call in calls if re.search("hold|retain|extend|preserve", call, re.IGNORECASE)] == []


def test_a_held_record_loses_its_custodians_keys_on_time_and_opens_to_nobody(
    street: Street, tmp_path: Path
) -> None:
    """The owner still has record and match secret; until the custodians destroy their keys, everyone together opens it."""
    world = street.world
    record_id = _record_id(world, street.asked)
    until = street.hold(street.asked).until
    before = _loot(world, tmp_path / "before")
    assert before.plates()[record_id] in (LISTED, OTHER)
    named = {before.found[record_id].record.header.key_id(custodian).hex() for custodian in Custodian}
    keys = [
        path
        for custodian in Custodian
        for path in (world.deployment.folder / f"custodian-{custodian}").rglob("*.seed")
        if any(one in path.name for one in named)
    ]
    assert len(keys) == 2
    # Beyond the key's day of use, and the window after it; the evidence has weeks to go, and the hold as well.
    world.clock.offset += 3 * DAY
    assert within(lambda: [path for path in keys if path.exists()], lambda left: not left) == []
    after = _loot(world, tmp_path / "after")
    assert record_id in after.found
    assert record_id not in after.plates()
    world.clock.offset += 30 * DAY
    with world.session() as session:
        # What nobody holds goes; what is held stays, as sealed as it was, until its hold is over.
        assert erase_due(session).hits == 1
        world.clock.move_to(until + 1)
        assert erase_due(session).hits == 1
        with session.store.reading() as connection:
            assert connection.execute(select(func.count()).select_from(hits)).scalar_one() == 0
    assert record_id not in _loot(world, tmp_path / "over").found


def _record_id(world: World, hit: Hit) -> bytes:
    with world.session() as session, session.store.reading() as connection:
        found: bytes = connection.execute(
            select(hits.c.record_id).where(hits.c.hit_id == hit.hit_id)
        ).scalar_one()
    return found


def _loot(world: World, folder: Path) -> Loot:
    return Loot(*(taken(world.deployment.folder / party, folder) for party in EVERYONE))
