"""G5: what makes a grant is the signatures of operator and both custodians, not its place in the ledger.

The ledger is the operator's: it enters what its own rules refuse, and both custodians witness that it is there.
"""

from __future__ import annotations

import pytest

from blindplate.client.auditor.findings import Kind
from blindplate.core.domains import Domain
from blindplate.core.errors import SignatureError, UnknownDomainError
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import Blinding
from tests.adversary.auditing import found
from tests.adversary.defences import let_pass
from tests.adversary.evaluating import evaluated, key_of
from tests.adversary.permissions import grant_one_custodian_did_not_sign
from tests.adversary.reading import grant_of
from tests.integration.owner.world import World

RALLY = Domain("rally", "inner", 1)


def test_a_grant_that_one_custodian_did_not_sign_counts_nowhere_but_where_signatures_do_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    blinding, owner = Blinding.blind([b"a plate"]), world.tls("owner-police")
    grant = grant_of(world, "police").model_copy(update={"grant_id": "rally-1", "list_id": "rally"})
    with pytest.raises(SignatureError):
        world.enter(grant.statement(*(world.signing_key(party) for party in ("operator", "custodian-a"))))
    with grant_one_custodian_did_not_sign(world):
        for custodian in Custodian:
            with pytest.raises(UnknownDomainError):
                evaluated(world, custodian, owner, RALLY, blinding)
    # Everyone can see that it was entered, and that it counts for nothing.
    assert len(found(world, Kind.ENTRY_REFUSED)) == 1
    # The defence removed from both custodians.
    monkeypatch.setattr("blindplate.core.ledger.state.require_signed", let_pass)
    with grant_one_custodian_did_not_sign(world, "rally-2"):
        for custodian in Custodian:
            answer = evaluated(world, custodian, owner, RALLY, blinding)
            blinding.finalize(answer.evaluated, answer.proof, key_of(world, custodian, RALLY).public)
