"""Cosigning with a full disk, killed, twice at once, and by a clock that goes back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from blindplate.core.errors import (
    OverloadedError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.edge.ledger.replica_file import ReplicaFile
from blindplate.server.custodian import cosigning as cosigning_module
from blindplate.server.custodian.cosigning import Conflict, Cosigned, Cosigning

from .published import KEYS, NOW
from .witnessing import Site, cosigned_at


def test_a_disk_that_is_full_leaves_nothing_and_gives_no_cosignature(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    head = witness.head()
    site.ledger.fill(5)

    def full(*_: object) -> None:
        raise StorageError("The disk is full.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(ReplicaFile, "write", full)
        with pytest.raises(StorageError):
            witness.add(site.ledger.body(5))
    assert (site.replica.size, witness.head()) == (5, head)
    cosigned_at(site, witness.add(site.ledger.body(5)))


class _Killed(BaseException):
    """What a kill looks like from inside: nothing handles it."""


def test_killed_before_the_commit_it_has_cosigned_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.ledger.fill(5)

    def kill(*_: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(cosigning_module, "Note", kill)
        with pytest.raises(_Killed):
            witness.add(site.ledger.body(5))
    again = site.start()
    assert verify_checkpoint(again.head(), KEYS).checkpoint == site.ledger.checkpoint(5)
    cosigned_at(site, again.add(site.ledger.body(5)))


def test_killed_after_the_commit_it_says_so_and_cosigns_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = site.start()
    site.ledger.fill(5)

    def kill(*_: object) -> bytes:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(Cosigning, "_own_lines", kill)
        with pytest.raises(_Killed):
            witness.add(site.ledger.body(0))
    again = site.start()
    assert again.add(site.ledger.body(0)) == Conflict(5)
    cosigned_at(site, again.add(site.ledger.body(5)))


def test_of_two_at_once_from_one_size_one_is_cosigned(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.ledger.fill(3)
    bodies = [site.ledger.body(5, 8)]
    site.ledger.fill(3)
    bodies.append(site.ledger.body(5, 11))
    start = threading.Barrier(2)

    def ask(body: bytes) -> Cosigned | Conflict:
        start.wait()
        return witness.add(body)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, bodies))
    (cosigned,) = [answer for answer in answers if isinstance(answer, Cosigned)]
    (conflict,) = [answer for answer in answers if isinstance(answer, Conflict)]
    assert conflict.size == site.replica.size
    cosigned_at(site, cosigned, site.replica.size)


def test_while_one_is_read_another_is_told_to_come_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosigning_module, "_TURN_SECONDS", 0.01)
    witness, reads, go_on = site.start(), threading.Event(), threading.Event()
    site.ledger.fill(5)
    body, get = site.ledger.body(0), site.ledger.get

    def slow(path: str) -> bytes:
        reads.set()
        go_on.wait(20)
        return get(path)

    monkeypatch.setattr(site.ledger, "get", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(witness.add, body)
        assert reads.wait(20)
        with pytest.raises(OverloadedError):
            witness.add(body)
        go_on.set()
        cosigned_at(site, first.result())


def test_no_cosignature_is_of_an_earlier_second_than_the_one_before(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.moment = NOW - 30
    assert cosigned_at(site, witness.add(site.ledger.body(5))) == NOW
    site.moment = NOW - 61
    with pytest.raises(UnavailableError):
        witness.add(site.ledger.body(5))
    # Also not after a start.
    with pytest.raises(UnavailableError):
        site.start().add(site.ledger.body(5))
