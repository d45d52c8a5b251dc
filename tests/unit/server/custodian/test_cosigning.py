"""Cosigning: the forms and rules of tlog-witness, kept by a custodian that reads what it signs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import (
    MessageError,
    SignatureError,
)
from blindplate.core.ledger.checkpoints import Checkpoint, LogSigner, verify_checkpoint
from blindplate.core.ledger.notes import Note
from blindplate.core.ledger.witness_messages import encode_add_checkpoint
from blindplate.core.parties import Custodian
from blindplate.server.custodian.cosigning import Conflict

from .published import KEYS, NOW, ORIGIN, Published
from .statements import grant, register, register_entry
from .witnessing import Site, cosigned_at


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


def test_the_same_checkpoint_is_cosigned_anew_at_the_new_time(site: Site) -> None:
    witness = site.start()
    site.ledger.fill(5)
    first = witness.add(site.ledger.body(0))
    site.moment += 15
    assert cosigned_at(site, first) == NOW
    assert cosigned_at(site, witness.add(site.ledger.body(5, moment=NOW + 15))) == NOW + 15
    assert verify_checkpoint(witness.head(), KEYS).witnessed == {Custodian.A: NOW + 15}
