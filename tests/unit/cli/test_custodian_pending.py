"""``custodian pending``: what an officer reads before a word is signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blindplate.cli.commands.custodian import _printable, _shown
from blindplate.client.officer import Waiting
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.releases import ReleaseRequest

REQUEST = ReleaseRequest(
    grant_id="police-1",
    requester="spiffe://blindplate/owner/owner-police",
    record=b"",
    ciphertext_digest=bytes(32),
    match_proof=bytes(32),
    purpose=Purpose.MURDER,
    lawful_basis="the law",
    case_reference="case 1",
    case_salt=bytes(16),
    candidates_digest=bytes(32),
    reply_key=bytes(1216),
    nonce=bytes(16),
    made_at=1_790_253_000,
    expires_at=1_790_256_600,
)
WAITING = Waiting(b"r" * 32, REQUEST, alternate=False, officers_needed=1, approved_by=())


def shown(**changed: object) -> str:
    return "\n".join(_shown(replace(WAITING, request=REQUEST.model_copy(update=changed))))


def test_an_ordinary_request() -> None:
    assert _shown(WAITING) == [
        (b"r" * 32).hex(),
        "  murder, under grant police-1, until 2026-09-24 13:30 UTC",
        "  needs one officer; approved by nobody yet",
        "  by: spiffe://blindplate/owner/owner-police",
        "  case: case 1",
        "  lawful basis: the law",
    ]


def test_what_binds_an_officer_comes_before_what_the_owner_wrote() -> None:
    waiting = replace(WAITING, alternate=True, officers_needed=2, approved_by=("officer-a-1",))
    lines = _shown(replace(waiting, request=REQUEST.model_copy(update={"emergency": True})))
    assert lines[2] == "  needs two officers (four eyes); approved by officer-a-1"
    assert [line.split(":")[0].strip() for line in lines[3:5]] == ["ALTERNATE READING", "EMERGENCY"]
    assert lines[5].startswith("  by: ")


@pytest.mark.parametrize("field", ["case_reference", "lawful_basis", "requester"])
def test_text_that_would_paint_over_the_line_above_does_not(field: str) -> None:
    painted = shown(**{field: "x\r\x1b[2A\x1b[2Kharmless\n  needs no officer\u202e"})
    assert len(painted.splitlines()) == 6
    assert not {"\x1b", "\r", "\u202e"} & set(painted)


def test_any_other_text_is_shown_as_it_is() -> None:
    assert _printable("Ärger [bold] 1/2") == "Ärger [bold] 1/2"
