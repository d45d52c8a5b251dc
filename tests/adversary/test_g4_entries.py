"""G4 beside the ledger: requests without an entry, with another's, with one that says otherwise, entered twice.

The owner is the attacker, and where it takes one the operator's ledger looks away. Beside each refusal the one check
that makes it is taken out of both real custodians, and the share comes.
"""

from __future__ import annotations

from typing import Any

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.errors import EntryError, IdentityError, UnwitnessedError
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.opening import open_payload
from blindplate.core.signing import Statement
from blindplate.server.custodian import docket
from tests.adversary.asking import Desk
from tests.adversary.auditing import decided, found
from tests.adversary.conftest import marks
from tests.adversary.defences import let_pass
from tests.adversary.permissions import enter_unchecked
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.owner.world import World

A, B = Custodian
PLATES = marks(4)


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world, listed=PLATES).commit()


@pytest.fixture(scope="module")
def reads(world: World, desk: Desk) -> list[KnownRead]:
    return sealed_reads(world, PLATES, list_id=desk.list_id)


def refused_undecided(desk: Desk, statement: Statement) -> None:
    """Neither custodian answers, nor puts anything on record: it may be asked again once the entry is there."""
    for custodian in Custodian:
        with pytest.raises(UnwitnessedError):
            desk.submit(custodian, statement)
    assert decided(desk.world, statement.statement_id) == {}


def opened(desk: Desk, statement: Statement, read: KnownRead) -> str:
    """The plate that comes out with both custodians' answers."""
    share_a, share_b = (desk.reply(custodian, statement).share for custodian in Custodian)
    return CanonicalPlate.decode(open_payload(read.record, share_a, share_b, read.s).plate).text


def test_without_an_entry_nothing_is_released(
    desk: Desk, reads: list[KnownRead], monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = desk.signed(desk.request(reads[0]))
    refused_undecided(desk, statement)
    assert found(desk.world, Kind.DECISION_WITHOUT_REQUEST) == []
    # The defence removed; and then everyone sees that two custodians released what nobody had asked for.
    monkeypatch.setattr(docket, "require_entry", let_pass)
    assert opened(desk, statement, reads[0]) == PLATES[0]
    assert len(found(desk.world, Kind.DECISION_WITHOUT_REQUEST)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"zone": "outer"}, id="of-a-record-of-another-zone"),
        pytest.param({"alternate": True}, id="of-an-alternate-reading"),
        pytest.param({"case_commitment": bytes(32)}, id="of-another-case"),
        pytest.param({"expires_at": 2_000_000_000}, id="of-another-time"),
    ],
)
def test_an_entry_that_is_of_another_record_releases_nothing(
    desk: Desk, reads: list[KnownRead], changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The public would read of another record than the one that is opened."""
    header = reads[1].record.header
    statement = desk.signed(desk.request(reads[1]))
    desk.enter(desk.entry(statement, header, **changes))
    refused_undecided(desk, statement)
    # Nor does the entry of another request serve, however alike.
    other = desk.entered(reads[1])
    assert other.statement_id != statement.statement_id
    refused_undecided(desk, statement)
    # The defence removed.
    monkeypatch.setattr(docket, "require_entry", let_pass)
    assert opened(desk, statement, reads[1]) == PLATES[1]


def test_an_entry_is_not_said_anew(desk: Desk, reads: list[KnownRead]) -> None:
    """An owner asks for an emergency that its entry does not say, and would have it say so afterwards."""
    header = reads[2].record.header
    statement = desk.signed(desk.request(reads[2]))
    said = desk.entry(statement, header, case_commitment=bytes(32))
    first = desk.enter(said)
    right = desk.entry(statement, header)
    with pytest.raises(EntryError):
        desk.enter(right)
    # The ledger looks away: the entry is there, everyone sees that it counts for nothing, and so do the custodians.
    enter_unchecked(desk.world, right, by=desk.owner)
    refused_undecided(desk, statement)
    assert len(found(desk.world, Kind.ENTRY_REFUSED)) == 1
    # Word for word it is the entry that was there before.
    assert desk.world.ledger.enter(said, by=desk.owner) == first


def test_nobody_enters_a_request_for_an_owner(desk: Desk, reads: list[KnownRead]) -> None:
    """Neither a camera, nor another owner under its own key: what is asked is the owner's word alone."""
    statement = desk.signed(desk.request(reads[3]))
    entry = desk.entry(statement, reads[3].record.header)
    with pytest.raises(IdentityError):
        desk.world.ledger.enter(entry, by="camera-1")
    forged = Statement(entry.payload_type, entry.payload).signed_by(desk.world.signing_key("owner-police"))
    enter_unchecked(desk.world, forged, by="owner-police")
    refused_undecided(desk, statement)
    # The defence removed: signed by the owner, the same entry serves.
    desk.enter(entry)
    assert opened(desk, statement, reads[3]) == PLATES[3]
