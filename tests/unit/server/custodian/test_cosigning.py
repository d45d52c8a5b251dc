"""Cosigning: every rule of tlog-witness, and what keeps a custodian from putting its name to a second history."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import (
    ForkError,
    MessageError,
    NotFoundError,
    OverloadedError,
    ProofError,
    RollbackError,
    SignatureError,
    StorageError,
    UnavailableError,
)
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner, verify_checkpoint
from blindplate.core.ledger.layout import entries_path
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.witness_messages import encode_add_checkpoint, parse_add_checkpoint
from blindplate.core.parties import Custodian
from blindplate.edge.ledger.receipts import SHOWN_WITHIN_SECONDS
from blindplate.edge.ledger.replica_file import ReplicaFile
from blindplate.server.custodian import cosigning as cosigning_module
from blindplate.server.custodian.cosigning import Conflict, Cosigned, Cosigning

from .published import KEYS, NOW, ORIGIN, Published
from .statements import grant, register, register_entry
from .witnessing import Site, alarms, cosigned_at


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.integers(0, 300), min_size=1, max_size=5))
def test_any_growth_is_cosigned_and_remembered(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    site = Site(tmp_path_factory.mktemp("witness"))
    witness, old = site.start(), 0
    for number, step in enumerate(steps):
        site.ledger.fill(step)
        site.moment = NOW + number
        answer = witness.add(site.ledger.body(old))
        assert cosigned_at(site, answer) == NOW + number
        old = site.ledger.size
        assert (site.replica.size, site.replica.root) == (old, site.ledger.checkpoint().root)
        # What is stored, and told to whoever asks, is what was cosigned: by the ledger and this custodian alone.
        head = verify_checkpoint(witness.head(), KEYS)
        assert head.checkpoint == site.ledger.checkpoint()
        assert head.witnessed == {Custodian.A: NOW + number}
        assert len(head.note.signatures) == 4
    site.close()


def test_head_is_empty_before_the_first(site: Site) -> None:
    assert site.start().head() == b""


def test_entries_take_effect_as_of_the_cosignature(site: Site) -> None:
    entry, document = register_entry(site.who)
    site.ledger.enter(entry, grant().statement(*site.who.all), documents=[document])
    site.start().add(site.ledger.body(0))
    (amendment,) = site.replica.state.grants["police-1"].amendments
    assert (amendment.index, amendment.witnessed_at) == (1, NOW)
    assert list(site.replica.state.registers.values()) == [register()]


def test_an_entry_that_counts_for_nothing_is_cosigned_all_the_same(site: Site) -> None:
    # It is in the ledger for all to see; to refuse to say so would hide it.
    site.ledger.append([b"no statement", filler_grant(site)])
    assert cosigned_at(site, site.start().add(site.ledger.body(0))) == NOW
    assert not site.replica.state.grants


def filler_grant(site: Site) -> bytes:
    """A grant that nobody but the operator signed."""
    forged = Published()
    forged.enter(grant().statement(site.who.operator))
    return forged.entries[0]


@pytest.mark.parametrize("old", [0, 3, 6])
def test_another_old_size_is_a_conflict(site: Site, old: int) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.ledger.fill(5)
    assert witness.add(site.ledger.body(old)) == Conflict(5)
    assert site.replica.size == 5


def test_an_old_size_beyond_the_checkpoint_is_refused(site: Site) -> None:
    site.ledger.fill(5)
    body = encode_add_checkpoint(6, (), site.ledger.note())
    with pytest.raises(MessageError):
        site.start().add(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"old 0\n\nno note", id="no-note"),
        pytest.param(b"old 00\n\n" + Published.of(1).note().to_bytes(), id="leading-zero"),
        pytest.param(b"old 0\nAA==\n\n" + Published.of(1).note().to_bytes(), id="short-node"),
    ],
)
def test_a_body_out_of_form_is_refused(site: Site, body: bytes) -> None:
    with pytest.raises(MessageError):
        site.start().add(body)


def test_a_checkpoint_of_another_origin_is_refused(site: Site) -> None:
    site.ledger.fill(1)
    checkpoint = site.ledger.checkpoint()
    elsewhere = LogSigner.from_seed("elsewhere.example", b"l" * 32)
    note = elsewhere.sign(Checkpoint("elsewhere.example", checkpoint.size, checkpoint.root), NOW)
    with pytest.raises(SignatureError):
        site.start().add(encode_add_checkpoint(0, (), note))


@pytest.mark.parametrize("kept", [[], [0], [1]], ids=["neither", "ed25519-only", "ml-dsa-only"])
def test_a_checkpoint_without_both_of_the_ledgers_signatures_is_refused(site: Site, kept: list[int]) -> None:
    site.ledger.fill(1)
    note = site.ledger.note()
    stranger = LogSigner.from_seed(ORIGIN, b"x" * 32).sign(site.ledger.checkpoint(), NOW).signatures
    lines = (*(note.signatures[number] for number in kept), *stranger)
    with pytest.raises(SignatureError):
        site.start().add(encode_add_checkpoint(0, (), Note(note.text, lines)))
    assert site.replica.size == 0


def test_signatures_by_strangers_are_ignored_and_not_kept(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(1)
    stranger = LogSigner.from_seed("stranger.example", b"x" * 32)
    checkpoint = site.ledger.checkpoint()
    lines = stranger.sign(Checkpoint("stranger.example", checkpoint.size, checkpoint.root), NOW).signatures
    note = site.ledger.note().with_signatures(lines)
    cosigned_at(site, witness.add(encode_add_checkpoint(0, (), note)))
    assert b"stranger" not in witness.head()


def tampered(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    return [
        (),
        proof[:-1],
        (*proof, proof[0]),
        (bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]),
        tuple(reversed(proof)),
    ]


@pytest.mark.parametrize("number", range(5), ids=["none", "shorter", "longer", "flipped-bit", "reversed"])
def test_a_continuation_that_is_not_proven_is_refused_and_alarmed(site: Site, number: int) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    before = alarms("proof")
    site.ledger.fill(6)
    wrong = tampered(site.ledger.proof(5))[number]
    with pytest.raises(ProofError):
        witness.add(encode_add_checkpoint(5, wrong, site.ledger.note()))
    assert alarms("proof") == before + 1
    assert site.replica.size == 5
    # The right proof is taken afterwards.
    cosigned_at(site, witness.add(site.ledger.body(5)))


@pytest.mark.parametrize("old", [0, 5], ids=["from-nothing", "to-itself"])
def test_a_proof_where_none_is_needed_is_refused(site: Site, old: int) -> None:
    witness = site.start()
    site.ledger.fill(5)
    if old:
        witness.add(site.ledger.body(0))
    with pytest.raises(ProofError):
        witness.add(encode_add_checkpoint(old, (b"n" * 32,), site.ledger.note()))


def test_the_same_checkpoint_is_cosigned_anew_at_the_new_time(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    first = witness.add(site.ledger.body(0))
    site.moment += 15
    assert cosigned_at(site, first) == NOW
    assert cosigned_at(site, witness.add(site.ledger.body(5, moment=NOW + 15))) == NOW + 15
    assert verify_checkpoint(witness.head(), KEYS).witnessed == {Custodian.A: NOW + 15}


def test_two_roots_of_one_size_are_a_fork_kept_as_evidence(site: Site) -> None:
    witness, fork = site.start(), Published.of(4)
    fork.fill(1, other=1000)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    before, body = alarms("fork"), encode_add_checkpoint(5, (), fork.note())
    for _ in range(2):
        with pytest.raises(ForkError):
            witness.add(body)
    assert alarms("fork") == before + 2
    # Both signed checkpoints, once: together they convince anyone.
    assert set(site.evidence()) == {parse_add_checkpoint(body).note, witness.head()}
    assert site.replica.root == site.ledger.checkpoint().root


def test_a_larger_checkpoint_of_another_history_is_not_cosigned(site: Site) -> None:
    witness, fork = site.start(), Published.of(4)
    fork.fill(8, other=1000)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    with pytest.raises(ProofError):
        witness.add(fork.body(5))
    assert site.replica.size == 5


def test_entries_that_are_not_those_of_the_checkpoint_are_a_fork(site: Site) -> None:
    # Proof and signature are right: only who reads the entries sees it.
    witness, shown = site.start(), Published.of(4)
    shown.fill(6, other=1000)
    site.ledger.fill(4)
    witness.add(site.ledger.body(0))
    site.ledger.fill(6)
    body = site.ledger.body(4)
    site.ledger.files[entries_path(0, 10)] = shown.files[entries_path(0, 10)]
    with pytest.raises(ForkError):
        witness.add(body)
    assert site.replica.size == 4


@pytest.mark.parametrize("missing", ["bundle", "document", "everything"])
def test_what_cannot_be_read_is_not_cosigned(site: Site, missing: str) -> None:
    witness = site.start()
    entry, document = register_entry(site.who)
    site.ledger.enter(entry, documents=[document])
    body, files = site.ledger.body(0), dict(site.ledger.files)
    if missing == "everything":
        site.ledger.away = True
    else:
        prefix = "tile/entries" if missing == "bundle" else "documents"
        site.ledger.files = {path: file for path, file in files.items() if not path.startswith(prefix)}
    with pytest.raises((NotFoundError, UnavailableError)):
        witness.add(body)
    assert (site.replica.size, witness.head()) == (0, b"")
    site.ledger.files, site.ledger.away = files, False
    cosigned_at(site, witness.add(body))


def test_a_smaller_checkpoint_signed_later_is_a_rollback_kept_as_evidence(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    before, body = alarms("rollback"), site.ledger.body(3, 4, NOW + 1)
    with pytest.raises(RollbackError):
        witness.add(body)
    assert alarms("rollback") == before + 1
    assert set(site.evidence()) == {parse_add_checkpoint(body).note, witness.head()}
    assert site.replica.size == 5


def test_a_smaller_checkpoint_that_only_arrives_late_is_a_conflict(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0, moment=NOW))
    before = alarms("rollback")
    assert witness.add(site.ledger.body(3, 4, NOW - 1)) == Conflict(5)
    assert witness.add(site.ledger.body(3, 4, NOW)) == Conflict(5)
    assert alarms("rollback") == before


def test_evidence_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blindplate.edge.ledger.evidence._MAX_FILES", 3)
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    for number in range(1, 8):
        with pytest.raises(RollbackError):
            witness.add(site.ledger.body(3, 4, NOW + number))
    assert len(site.evidence()) == 3


def test_evidence_that_cannot_be_kept_changes_no_answer(site: Site) -> None:
    (site.folder / "evidence").write_text("a file where the folder should be")
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    with pytest.raises(RollbackError):
        witness.add(site.ledger.body(3, 4, NOW + 1))


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


def test_a_ledger_that_drops_what_it_acknowledged_is_not_cosigned_and_the_receipt_is_evidence(
    site: Site,
) -> None:
    witness, acknowledged = site.start(), Published.of(5)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    acknowledged.fill(1, other=1000)
    receipt = acknowledged.note()
    site.replica.keep_receipt(verify_checkpoint(receipt.to_bytes(), KEYS), NOW)
    # Nothing is contradicted while the ledger has not come so far.
    cosigned_at(site, witness.add(site.ledger.body(5)))
    before = alarms("fork")
    for more in (1, 3):
        site.ledger.fill(more)
        body = site.ledger.body(5)
        # Also after a start.
        with pytest.raises(ForkError):
            site.start().add(body)
        assert {receipt.to_bytes(), parse_add_checkpoint(body).note} <= set(site.evidence())
    assert alarms("fork") == before + 2
    assert site.replica.size == 5


def test_a_ledger_that_shows_what_it_acknowledged_is_cosigned(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.ledger.fill(4)
    for size in (6, 7):
        site.replica.keep_receipt(verify_checkpoint(site.ledger.note(size).to_bytes(), KEYS), NOW)
    cosigned_at(site, witness.add(site.ledger.body(5)))
    assert site.replica.receipts == []


def test_a_ledger_that_never_comes_as_far_as_its_receipt_is_not_cosigned_for_long(site: Site) -> None:
    witness, acknowledged = site.start(), Published.of(6)
    site.ledger.fill(5)
    witness.add(site.ledger.body(0))
    site.replica.keep_receipt(verify_checkpoint(acknowledged.note().to_bytes(), KEYS), NOW)
    site.moment = NOW + SHOWN_WITHIN_SECONDS - 1
    cosigned_at(site, witness.add(site.ledger.body(5)))
    site.moment += 1
    with pytest.raises(RollbackError):
        witness.add(site.ledger.body(5))
