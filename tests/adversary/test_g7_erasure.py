"""G7: an unclaimed record is erased with its match secret when its window ends; after that nobody can open it.

The attackers are everyone together: both custodians with their release keys, the owner with its database, and a thief
who copied the matcher's database before the erasure and its whole folder after it. What they lack is the match secret
alone; so its bytes are sought at every stage, in every file of every party, and every key that is left is tried.
That the matcher keeps no copy of its window keys is sworn, not proven: the last tests say what happens if it does.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from blindplate.client.owner.hits import HitState
from blindplate.core.parties import Custodian
from tests.adversary.conftest import StolenCamera, marks
from tests.adversary.loot import Loot, taken
from tests.adversary.reading import KnownRead, hand_in, sealed_reads
from tests.adversary.secret_search import SecretSearch, forms
from tests.integration.owner.world import (
    World,
    channel_ready,
    publish_now,
    put_on_list,
    settled_hits,
    within,
)

# Beside G1, which looks at the same stolen camera.
LISTED, *STRANGERS = marks(21, seed=11)
CUSTODIANS = ("custodian-a", "custodian-b")
PARTIES = ("matcher", "owner-police", *CUSTODIANS)
STAGES = ("received", "answered", "acknowledged", "ended")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was read, and copies of the parties' folders at every stage.

    ``folder`` holds one folder a stage: each party's files as they lay while it ran, write-ahead logs included, and
    in ``backup`` the matcher's database as a backup has it, without the window keys.
    """

    hit: KnownRead
    strangers: Sequence[KnownRead]
    folder: Path

    def at(self, stage: str, *parties: str) -> list[Path]:
        """Folders of some parties at some stage."""
        return [self.folder / stage / party for party in parties]


@pytest.fixture(scope="module")
def aftermath(world: World, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """One listed vehicle and twenty strangers are received, answered, claimed, acknowledged; their window ends."""
    folder, state = tmp_path_factory.mktemp("aftermath"), world.deployment.folder / "matcher" / "state"
    # In a minute that has not begun, since a list matches nothing captured before it was made.
    reads = sealed_reads(world, [LISTED, *STRANGERS], at=world.clock.now() + 61)

    def keep(stage: str) -> None:
        for party in PARTIES:
            taken(world.deployment.folder / party, folder / stage)
        world.stop_matcher()
        (folder / stage / "backup").mkdir()
        shutil.copy(state / "matcher.db", folder / stage / "backup")
        world.start_matcher()

    hand_in(world, reads)
    with world.session() as session:
        put_on_list(session, LISTED)
        keep("received")
        channel_ready(session.matcher)
        publish_now(session)
        within(lambda: _rows(state, "waiting"), lambda number: number == 0)
        keep("answered")
        channel_ready(session.matcher)
        assert [hit.state for hit in settled_hits(world, session)] == [HitState.SEALED]
        keep("acknowledged")
        # Beyond the window, and beyond the end of the window key; the release keys are still in use.
        world.clock.offset += 8 * 3600
        keys = {f"{read.wire.window_key_id.hex()}.key" for read in reads}
        within(
            lambda: _rows(state, "records") + sum((state / "window-keys" / key).exists() for key in keys),
            lambda number: number == 0,
        )
        keep("ended")
    return Aftermath(reads[0], reads[1:], folder)


def _rows(state: Path, table: str) -> int:
    with closing(sqlite3.connect(state / "matcher.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_everything_went_as_it_should_before_anyone_attacks(aftermath: Aftermath) -> None:
    held = [_rows(aftermath.folder / stage / "backup", "records") for stage in STAGES]
    assert held == [21, 21, 1, 0]


@pytest.mark.parametrize("stage", STAGES)
def test_no_match_secret_stands_in_any_file_but_the_owners_for_its_hit(
    stage: str, aftermath: Aftermath
) -> None:
    search = SecretSearch([aftermath.hit.s, *(read.s for read in aftermath.strangers)])
    claimed = [aftermath.hit.s] if stage in ("acknowledged", "ended") else []
    assert search.below(*aftermath.at(stage, "owner-police")) == set(claimed)
    assert search.below(*aftermath.at(stage, "matcher", "backup", *CUSTODIANS)) == set()


@pytest.mark.parametrize("stage", STAGES)
def test_no_pseudonym_of_a_read_stands_in_any_file(stage: str, aftermath: Aftermath) -> None:
    search = SecretSearch([aftermath.hit.y, *(read.y for read in aftermath.strangers)])
    assert search.below(aftermath.folder / stage) == set()


def test_the_search_finds_every_form_of_a_secret_and_a_matcher_that_writes_secrets_down(
    aftermath: Aftermath, tmp_path: Path
) -> None:
    secrets = [read.s for read in aftermath.strangers]
    search = SecretSearch(secrets)
    for number, form in enumerate(forms(secrets[0])):
        (tmp_path / f"form-{number}").mkdir()
        (tmp_path / f"form-{number}" / "canary").write_bytes(bytes(1000) + form + bytes(1000))
        assert search.below(tmp_path / f"form-{number}") == {secrets[0]}
    assert search.below(_matcher_that_writes_secrets_down(aftermath, tmp_path / "kept")) == set(secrets)


def test_no_match_secret_stands_on_a_stolen_camera(stolen_camera: StolenCamera) -> None:
    pairs = Loot(stolen_camera.folder).only(100).add_keys(stolen_camera.others).pairs()
    assert len(pairs) == 100
    for part in zip(*pairs.values(), strict=True):
        assert SecretSearch(part).below(stolen_camera.folder) == set()


def test_after_the_windows_end_everyone_together_opens_the_claimed_record_and_no_other(
    aftermath: Aftermath,
) -> None:
    """The backup of before the erasure has every record and its envelope; everyone adds all keys that are left."""
    loot = Loot(*aftermath.at("received", "backup"), *aftermath.at("ended", *PARTIES))
    assert len(loot.found) == 21
    for read in aftermath.strangers:
        # Both shares are theirs; only the match secret is gone.
        assert all(loot.shares(read.record, custodian) for custodian in Custodian)
    assert loot.plates() == {aftermath.hit.record_id: LISTED}


def test_what_was_erased_is_overwritten_where_it_lay(aftermath: Aftermath, tmp_path: Path) -> None:
    traces = SecretSearch([part for read in aftermath.strangers for part in _traces(read)])
    assert len(traces.below(*aftermath.at("received", "backup"))) == 2 * len(aftermath.strangers)
    for stage in ("acknowledged", "ended"):
        assert traces.below(*aftermath.at(stage, "backup")) == set()
    assert traces.below(*aftermath.at("ended", "matcher")) == set()
    # The defence removed: the same rows deleted by a database that does not overwrite what it frees.
    careless = shutil.copy(aftermath.folder / "received" / "backup" / "matcher.db", tmp_path)
    with closing(sqlite3.connect(careless)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("DELETE FROM records")
        database.commit()
    assert len(traces.below(tmp_path)) > len(aftermath.strangers)


def _traces(read: KnownRead) -> tuple[bytes, bytes]:
    """Bytes that stand in the matcher's database if the record, or its wire envelope, does."""
    return read.record.c_k, read.wire.envelope[600:632]


def test_a_window_key_that_is_kept_opens_the_backup_for_both_custodians(aftermath: Aftermath) -> None:
    """The defence removed: the key of before the erasure was copied."""
    (state,) = aftermath.at("received", "matcher")
    loot = Loot(
        *aftermath.at("received", "backup"), *aftermath.at("ended", *PARTIES), state / "state" / "window-keys"
    )
    assert sorted(loot.plates().values()) == sorted([LISTED, *STRANGERS])


def test_a_match_secret_that_is_kept_opens_its_record_for_both_custodians(
    aftermath: Aftermath, tmp_path: Path
) -> None:
    """The defence removed: a matcher that writes secrets down beside the records it swore to erase."""
    kept = _matcher_that_writes_secrets_down(aftermath, tmp_path)
    loot = Loot(kept, *aftermath.at("received", "backup"), *aftermath.at("ended", *CUSTODIANS))
    assert sorted(loot.plates().values()) == sorted(STRANGERS)


def test_until_its_window_ends_a_record_opens_to_both_custodians_and_the_matcher_together(
    aftermath: Aftermath,
) -> None:
    """A documented limit. Any two of the three open nothing."""
    everyone = ("matcher", *CUSTODIANS)
    assert len(Loot(*aftermath.at("received", *everyone, "backup")).plates()) == 21
    for absent in everyone:
        two = [party for party in everyone if party != absent]
        assert Loot(*aftermath.at("received", *two, "backup")).plates() == {}


def _matcher_that_writes_secrets_down(aftermath: Aftermath, folder: Path) -> Path:
    """A folder with a database of the strangers' match secrets in it."""
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "secrets.sqlite")) as database:
        database.execute("CREATE TABLE secrets (y BLOB, s BLOB)")
        database.executemany(
            "INSERT INTO secrets VALUES (?, ?)", [(one.y, one.s) for one in aftermath.strangers]
        )
        database.commit()
    return folder
