"""Charging at the custodians and at the owner: whatever the matcher hands out, and however often it hands it over.

The matcher gives its owner the match secret of any read on the day itself, keeps every duplicate, and lets the second list
hold whom it likes. Both custodians, and in the end the ledger's readers, are what stands against that. Protocol section 8.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from blindplate.cli.deployment import create_deployment
from blindplate.cli.deployment.plan import emissions_list
from blindplate.client.owner.charging import lists
from blindplate.client.owner.charging.charges import ChargeOutcome
from blindplate.client.owner.charging.days import ChargingDay
from blindplate.client.owner.charging.notices import write_notices
from blindplate.client.owner.charging.reconciling import reconcile
from blindplate.client.owner.charging.status import day_status
from blindplate.client.owner.hits import HitState
from blindplate.client.owner.session import Session
from blindplate.core.charging import payment_closes, retention_token
from blindplate.core.domains import CHARGING_DAY
from blindplate.core.membership import candidates_digest
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.commitments import match_proof
from blindplate.core.records.opening import open_payload
from blindplate.core.statements.release_entries import RequestEntry
from blindplate.server.custodian import checks
from blindplate.server.matcher.retention_keys import RetentionKey
from tests.adversary.asking import Desk
from tests.adversary.auditing import decided, published
from tests.adversary.conftest import marks, town_plan
from tests.adversary.custody import opened_by_hand, share_of
from tests.adversary.defences import let_pass
from tests.adversary.reading import KnownRead, sealed_reads
from tests.integration.owner.test_charging import (
    held,
    move_to,
    noticed,
    owed,
    put,
    run,
    settle,
    take_all,
    today,
)
from tests.integration.owner.world import World, publish_now

PAYMENT_DAYS = 1
OWES, PAYS = marks(2)


@contextmanager
def charging_town(folder: Path) -> Generator[World]:
    """Everything running, in the morning of a charging day of which two days later payment has closed."""
    plan = town_plan()
    emissions = emissions_list(200, max_delay_seconds=0, payment_days=PAYMENT_DAYS)
    plan = replace(plan, lists=(replace(emissions, tick_seconds=0.1), plan.lists[1]))
    world = World(create_deployment(folder / "deployment", plan), "owner-emissions")
    world.clock.move_to(CHARGING_DAY.at(world.clock.now()).end() + 36_000)
    try:
        world.start()
        yield world
    finally:
        world.stop()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The owner of the emissions list at both custodians' desks; its list is in force."""
    with charging_town(tmp_path_factory.mktemp("desk")) as world:
        yield Desk(world, listed=[OWES]).commit()


@dataclass
class Authority:
    """The charging authority, one read of each vehicle kept twice over, and payment about to close."""

    world: World
    session: Session
    day: ChargingDay

    def runs(self) -> None:
        """What is left of the day, once payment has closed."""
        move_to(self.world, self.day.closes_at + 70)
        run(self.session, self.day)


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with charging_town(tmp_path) as world, world.session(automatic_release=True) as session:
        put(session, OWES, PAYS)
        publish_now(session)
        settle(session, today(session).day, PAYS)
        yield Authority(world, session, today(session))


def read_twice(authority: Authority) -> None:
    """Each vehicle is read twice in one zone, and kept."""
    for _ in range(2):
        authority.world.read([OWES, PAYS])
    assert take_all(authority.world, authority.session) == 4


def asked(desk: Desk, read: KnownRead, proof: bytes | None = None) -> str:
    """What both custodians say to a request for that record, for everyone to see; empty where they release it."""
    sent = desk.candidates()
    changes = {} if proof is None else {"match_proof": proof}
    statement = desk.entered(read, candidates_digest=candidates_digest(sent), **changes)
    [code] = {desk.refusal(custodian, statement, sent) for custodian in Custodian}
    assert decided(desk.world, statement.statement_id) == dict.fromkeys(Custodian, code)
    return code


def opened(desk: Desk, read: KnownRead) -> str:
    """The plate that both custodians' answers open."""
    sent = desk.candidates()
    statement = desk.entered(read, candidates_digest=candidates_digest(sent))
    share_a, share_b = (desk.reply(custodian, statement, sent).share for custodian in Custodian)
    return CanonicalPlate.decode(open_payload(read.record, share_a, share_b, read.s).plate).text


def requested(world: World) -> int:
    """How many requests for a release everyone can see."""
    return len(published(world, RequestEntry.media_type()))


def test_a_token_proves_no_match_and_opens_nothing_even_with_both_shares(desk: Desk) -> None:
    (read,) = sealed_reads(desk.world, [OWES], list_id=desk.list_id)
    header = read.record.header.digest()
    token = retention_token(read.s, header)
    for proof in (token + token, match_proof(token, header)):
        assert asked(desk, read, proof) == "match-proof"
    share_a, share_b = ([share_of(desk.world, read, custodian)] for custodian in Custodian)
    assert opened_by_hand(read.record, share_a, share_b, [token]) == set()
    assert opened_by_hand(read.record, share_a, share_b, [token, read.s]) == {OWES}


def test_a_matcher_that_hands_the_secret_out_on_the_day_has_nothing_released(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (read,) = sealed_reads(desk.world, [OWES], list_id=desk.list_id)
    assert asked(desk, read) == "too-early"
    # The defence removed: listed, matched, inside the grant; nothing else stands in the way.
    with monkeypatch.context() as patched:
        patched.setattr(checks, "_check_payment", let_pass)
        assert opened(desk, read) == OWES
    (again,) = sealed_reads(desk.world, [OWES], list_id=desk.list_id)
    closes = payment_closes(again.record.header.epoch, PAYMENT_DAYS)
    move_to(desk.world, closes - 120)
    assert asked(desk, again) == "too-early"
    move_to(desk.world, closes + 5)
    assert opened(desk, again) == OWES


def test_a_vehicle_that_is_opened_twice_owes_its_day_once(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A matcher that keeps every read: tags that join nothing. The owner's own books are the second defence."""
    monkeypatch.setattr(RetentionKey, "tag", _joins_nothing)
    read_twice(authority)
    assert held(authority.world) == 4
    authority.runs()
    # It was opened twice: but for the books it would owe two charges.
    assert dict(day_status(authority.session, authority.day.day).hits) == {
        HitState.REVEALED: 1,
        HitState.REMOVED: 1,
    }
    assert owed(authority.session, authority.day) == {OWES: ChargeOutcome.LIABLE}
    written = write_notices(authority.session, authority.day.day, tmp_path / "notices")
    assert (written.written, [plate for _, plate in noticed(tmp_path / "notices")]) == (1, [OWES])


def test_of_a_vehicle_that_is_read_often_one_record_is_opened(authority: Authority) -> None:
    read_twice(authority)
    assert held(authority.world) == 2
    authority.runs()
    assert dict(day_status(authority.session, authority.day.day).hits) == {HitState.REVEALED: 1}
    assert requested(authority.world) == 1
    assert reconcile(authority.session, authority.day.day).holds


def test_an_owner_that_opens_who_paid_asks_for_each_in_public(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Limit: custodians do not know who paid. Its own list says whom it opens; the number of its requests is public."""
    monkeypatch.setattr(lists, "settled_plates", _nobody)
    read_twice(authority)
    authority.runs()
    assert requested(authority.world) == 2
    # Even then its books hold it to have been settled: what was opened is erased, and no notice is written.
    assert owed(authority.session, authority.day) == {OWES: ChargeOutcome.LIABLE}
    assert write_notices(authority.session, authority.day.day, tmp_path / "notices").written == 1
    assert dict(day_status(authority.session, authority.day.day).hits) == {
        HitState.REVEALED: 1,
        HitState.REMOVED: 1,
    }


def _joins_nothing(*_arguments: object) -> bytes:
    return secrets.token_bytes(32)


def _nobody(*_arguments: object) -> set[bytes]:
    return set()
