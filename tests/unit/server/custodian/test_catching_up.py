"""A custodian that was put back to an earlier time puts its name to no second history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blindplate.core.errors import ForkError, MessageError, SecurityError, UnavailableError
from blindplate.core.parties import Custodian
from blindplate.server.custodian.cosigning import Cosigning

from .published import NOW, Published
from .statements import grant, register_entry
from .witnessing import Site, alarms, cosigned_at

OTHER = Custodian.B


def restored(site: Site, size: int) -> Cosigning:
    """A custodian that had cosigned five entries and lost what came after, when ``size`` had been."""
    site.ledger.fill(5)
    site.start().add(site.ledger.body(0))
    site.ledger.fill(size - 5)
    return site.start()


def test_a_restored_custodian_waits_for_the_others_answer(site: Site) -> None:
    witness = restored(site, 9)

    def silent() -> bytes:
        raise UnavailableError("The other custodian does not answer.")

    site.other_head = silent
    with pytest.raises(UnavailableError):
        witness.add(site.ledger.body(5))
    assert site.replica.size == 5
    site.other_head = lambda: b""
    cosigned_at(site, witness.add(site.ledger.body(5)))


def test_a_restored_custodian_cosigns_no_less_than_the_other_had(site: Site) -> None:
    witness = restored(site, 9)
    head = site.ledger.cosigned(OTHER, 8)
    site.other_head = lambda: head
    for size in (5, 7):
        with pytest.raises(UnavailableError):
            witness.add(site.ledger.body(5, size))
    assert site.replica.size == 5
    cosigned_at(site, witness.add(site.ledger.body(5, 9)), 9)


def test_a_busy_ledger_does_not_move_the_mark(site: Site) -> None:
    witness = restored(site, 9)
    head = site.ledger.cosigned(OTHER, 8)
    site.other_head = lambda: head
    with pytest.raises(UnavailableError):
        witness.add(site.ledger.body(5, 7))
    # Meanwhile the other goes on; what it had at the first answer is what must be reached.
    later = site.ledger.cosigned(OTHER, 9)
    site.other_head = lambda: later
    cosigned_at(site, witness.add(site.ledger.body(5, 8)), 8)


def test_once_it_has_met_the_other_it_asks_no_more(site: Site) -> None:
    witness = restored(site, 9)
    witness.add(site.ledger.body(5))

    def never() -> bytes:
        pytest.fail("asked again")

    site.other_head = never
    site.ledger.fill(3)
    cosigned_at(site, witness.add(site.ledger.body(9)))


@pytest.mark.parametrize(
    ("shared", "other_size"),
    [
        pytest.param(7, 8, id="on-the-way"),
        pytest.param(7, 9, id="at-the-same-size"),
        pytest.param(3, 4, id="in-what-was-read-before"),
        pytest.param(3, 5, id="at-what-was-cosigned-last"),
    ],
)
def test_another_history_at_the_other_custodian_is_a_fork(site: Site, shared: int, other_size: int) -> None:
    witness, fork = restored(site, 9), Published.of(shared)
    fork.fill(other_size - shared, other=1000)
    head = fork.cosigned(OTHER)
    site.other_head = lambda: head
    before = alarms("fork")
    with pytest.raises(ForkError):
        witness.add(site.ledger.body(5))
    assert alarms("fork") == before + 1
    assert head in site.evidence()
    assert site.replica.size == 5


@pytest.mark.parametrize("other_size", [0, 1, 4, 5, 8, 9])
def test_the_same_history_at_the_other_custodian_is_none(site: Site, other_size: int) -> None:
    witness = restored(site, 9)
    head = site.ledger.cosigned(OTHER, other_size)
    site.other_head = lambda: head
    cosigned_at(site, witness.add(site.ledger.body(5)))


def by_the_ledger_alone(ledger: Published) -> bytes:
    return ledger.note(8).to_bytes()


def by_this_custodian(ledger: Published) -> bytes:
    return ledger.cosigned(Custodian.A, 8)


def nonsense(_: Published) -> bytes:
    return b"nonsense"


@pytest.mark.parametrize("head", [by_the_ledger_alone, by_this_custodian, nonsense])
def test_a_head_that_the_other_did_not_cosign_is_none(site: Site, head: Callable[[Published], bytes]) -> None:
    witness = restored(site, 9)
    site.other_head = lambda: head(site.ledger)
    with pytest.raises((SecurityError, MessageError)):
        witness.add(site.ledger.body(5))
    assert site.replica.size == 5


def lost(site: Site) -> Cosigning:
    """A custodian that has witnessed a register and a grant, and then lost its copy of the ledger."""
    entry, document = register_entry(site.who)
    site.ledger.enter(entry, grant().statement(*site.who.all), documents=[document])
    site.start().add(site.ledger.body(0))
    site.close()
    (site.folder / "ledger.sqlite").unlink()
    site.moment = NOW + 10_000
    return site.start()


def granted_at(site: Site) -> int:
    (amendment,) = site.replica.state.grants["police-1"].amendments
    return amendment.witnessed_at


def test_a_lost_copy_is_dated_by_the_custodians_own_cosignatures(site: Site) -> None:
    witness = lost(site)
    site.ledger.record(1, Custodian.A, Custodian.B, moment=NOW)
    cosigned_at(site, witness.add(site.ledger.body(0)))
    assert granted_at(site) == NOW


@pytest.mark.parametrize(
    ("by", "size"),
    [
        pytest.param([OTHER], 2, id="of-the-other-alone"),
        pytest.param([], 2, id="of-nobody"),
        pytest.param([Custodian.A, OTHER], 1, id="of-a-ledger-without-the-entry"),
        pytest.param(None, 2, id="missing"),
    ],
)
def test_no_record_but_its_own_makes_an_entry_count_earlier(
    site: Site, by: list[Custodian] | None, size: int
) -> None:
    witness = lost(site)
    if by is not None:
        site.ledger.record(1, *by, size=size)
    cosigned_at(site, witness.add(site.ledger.body(0)))
    assert granted_at(site) == NOW + 10_000


def test_what_comes_after_a_start_is_dated_by_its_cosignature_alone(site: Site) -> None:
    witness = site.start()
    witness.add(site.ledger.body(0))
    entry, document = register_entry(site.who)
    site.ledger.enter(entry, grant().statement(*site.who.all), documents=[document])
    site.ledger.record(1, Custodian.A, Custodian.B, moment=NOW - 5_000)
    cosigned_at(site, witness.add(site.ledger.body(0)))
    assert granted_at(site) == NOW
