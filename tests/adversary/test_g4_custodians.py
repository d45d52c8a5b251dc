"""G4 with one custodian absent, slow, or silent: the other alone decides nothing that it has not seen witnessed, and
what it gives opens nothing.

That one which lies about its share is named is in ``test_g4_release``.
"""

from __future__ import annotations

import pytest

from blindplate.core.errors import UnavailableError, UnwitnessedError
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.opening import open_payload
from blindplate.core.signing import Statement
from blindplate.server.custodian import witnessed
from tests.adversary.asking import Desk
from tests.adversary.auditing import audited, decided
from tests.adversary.conftest import marks
from tests.adversary.custody import opened_by_hand, share_of
from tests.adversary.defences import let_pass
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.ledger_site import until
from tests.integration.owner.world import World

PLATES = marks(3)
FOLLOWER = "blindplate.edge.ledger.follower.Follower.require_witnessed"


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world, listed=PLATES).commit()


@pytest.fixture(scope="module")
def reads(world: World, desk: Desk) -> list[KnownRead]:
    return sealed_reads(world, PLATES, list_id=desk.list_id)


def other_than(custodian: Custodian) -> Custodian:
    return next(one for one in Custodian if one is not custodian)


def back(world: World, custodian: Custodian) -> None:
    """A custodian that was away runs again, and everything is witnessed."""
    world.start_custodian(custodian)
    until(world.all_witnessed)
    until(world.fresh)


def half_opens_nothing(desk: Desk, read: KnownRead, mine: bytes, absent: Custodian) -> None:
    """One custodian's share and the match secret, with all that is known in place of the other's share."""
    guesses = [b"", bytes(32), mine, read.record.share_commitment(absent), read.s.ljust(32, b"\0")]
    shares = {other_than(absent): [mine], absent: guesses}
    assert opened_by_hand(read.record, shares[Custodian.A], shares[Custodian.B], [read.s]) == set()
    # The defence removed: with the other's share, it opens.
    shares[absent] = [share_of(desk.world, read, absent)]
    assert opened_by_hand(read.record, shares[Custodian.A], shares[Custodian.B], [read.s]) != set()


def released(desk: Desk, read: KnownRead, statement: Statement) -> str:
    """The plate, once both have answered; and an auditor who finds nothing wrong."""
    share_a, share_b = (desk.reply(custodian, statement).share for custodian in Custodian)
    assert audited(desk.world).violations == []
    return CanonicalPlate.decode(open_payload(read.record, share_a, share_b, read.s).plate).text


@pytest.mark.parametrize("absent", Custodian)
def test_what_one_custodian_has_not_witnessed_the_other_does_not_decide(
    absent: Custodian, desk: Desk, reads: list[KnownRead], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry comes late: it stands in the ledger, but no checkpoint that both cosigned covers it."""
    world, read, present = desk.world, reads[0], other_than(absent)
    statement = desk.signed(desk.request(read))
    world.stop_custodian(absent)
    try:
        index = world.ledger.enter(desk.entry(statement, read.record.header), by=desk.owner)
        until(lambda: world.custodians[present].replica.size > index)
        with pytest.raises(UnwitnessedError):
            desk.submit(present, statement)
        with pytest.raises(UnavailableError):
            desk.submit(absent, statement)
    finally:
        back(world, absent)
    # Nothing was decided meanwhile: with both there, it is released.
    assert decided(world, statement.statement_id) == {}
    assert released(desk, read, statement) == PLATES[0]
    # The defence removed: one custodian's word that it has read the entry is enough.
    later = desk.signed(desk.request(read))
    monkeypatch.setattr(FOLLOWER, let_pass)
    world.stop_custodian(absent)
    try:
        index = world.ledger.enter(desk.entry(later, read.record.header), by=desk.owner)
        until(lambda: world.custodians[present].replica.size > index)
        mine = desk.reply(present, later).share
        half_opens_nothing(desk, read, mine, absent)
    finally:
        back(world, absent)


def test_a_custodian_too_slow_to_witness_holds_up_the_other(
    desk: Desk, reads: list[KnownRead], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both cosigned the entry once; since then one has shown nothing, and may have seen another history."""
    world, read, slow = desk.world, reads[1], Custodian.B
    statement = desk.entered(read)
    world.stop_custodian(slow)
    try:
        world.clock.offset += witnessed.FRESH_SECONDS + 1
        with pytest.raises(UnwitnessedError):
            desk.submit(Custodian.A, statement)
        # The defence removed: no limit to how long ago that was.
        monkeypatch.setattr(witnessed, "FRESH_SECONDS", 3_600)
        half_opens_nothing(desk, read, desk.reply(Custodian.A, statement).share, slow)
    finally:
        back(world, slow)


@pytest.mark.parametrize("silent", Custodian)
def test_the_answer_of_one_custodian_alone_opens_nothing(
    silent: Custodian, desk: Desk, reads: list[KnownRead]
) -> None:
    """It has witnessed everything, and then does not answer; when it does, in its own time, nothing was lost."""
    world, read = desk.world, reads[2]
    statement = desk.entered(read)
    world.stop_custodian(silent)
    try:
        mine = desk.reply(other_than(silent), statement).share
        with pytest.raises(UnavailableError):
            desk.submit(silent, statement)
        half_opens_nothing(desk, read, mine, silent)
    finally:
        back(world, silent)
    assert released(desk, read, statement) == PLATES[2]
