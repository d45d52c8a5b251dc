"""The watch: what is new is told once, and a ledger that goes back or forks ends it, also after a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.client.auditor.watch import STALE_SECONDS, Watch
from blindplate.core.errors import (
    ForkError,
    NotFoundError,
    RollbackError,
    SettingsError,
    SignatureError,
    UnavailableError,
)
from blindplate.core.ledger.layout import CHECKPOINT, entries_path
from tests.unit.client.auditor.ledgers import Ledger, MemorySource, audit_keys, row


@dataclass
class FixedClock:
    """A clock that stands."""

    moment: float

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self.moment


@dataclass
class Site:
    """A ledger that grows, its files, and a state file."""

    state: Path
    ledger: Ledger = field(default_factory=Ledger.begun)
    source: MemorySource = field(default_factory=lambda: MemorySource({}))
    clock: FixedClock = field(default_factory=lambda: FixedClock(0))

    def publish(self) -> None:
        """Show the ledger as it is now."""
        self.source.files = self.ledger.files()
        self.clock.moment = self.ledger.now

    def watch(self, rest: Callable[[float], None] = lambda _: None) -> Watch:
        """A run of the watch."""
        return Watch(self.source, audit_keys(), self.state, self.clock, rest)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    one = Site(tmp_path / "watch.json")
    one.publish()
    return one


def test_the_first_look_says_how_much_was_verified_and_lists_no_entries(site: Site) -> None:
    watch = site.watch()
    seen = watch.look()
    assert len(seen.lines) == 1
    assert seen.lines[0].startswith(f"{site.ledger.size:,} entries verified, as witnessed on 3 March 2025")
    assert seen.findings == ()
    assert not watch.violated


def test_each_new_entry_and_finding_is_told_once(site: Site) -> None:
    watch = site.watch()
    watch.look()
    first = site.ledger.size
    site.ledger.request("new")
    site.ledger.counts(row(received=4, open=3))
    site.publish()
    seen = watch.look()
    assert [line.split(":")[0] for line in seen.lines] == [f"entry {first}", f"entry {first + 1}"]
    assert [one.kind for one in seen.findings] == [Kind.COUNTS_BALANCE]
    assert watch.violated
    assert watch.look().lines == ()
    assert watch.look().findings == ()


def test_a_later_run_tells_what_came_between_and_nothing_twice(site: Site) -> None:
    site.ledger.counts(row(received=4, open=3))
    site.publish()
    assert [one.kind for one in site.watch().look().findings] == [Kind.COUNTS_BALANCE]
    first = site.ledger.size
    site.ledger.batches(1, sequence=9)
    site.publish()
    later = site.watch()
    seen = later.look()
    assert seen.lines[0] == f"entry {first}: 1 answer for hotlist"
    assert "1 finding about entries seen in earlier runs" in seen.lines
    assert [one.kind for one in seen.findings] == [Kind.BATCH_ORDER]
    # What an earlier run reported still counts for how the run ends.
    assert later.violated


@pytest.mark.parametrize("restarted", [False, True])
def test_a_ledger_that_goes_back_ends_the_watch(site: Site, restarted: bool) -> None:
    watch = site.watch()
    watch.look()
    site.ledger.entries.pop()
    site.publish()
    with pytest.raises(RollbackError):
        (site.watch() if restarted else watch).wait(1)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("more", [0, 3, 300])
def test_a_ledger_that_forks_ends_the_watch(site: Site, restarted: bool, more: int) -> None:
    watch = site.watch()
    watch.look()
    size = site.ledger.size
    site.ledger.entries.pop()
    site.ledger.batches(1)
    for _ in range(more):
        site.ledger.batches(1)
    assert site.ledger.size == size + more
    site.publish()
    with pytest.raises(ForkError):
        (site.watch() if restarted else watch).wait(1)


def test_a_fork_is_not_remembered_in_place_of_what_was_seen(site: Site) -> None:
    site.watch().look()
    before = site.state.read_bytes()
    site.ledger.entries.pop()
    site.ledger.batches(2)
    site.publish()
    for _ in range(2):
        with pytest.raises(ForkError):
            site.watch().look()
    assert site.state.read_bytes() == before


def test_a_checkpoint_of_other_keys_ends_the_watch(site: Site) -> None:
    watch = site.watch()
    watch.look()
    site.source.files[CHECKPOINT] = site.source.files[CHECKPOINT].replace(
        b"ledger.test/one\n", b"ledger.test/two\n", 1
    )
    with pytest.raises(SignatureError) as raised:
        watch.wait(1)
    assert "keys file is this ledger's own" in raised.value.remedy


def test_a_ledger_that_does_not_answer_is_a_line_and_the_watch_goes_on(site: Site) -> None:
    rests: list[float] = []
    watch = site.watch(rests.append)
    watch.look()
    first = site.ledger.size
    site.ledger.batches(1)
    files = site.ledger.files()
    # Half of it can be read: what was read of it counts for nothing yet.
    site.source.files = {path: held for path, held in files.items() if path != entries_path(0, first + 1)}
    seen = watch.wait(7)
    assert seen.lines[0].startswith("The ledger cannot be read now.")
    site.source.files = files
    seen = watch.wait(7)
    assert [line for line in seen.lines if line.startswith("entry")] == [
        f"entry {first}: 1 answer for hotlist"
    ]
    assert rests == [7, 7]


def test_what_was_found_before_the_ledger_stopped_answering_is_found_again(site: Site) -> None:
    watch = site.watch()
    watch.look()
    site.ledger.batches(1, sequence=9)
    while site.ledger.size < 300:
        site.ledger.batches(1, sequence=site.ledger.size)
    files = site.ledger.files()
    site.source.files = {path: held for path, held in files.items() if path != entries_path(1, 44)}
    assert watch.wait(1).findings == ()
    site.source.files = files
    assert watch.wait(1).findings[0].index == 7


def test_the_first_look_at_no_ledger_is_an_error(site: Site) -> None:
    site.source.files = {}
    with pytest.raises(NotFoundError) as raised:
        site.watch().look()
    assert "Name the address or folder" in raised.value.remedy
    assert not site.state.exists()


def test_a_source_that_fails_is_not_taken_for_a_ledger_that_goes_back(site: Site) -> None:
    class Failing:
        def get(self, path: str) -> bytes:
            raise UnavailableError(f"No answer for {path}.")

    watch = Watch(Failing(), audit_keys(), site.state, site.clock, lambda _: None)
    with pytest.raises(UnavailableError):
        watch.look()
    assert watch.wait(1).lines == ("The ledger cannot be read now. No answer for checkpoint.",)


@pytest.mark.parametrize(("late", "told"), [(STALE_SECONDS, False), (STALE_SECONDS + 1, True)])
def test_a_checkpoint_that_nobody_renews_is_told(site: Site, late: int, told: bool) -> None:
    site.clock.moment += late
    assert any("No fresh checkpoint" in line for line in site.watch().look().lines) is told


@pytest.mark.parametrize(
    "content", ["", "{", '{"origin": "ledger.test/one"}', '{"origin": 1, "size": 1, "root": "00"}']
)
def test_a_state_file_that_is_none_is_refused_by_name(site: Site, content: str) -> None:
    site.state.write_text(content)
    with pytest.raises(SettingsError, match=r"watch\.json"):
        site.watch()


def test_a_state_file_of_another_ledger_is_refused(site: Site) -> None:
    site.watch().look()
    site.state.write_text(site.state.read_text().replace("ledger.test/one", "ledger.test/two"))
    with pytest.raises(SettingsError, match="another ledger"):
        site.watch()


def test_more_entries_than_anyone_reads_are_counted(site: Site) -> None:
    watch = site.watch()
    watch.look()
    for _ in range(1003):
        site.ledger.batches(1)
    site.publish()
    lines = watch.look().lines
    assert len(lines) == 1001
    assert lines[-1] == "and 3 more entries"
