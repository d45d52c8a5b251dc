"""G4, membership: matcher and owner together get nothing for a vehicle that was not on the list when it was read.

The matcher hands its owner the match secret of any read it likes, so the owner can prove a match, enter its request and
make candidates as it pleases. Both real custodians refuse, and everyone can see in the ledger that they had to. Beside
each refusal the one check that makes it is taken out of both, and the plate comes out.
"""

from __future__ import annotations

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.domains import Domain
from blindplate.core.membership import Member, candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.opening import open_payload
from blindplate.core.statements.priorities import Priority
from blindplate.server.custodian import checks
from blindplate.v1 import release_pb2 as v1
from tests.adversary.asking import Desk
from tests.adversary.auditing import decided, found
from tests.adversary.conftest import marks
from tests.adversary.defences import VERSION_IN_FORCE, newest, one_before
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.owner.world import World

*LISTED, LATER, STRANGER = marks(6)
DOMAIN = Domain("emissions", "inner", 1)


@pytest.fixture(scope="module")
def desk(world: World) -> Desk:
    return Desk(world, listed=LISTED).commit()


def forged(desk: Desk) -> list[bytes]:
    """What an owner may send in place of its honest candidates: the stranger's entry, proved by whatever it has."""
    honest = v1.Candidates.FromString(desk.candidates()).versions[0]
    borrowed = v1.VersionCandidates(list_version=honest.list_version)
    for one in honest.candidates:
        candidate = v1.Candidate()
        candidate.CopyFrom(one)
        candidate.f = desk.output(STRANGER)
        borrowed.candidates.append(candidate)
    # A list on which the stranger stands, under the number of the one that was committed to.
    invented = Desk(desk.world, desk.list_id, [*desk.listed, STRANGER], desk.version)
    made = [
        v1.Candidates(),
        v1.Candidates(versions=[v1.VersionCandidates(list_version=honest.list_version)]),
        v1.Candidates(versions=[borrowed]),
    ]
    return [desk.candidates(), *(one.SerializeToString() for one in made), invented.candidates()]


def refused(desk: Desk, read: KnownRead, candidates: bytes) -> None:
    """Both custodians refuse for want of membership, and everyone sees that they did."""
    before = len(found(desk.world, Kind.NOT_LISTED))
    statement = desk.entered(read, candidates_digest=candidates_digest(candidates))
    for custodian in Custodian:
        assert desk.refusal(custodian, statement, candidates) == "membership"
    assert decided(desk.world, statement.statement_id) == dict.fromkeys(Custodian, "membership")
    assert len(found(desk.world, Kind.NOT_LISTED)) == before + 2


def opened(desk: Desk, read: KnownRead, candidates: bytes) -> str:
    """The plate that both custodians' answers open."""
    statement = desk.entered(read, candidates_digest=candidates_digest(candidates))
    share_a, share_b = (desk.reply(custodian, statement, candidates).share for custodian in Custodian)
    return CanonicalPlate.decode(open_payload(read.record, share_a, share_b, read.s).plate).text


def test_matcher_and_owner_together_release_nothing_of_nobody_listed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (read,) = sealed_reads(desk.world, [STRANGER], list_id=desk.list_id)
    for candidates in forged(desk):
        refused(desk, read, candidates)
    # The defence removed: a match secret and a grant in force are all that it takes.
    monkeypatch.setattr(checks, "require_member", _whoever)
    assert opened(desk, read, desk.candidates()) == STRANGER


def test_matcher_and_owner_together_release_nothing_of_one_listed_only_afterwards(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner hears of a vehicle, lists it, and has the matcher look it up among the reads of before."""
    (read,) = sealed_reads(desk.world, [LATER], list_id=desk.list_id)
    desk.world.clock.offset += 2
    after = Desk(desk.world, desk.list_id, [*LISTED, LATER], 2).commit(before=len(LISTED))
    refused(after, read, after.candidates())
    # Read once more, it is released: nothing but the order of listing and capture was in the way.
    (again,) = sealed_reads(desk.world, [LATER], list_id=desk.list_id)
    assert opened(after, again, after.candidates()) == LATER
    # The defence removed: the newest version counts, whenever it was witnessed.
    monkeypatch.setattr(VERSION_IN_FORCE, newest)
    assert opened(after, read, after.candidates()) == LATER


def test_matcher_and_owner_together_release_nothing_of_one_taken_off_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Desk(desk.world, desk.list_id, [*LISTED, LATER], 3).commit(before=len(LISTED) + 1)
    after = Desk(desk.world, desk.list_id, LISTED, 4).commit(before=len(LISTED) + 1)
    (read,) = sealed_reads(desk.world, [LATER], list_id=desk.list_id)
    for candidates in (before.candidates(), after.candidates()):
        refused(after, read, candidates)
    # The defence removed: any version ever committed to counts.
    monkeypatch.setattr(VERSION_IN_FORCE, one_before)
    assert opened(after, read, before.candidates()) == LATER


def _whoever(
    _header: object, _n_y: object, candidates: v1.VersionCandidates, _root: object, _leaves: object
) -> Member:
    """Any entry of the list will do."""
    return Member(candidates.candidates[0].f, Priority.NONE)
