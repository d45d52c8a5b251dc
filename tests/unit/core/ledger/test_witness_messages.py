"""The body that asks a witness for its cosignatures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindplate.core.errors import MessageError
from blindplate.core.ledger.checkpoints import MAX_SIZE
from blindplate.core.ledger.witness_messages import (
    MAX_BODY_BYTES,
    encode_add_checkpoint,
    parse_add_checkpoint,
)
from tests.unit.core.ledger.samples import signed

NOTE = signed()
NODES = st.lists(st.binary(min_size=32, max_size=32), max_size=63)
# The example of C2SP tlog-witness, its note cut to the first signature.
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""


@given(st.integers(0, MAX_SIZE), NODES)
def test_bodies_come_back(old: int, proof: list[bytes]) -> None:
    body = parse_add_checkpoint(encode_add_checkpoint(old, proof, NOTE))
    assert body == (old, tuple(proof), NOTE.to_bytes())


def test_the_published_example_is_read() -> None:
    body = parse_add_checkpoint(EXAMPLE.encode())
    assert (body.old_size, len(body.proof), body.proof[0][:4].hex()) == (20_852_014, 4, "3e544d0a")
    assert body.note.startswith(b"example.com/behind-the-sofa\n20852163\n")


NODE = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
DEFECTS = {
    "empty": "",
    "no empty line": "old 1\n",
    "no old size": f"{NODE}\nnote",
    "another word": "new 1\n\nnote",
    "two spaces": "old  1\n\nnote",
    "leading zero": "old 01\n\nnote",
    "sign": "old +1\n\nnote",
    "size of 2**63": f"old {1 << 63}\n\nnote",
    "carriage return": "old 1\r\n\nnote",
    "letters beyond ASCII": "old 1\né\n\nnote",
    "node too short": "old 1\nAAAA\n\nnote",
    "node not base64": "old 1\n????\n\nnote",
    "node not canonical": f"old 1\n{NODE.replace('kaw=', 'kax=')}\nnote",
    "64 nodes": f"old 1\n{NODE * 64}\nnote",
    "too long": "old 1\n\n" + "n" * MAX_BODY_BYTES,
}


@pytest.mark.parametrize("text", DEFECTS.values(), ids=DEFECTS)
def test_a_body_out_of_form_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        parse_add_checkpoint(text.encode())


def test_a_proof_longer_than_any_is_not_sent() -> None:
    with pytest.raises(MessageError):
        encode_add_checkpoint(1, [bytes(32)] * 64, NOTE)
