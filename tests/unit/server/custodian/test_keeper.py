"""The keeper: one step that fails keeps no other from being taken, erasure is tried until done, no silent end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine

from blindplate.core.errors import StorageError
from blindplate.core.parties import Custodian, key_id
from blindplate.core.statements.announced_keys import ReleaseKey
from blindplate.server.custodian import keeper as keeping
from blindplate.server.custodian.decisions import DecisionRecord
from blindplate.server.custodian.docket import Docket
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.keeper import Keeper
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.subject_keys import SubjectKeys
from blindplate.server.custodian.subject_tags import SubjectTags

from .books import Book
from .statements import Signatories, grant, register

DAY = 86_400


@dataclass
class SetClock:
    """A clock that stands where it is put."""

    moment: float = 1_000_000.0

    def now(self) -> float:
        return self.moment


@dataclass
class Kept:
    """A keeper, and what it keeps."""

    folder: Path
    clock: SetClock
    release_keys: ReleaseKeys
    docket: Docket
    keeper: Keeper
    died: Event
    # What reading the permissions raises.
    unreadable: Exception | None = None
    # When the duty was done.
    duties: list[float] = field(default_factory=list[float])

    def seeds(self) -> int:
        return len(list(self.folder.glob("release-keys/*.seed")))


@pytest.fixture
def book() -> Book:
    return Book(Signatories())


@pytest.fixture
def kept(engine: Engine, tmp_path: Path, book: Book) -> Kept:
    clock, died, signer = SetClock(), Event(), book.who.custodian_a
    keys = ReleaseKeys(tmp_path / "release-keys", Custodian.A, signer, DAY)
    subjects = SubjectTags(SubjectKeys(tmp_path / "subject-keys", 365))
    docket = Docket(Custodian.A, {}, keys, DecisionRecord(Custodian.A, signer), book, subjects, engine, clock)
    made: list[Kept] = []

    def permissions() -> Permissions:
        if made[0].unreadable is not None:
            raise made[0].unreadable
        return Permissions(Custodian.A, book.state, {})

    def note(moment: float) -> None:
        made[0].duties.append(moment)

    keeper = Keeper(permissions, keys, docket, clock, [note], died.set)
    made.append(Kept(tmp_path, clock, keys, docket, keeper, died))
    return made[0]


def failing(*_: object) -> None:
    raise OSError("not one of ours")


def test_permissions_that_cannot_be_read_keep_no_key_alive(kept: Kept) -> None:
    kept.keeper.round()
    before = {file.name for file in kept.folder.glob("release-keys/*.seed")}
    kept.unreadable = OSError("not one of ours")
    kept.clock.moment += 30 * DAY
    with pytest.raises(OSError, match="not one of ours"):
        kept.keeper.round()
    assert not before & {file.name for file in kept.folder.glob("release-keys/*.seed")}


STEPS = {
    "maintain": ReleaseKeys,
    "erase_replies": Docket,
    "expire": Docket,
    "erase_remains": Docket,
    "forget": SubjectTags,
}


@pytest.mark.parametrize("broken", STEPS)
def test_a_step_that_fails_keeps_no_other_from_being_taken(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    kept.keeper.round()
    kept.clock.moment += 30 * DAY
    taken: list[str] = []

    def noting(name: str) -> Callable[..., list[bytes]]:
        def step(*_: object) -> list[bytes]:
            taken.append(name)
            if name == broken:
                failing()
            return []

        return step

    for name, owner in STEPS.items():
        monkeypatch.setattr(owner, name, noting(name))
    with pytest.raises(OSError, match="not one of ours"):
        kept.keeper.round()
    assert taken == list(STEPS)
    assert kept.duties[-1] == kept.clock.moment


def test_a_window_that_the_ledger_brings_has_lasting_keys_made(kept: Kept, book: Book) -> None:
    kept.keeper.round()
    book.enter_register(register(), at=1)
    book.enter_grant(grant(signer=book.who.operator, window_seconds=7 * DAY), at=1)
    kept.keeper.round()
    (*_, last) = kept.release_keys.announcements(kept.clock.moment)
    key = ReleaseKey.parsed(last.payload)
    assert key.destroyed_at - key.not_after >= 7 * DAY


def test_answers_not_erased_are_erased_by_the_next_round(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keeper.round()
    erased: list[set[bytes]] = []
    fails = [True, False, False, False]

    def erase(_: Docket, names: Collection[bytes]) -> int:
        erased.append(set(names))
        if fails.pop(0):
            raise StorageError("The disk is full.", "Make room.")
        return 0

    monkeypatch.setattr(Docket, "erase_replies", erase)
    due = kept.release_keys.destroyed(kept.clock.moment + 30 * DAY)
    kept.clock.moment += 30 * DAY
    with pytest.raises(StorageError):
        kept.keeper.round()
    kept.keeper.round()
    kept.keeper.round()
    assert erased == [set(due)] * 2
    # Later an answer whose approval was under way at a key's end is erased with it, then nothing is to be done.
    last = ReleaseKey.parsed(kept.release_keys.announcements(kept.clock.moment)[0].payload)
    kept.clock.moment = last.destroyed_at
    kept.keeper.round()
    kept.clock.moment += 121
    kept.keeper.round()
    kept.keeper.round()
    assert erased[2:] == [{key_id(last.public)}] * 2


def test_errors_of_any_kind_end_no_thread(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_ROUND_SECONDS", 0.001)
    again = Event()
    calls: list[None] = []
    kept.keeper.start()

    def fail(_: Docket) -> None:
        calls.append(None)
        if len(calls) > 2:
            again.set()
        failing()

    monkeypatch.setattr(Docket, "expire", fail)
    assert again.wait(20)
    kept.keeper.stop()
    assert not kept.died.is_set()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # the death is what is tested
def test_a_keeper_that_dies_says_so(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_ROUND_SECONDS", 0.001)

    def die(_: Docket) -> None:
        raise KeyboardInterrupt

    kept.keeper.start()
    monkeypatch.setattr(Docket, "expire", die)
    assert kept.died.wait(20)
    # What it died of is reported as its thread ends, and must be in this test.
    kept.keeper.stop()
