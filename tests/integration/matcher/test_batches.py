"""What the matcher enters in the ledger: batches before answers, whatever is away or dies, and counts that balance."""

from __future__ import annotations

from contextlib import closing
from typing import TypeVar

import pytest

from blindplate.core.batches import answer_digest, batch_root
from blindplate.core.errors import NotFoundError, UnavailableError
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.entries import parse_entry
from blindplate.core.ledger.layout import bundles_between, entries_path
from blindplate.core.statements.matching import Batches, MatcherCounts
from blindplate.core.statements.model import StatementModel
from blindplate.edge.ledger.source import open_source
from blindplate.psi.owner import open_answer
from blindplate.server.matcher import answers_store
from tests.integration.ledger_site import party_key
from tests.integration.matcher.conftest import Segment, World, pseudonym, witnessed

SLOTS = 8192
_Model = TypeVar("_Model", bound=StatementModel)


@pytest.fixture
def listed() -> bytes:
    return pseudonym()


@pytest.fixture
def segment(world: World, listed: bytes) -> Segment:
    segment = world.owner.build(world.police, world.epoch(), [listed], now=world.clock.now())
    world.owner.upload(world.port, segment)
    return segment


def hand_in(world: World, *pseudonyms: bytes) -> None:
    reads = world.reads(pseudonyms)
    assert not any(receipt.code for receipt in world.camera.submit(world.port, [one.wire for one in reads]))


def entered(world: World, kind: type[_Model]) -> list[_Model]:
    """The matcher's statements of one kind in the ledger, as everybody reads them."""
    assert world.ledger.running is not None
    size = world.ledger.running.size
    witnessed(world.ledger, size - 1)
    matcher = party_key(world.deployment, "matcher").public
    with closing(open_source(world.ledger.access().url)) as source:
        entries = [
            entry
            for bundle in bundles_between(0, size)
            for entry in decode_bundle(source.get(entries_path(bundle.index, bundle.width)))
        ]
    statements = [parse_entry(entry) for entry in entries]
    return [kind.verified(one, [matcher]) for one in statements if one.payload_type == kind.media_type()]


def test_an_answer_goes_out_with_its_batch_in_the_ledger_and_not_before(
    world: World, listed: bytes, segment: Segment
) -> None:
    hand_in(world, listed, pseudonym())
    world.clock.time += 1
    assert world.served.matcher.ticker.tick() == 1
    assert not world.owner.next(world.port, "police", 0).HasField("answer")
    # Even who guesses its number can neither claim from it nor have its reads erased.
    with pytest.raises(NotFoundError):
        world.owner.claim(world.port, "police", 1, [])
    with pytest.raises(NotFoundError):
        world.owner.acknowledge(world.port, "police", 1)
    world.served.matcher.clerk.step()
    answer = world.owner.next(world.port, "police", 0).answer
    [statement] = entered(world, Batches)
    [batch] = statement.batches
    with world.served.matcher.database.read() as connection:
        openings = answers_store.open_slots(connection, "police", {"police-1"}, 1)
    assert (batch.grant_id, batch.list_id, batch.sequence) == ("police-1", "police", answer.sequence)
    assert (batch.segment_id, batch.slots) == (answer.segment_id, SLOTS)
    assert (batch.root, batch.answer_sha256) == (batch_root(openings), answer_digest(answer.body))


def test_while_the_ledger_is_away_reads_are_taken_and_answers_wait(
    world: World, listed: bytes, segment: Segment
) -> None:
    world.restart(max_unacknowledged=2)
    world.ledger.stop()
    hand_in(world, listed)
    matcher = world.served.matcher
    ticks = []
    for _ in range(4):
        hand_in(world, pseudonym())
        world.clock.time += 1
        matcher.ledger.look()
        ticks.append(matcher.ticker.tick())
        with pytest.raises(UnavailableError):
            matcher.clerk.step()
        assert not world.owner.next(world.port, "police", 0).HasField("answer")
    # As many as may be left unacknowledged; the other reads wait for their batch.
    assert ticks == [1, 1, 0, 0]
    assert world.held() == 5
    world.restart()
    world.ledger.start()
    witnessed(world.ledger, 0)
    world.served.matcher.clerk.step()
    answers = [world.owner.next(world.port, "police", after).answer for after in (0, 1)]
    assert [answer.sequence for answer in answers] == [1, 2]
    assert len(open_answer(segment.secret, answers[0].body)) == 1
    assert world.tick() == 1


def test_a_matcher_that_dies_between_sending_and_hearing_enters_each_batch_once(
    world: World, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_arguments: object) -> None:
        raise UnavailableError("It died.")

    hand_in(world, pseudonym())
    with monkeypatch.context() as patch:
        patch.setattr("blindplate.server.matcher.batch_entries.entered", dies)
        with pytest.raises(UnavailableError):
            world.tick()
    world.restart()
    hand_in(world, pseudonym())
    assert world.tick() == 1
    assert [batch.sequence for one in entered(world, Batches) for batch in one.batches] == [1, 2]
    for after in (0, 1):
        assert world.owner.next(world.port, "police", after).answer.sequence == after + 1


def test_the_matchers_counts_stand_in_the_ledger_and_balance(
    world: World, listed: bytes, segment: Segment
) -> None:
    hand_in(world, listed, pseudonym(), pseudonym())
    world.tick()
    answer = world.owner.next(world.port, "police", 0).answer
    [hit] = open_answer(segment.secret, answer.body)
    claims = [(hit.slot, hit.match_secret), ((hit.slot + 1) % SLOTS, bytes(16))]
    world.owner.claim(world.port, "police", 1, claims)
    world.owner.acknowledge(world.port, "police", 1)
    hand_in(world, pseudonym())
    world.clock.time += world.settings.counts_seconds
    world.served.matcher.clerk.step()
    first, last = entered(world, MatcherCounts)
    assert sum(one.received for one in first.records) == 3
    assert (last.since, last.refused_claims) == (first.since, 1)
    [police] = last.records
    police.require_balanced()
    assert police.model_dump(exclude={"list_id", "zone"}) == {
        "received": 4,
        "answered": 3,
        "claimed": 1,
        "erased_acknowledged": 2,
        "erased_unclaimed": 0,
        "erased_claimed": 0,
        "open": 1,
        "kept": 0,
        "erased_unopened": 0,
    }
