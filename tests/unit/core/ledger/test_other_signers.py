"""Another implementation's keys, checkpoints and cosignatures verify here, and ours there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidSignature
from tlog_scales import signing as theirs
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from blindplate.core.errors import SignatureError
from blindplate.core.ledger.checkpoints import LedgerKeys, verify_checkpoint
from blindplate.core.ledger.notes import VerifierKey
from blindplate.core.parties import Custodian
from tests.unit.core.ledger.samples import CHECKPOINT, KEYS, NOW, ORIGIN, WITNESSES, signed

ALL_KEYS = [*KEYS.log, *(key for pair in KEYS.witnesses.values() for key in pair)]


def text_of(key: theirs.Vkey) -> str:
    return str(key.serialize())  # type: ignore[no-untyped-call]  # theirs


@pytest.mark.parametrize("key", ALL_KEYS, ids=lambda key: f"{key.name} {key.kind.name}")
def test_our_keys_are_read_there(key: VerifierKey) -> None:
    read = theirs.Vkey.from_string(key.to_text())
    assert (read.name, read.sig_type, read.pubkey) == (key.name, key.kind, key.public)
    assert read.key_id == int.from_bytes(key.key_id, "big")
    # It works the identifier out of the rest when none is given.
    assert text_of(theirs.Vkey(read.name, None, read.sig_type, read.pubkey)) == key.to_text()


@pytest.mark.parametrize("which", range(6))
def test_our_signatures_verify_there(which: int) -> None:
    note = signed(a=NOW, b=NOW + 1)
    read = TheirCheckpoint.from_text(note.to_bytes().decode())
    assert (read.origin, read.size, read.root_hash) == (ORIGIN, CHECKPOINT.size, CHECKPOINT.root)
    assert read.serialize().encode() == note.to_bytes()
    read.verify(theirs.Vkey.from_string(ALL_KEYS[which].to_text()))
    other = TheirCheckpoint(ORIGIN, CHECKPOINT.size, b"s" * 32, read.signatures)
    with pytest.raises(InvalidSignature):
        other.verify(theirs.Vkey.from_string(ALL_KEYS[which].to_text()))


def test_their_checkpoint_with_our_cosignatures_verifies_here() -> None:
    signers: list[theirs.CheckpointSigner] = [
        theirs.PlainEd25519Signer(ORIGIN, b"x" * 32),
        theirs.MLDSA44CosignatureSigner(ORIGIN, b"y" * 32),
    ]
    made = TheirCheckpoint.make_signed(ORIGIN, CHECKPOINT.size, CHECKPOINT.root, signers)
    text = made.serialize()
    for witness in WITNESSES.values():
        text += "".join(one.to_line() for one in witness.cosign(CHECKPOINT, NOW))
    first, second = (VerifierKey.from_text(text_of(signer.vkey)) for signer in signers)
    keys = LedgerKeys(ORIGIN, (first, second), KEYS.witnesses)
    verified = verify_checkpoint(text.encode(), keys)
    assert verified.checkpoint == CHECKPOINT
    assert verified.witnessed == dict.fromkeys(Custodian, NOW)
    with pytest.raises(SignatureError):
        verify_checkpoint(text.encode(), replace(keys, log=(replace(first, public=b"z" * 32), second)))
