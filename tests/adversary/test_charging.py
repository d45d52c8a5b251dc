"""Charging at the real matcher: nothing of a day is opened before payment has closed, and who paid never is.

The attackers are the owner, who uploads whatever it likes whenever it likes, a clock that is wrong, and a thief of the
matcher's database. What is only a limit, what an owner's own second list says, is asserted too. Protocol section 8.
"""

from __future__ import annotations

import hmac
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.cli.deployment.plan import emissions_list
from blindplate.core.charging import charging_day, retention_token
from blindplate.core.domains import Domain, Epoch
from blindplate.core.encoding import encode
from blindplate.core.errors import TooEarlyError
from blindplate.core.records.record import SealedRecord
from blindplate.core.statements.uploads import Stage
from blindplate.psi.owner import open_answer
from blindplate.server.matcher import answers_store, carrying, lifecycle, manifests, rounds
from blindplate.server.matcher.carrying import Carried, Pair
from blindplate.server.matcher.evaluator import Job, LocalEvaluator
from blindplate.server.matcher.lifecycle import Read
from blindplate.server.matcher.retention_keys import RetentionKey
from tests.adversary.defences import let_pass
from tests.integration.conftest import small_plan
from tests.integration.matcher.conftest import SealedRead, Segment, domain_of, open_world, pseudonym
from tests.integration.matcher.test_charging import PAYMENT_DAYS, Day, charging_day_of

_TAG_BYTES = 32
_ZONE = "inner"


class Watched(LocalEvaluator):
    """Remembers what it was given to put into answers: what an owner's hits can hold."""

    def __init__(self) -> None:
        super().__init__(1 << 30)
        self.given: list[bytes] = []

    def submit(self, job: Job) -> Any:
        self.given += [carried for _, carried in job.reads]
        return super().submit(job)


@pytest.fixture(scope="module")
def charging(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    plan = small_plan()
    lists = (emissions_list(200, max_delay_seconds=0, payment_days=PAYMENT_DAYS), plan.lists[1])
    return create_deployment(tmp_path_factory.mktemp("charging") / "it", replace(plan, lists=lists))


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def day(charging: Deployment, tmp_path: Path, watched: Watched) -> Iterator[Day]:
    copy = replace(charging, folder=tmp_path / "deployment")
    shutil.copytree(charging.folder, copy.folder)
    with open_world(copy) as world, charging_day_of(world) as opened:
        world.restart(evaluator=watched)
        opened.owner.close()
        yield opened


def kept(day: Day, *vehicles: bytes) -> list[SealedRead]:
    """One read of each vehicle, kept on the day."""
    reads = day.read(*vehicles)
    assert len(day.keep(day.upload(Stage.KEEP, *vehicles))) == len(vehicles)
    return reads


def opened(day: Day, segment: Segment) -> tuple[int, set[bytes]]:
    """The next answer's number, and the match secrets that open from it: each gives its record."""
    assert day.world.tick() == 1
    answer, hits = day.answer(segment)
    assert all(result.HasField("record") for result in day.claim(answer, hits))
    return answer.sequence, {hit.match_secret for hit in hits}


def secrets_of(reads: Sequence[SealedRead]) -> set[bytes]:
    return {read.s for read in reads}


def nothing_opens(day: Day, segment: Segment) -> None:
    """Whatever the matcher answers now holds no read."""
    day.world.tick()
    response = day.owner.next(day.world.port, "emissions", day.after)
    if response.HasField("answer"):
        assert open_answer(segment.secret, response.answer.body) == []
        day.after = response.answer.sequence


def test_no_list_opens_a_day_before_payment_has_closed(
    day: Day, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three looks at the clock, each of which is enough; with all three gone the day opens."""
    reads = kept(day, pseudonym())
    vehicle = reads[0].y
    with pytest.raises(TooEarlyError):
        day.upload(Stage.OPEN, vehicle)
    # The upload not looked at: nothing is handed to the evaluator.
    monkeypatch.setattr(manifests, "_require_stage", let_pass)
    segment = day.upload(Stage.OPEN, vehicle)
    nothing_opens(day, segment)
    assert not secrets_of(reads) & set(watched.given)
    # Whatever is asked for handed to it: what comes of that is not stored, and no answer leaves.
    monkeypatch.setattr(rounds, "carried", _whatever)
    nothing_opens(day, segment)
    assert secrets_of(reads) <= set(watched.given)
    # The state machine told another time: every defence of the matcher is gone.
    monkeypatch.setattr(answers_store, "store", _at(day.closes))
    assert opened(day, segment)[1] == secrets_of(reads)


def test_a_list_to_match_at_once_opens_nothing_of_a_charging_day(
    day: Day, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment as other lists have it, whose answers carry match secrets on the day itself."""
    monkeypatch.setattr(manifests, "_require_stage", let_pass)
    vehicle = pseudonym()
    segment = day.upload(Stage.MATCH, vehicle)
    reads = day.read(vehicle)
    nothing_opens(day, segment)
    assert not secrets_of(reads) & set(watched.given)


def test_a_token_is_all_that_an_owner_gets_on_the_day(
    day: Day, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicle, other = pseudonym(), pseudonym()
    segment = day.upload(Stage.KEEP, vehicle, other)
    reads = day.read(vehicle)
    assert day.world.tick() == 1
    answer, hits = day.answer(segment)
    assert [hit.match_secret for hit in hits] == [_token(read) for read in reads]
    [result] = day.claim(answer, hits)
    assert (result.kept, result.HasField("record")) == (True, False)
    assert not secrets_of(reads) & set(watched.given)
    # The defence removed: the secret travels where the token should.
    monkeypatch.setattr(carrying, "retention_token", _secret_itself)
    late = day.read(other)
    assert day.world.tick() == 1
    answer, hits = day.answer(segment)
    assert {hit.match_secret for hit in hits} == secrets_of(late)


def test_who_paid_is_opened_by_no_list_once_the_first_is_acknowledged(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid, unpaid = pseudonym(), pseudonym()
    reads = kept(day, paid, unpaid)
    day.close()
    sequence, secrets = opened(day, day.upload(Stage.OPEN, unpaid))
    assert secrets == {reads[1].s}
    day.owner.acknowledge(day.world.port, "emissions", sequence)
    nothing_opens(day, day.upload(Stage.OPEN, paid, unpaid))
    assert (day.counts().claimed, day.counts().erased_unopened) == (1, 1)
    # The defence removed: an acknowledgement erases nothing.
    monkeypatch.setattr(lifecycle, "_settled", _left_as_it_is)
    second = _another_day(day, paid, unpaid)
    second.close()
    sequence, _ = opened(second, second.upload(Stage.OPEN, unpaid))
    second.owner.acknowledge(second.world.port, "emissions", sequence)
    _, secrets = opened(second, second.upload(Stage.OPEN, paid, unpaid))
    assert len(secrets) == 1


def test_an_owner_that_lists_who_paid_opens_them_and_the_public_counts_say_so(day: Day) -> None:
    """Limit: whom the second list holds is its owner's word. Uploaded twice, the longer list counts."""
    paid, unpaid = pseudonym(), pseudonym()
    reads = kept(day, paid, unpaid)
    day.close()
    sequence, secrets = opened(day, day.upload(Stage.OPEN, unpaid))
    assert secrets == {reads[1].s}
    # Not acknowledged yet: what was no hit still waits for what comes.
    again, secrets = opened(day, day.upload(Stage.OPEN, paid, unpaid))
    assert secrets == {reads[0].s}
    for one in (sequence, again):
        day.owner.acknowledge(day.world.port, "emissions", one)
    counts = day.counts()
    assert (counts.received, counts.claimed, counts.erased_unopened) == (2, 2, 0)


def test_no_second_list_opens_more_than_was_kept(day: Day) -> None:
    """A vehicle that is on the list to open and was on none to keep: its reads are gone."""
    listed, later = pseudonym(), pseudonym()
    segment = day.upload(Stage.KEEP, listed)
    reads = day.read(listed, later)
    assert len(day.keep(segment)) == 1
    day.close()
    _, secrets = opened(day, day.upload(Stage.OPEN, listed, later))
    assert secrets == {reads[0].s}


def test_kept_tags_join_no_two_days_and_tell_a_thief_of_the_database_nothing(
    day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were a vehicle's pseudonym the same on two days, its tags still would not be; nor do they tell whose they are."""
    vehicle = pseudonym()
    kept(day, vehicle)
    second = _another_day(day, vehicle)
    stolen = _tags(day)
    assert len(stolen) == len(set(stolen.values())) == 2
    names = _domain(day), [day.day, second.day]
    # Every 32 bytes of the database as a key, for a thief who knows the vehicle's pseudonym.
    keys = _values(day)
    assert not set(stolen.values()) & _guesses(keys, vehicle, *names)
    # With the keys beside it both are found: until they are destroyed the matcher itself can tell.
    folder = day.world.data / "retention-keys"
    assert set(stolen.values()) <= _guesses({path.read_bytes() for path in folder.iterdir()}, vehicle, *names)
    # The defence removed: a tag of the pseudonym alone joins both.
    monkeypatch.setattr(RetentionKey, "tag", _unkeyed)
    _another_day(_another_day(second, vehicle), vehicle)
    joined = [tag for epoch, tag in _tags(day).items() if epoch not in stolen]
    assert joined == [joined[0]] * 2


def test_a_key_of_tags_dies_with_the_last_kept_read_of_its_day(day: Day) -> None:
    vehicle = pseudonym()
    kept(day, vehicle)
    folder = day.world.data / "retention-keys"
    [key] = [path.read_bytes() for path in folder.iterdir()]
    day.close()
    assert day.world.tick() == 0
    sequence, _ = opened(day, day.upload(Stage.OPEN, vehicle))
    day.owner.acknowledge(day.world.port, "emissions", sequence)
    day.world.clock.time += day.world.emissions.window_seconds + 3600
    day.world.served.matcher.keeper.keep()
    assert list(folder.iterdir()) == []
    assert not any(key in path.read_bytes() for path in day.world.data.rglob("*") if path.is_file())


def _another_day(day: Day, *vehicles: bytes) -> Day:
    """The day after the present one, ten hours old: one read of each vehicle is kept."""
    other = replace(day, day=charging_day(day.world.clock.now()).next())
    day.world.clock.time = other.day.start() + 36_000
    day.world.served.matcher.keeper.keep()
    kept(other, *vehicles)
    return other


def _token(read: SealedRead) -> bytes:
    return retention_token(read.s, SealedRecord.from_proto(read.wire.record).header.digest())


def _secret_itself(match_secret: bytes, _header_digest: bytes) -> bytes:
    return match_secret


def _left_as_it_is(read: Read) -> Read:
    return read


def _whatever(_connection: object, _stage: Stage, pairs: Mapping[int, Pair], _now_ms: int) -> Carried:
    return Carried(pairs)


def _at(moment: float) -> Any:
    true_store = answers_store.store

    def store(
        connection: Any, segment: Any, answer: Any, slots: Any, placed: Any, _now: int, kept: Any
    ) -> int:
        return true_store(connection, segment, answer, slots, placed, int(1000 * moment), kept)

    return store


def _unkeyed(_self: RetentionKey, _domain: Domain, _epoch: Epoch, pseudonym: bytes) -> bytes:
    return hmac.digest(bytes(_TAG_BYTES), pseudonym, "sha256")


def _domain(day: Day) -> Domain:
    return domain_of(day.world.emissions, _ZONE)


def _guesses(keys: set[bytes], vehicle: bytes, domain: Domain, days: Sequence[Epoch]) -> set[bytes]:
    """The tags that a vehicle would have under each of these keys."""
    return {
        hmac.digest(key, encode("kept-tag", domain.encode(), one.encode(), vehicle), "sha256")
        for key in keys
        for one in days
    }


def _tags(day: Day) -> dict[str, bytes]:
    """Every tag of the matcher's database, by its epoch."""
    with closing(sqlite3.connect(day.world.data / "matcher.db")) as database:
        return dict(database.execute("SELECT epoch, tag FROM kept_tags ORDER BY epoch"))


def _values(day: Day) -> set[bytes]:
    """Every value of 32 bytes in the matcher's database."""
    found = set[bytes]()
    with closing(sqlite3.connect(day.world.data / "matcher.db")) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in database.execute(f'SELECT * FROM "{name}"'):
                found |= {value for value in row if isinstance(value, bytes) and len(value) == _TAG_BYTES}
    return found
