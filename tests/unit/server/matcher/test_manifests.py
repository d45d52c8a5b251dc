"""Manifests of epochs that were over when the amendment in force began: their reads may still come."""

from __future__ import annotations

import pytest

from blindplate.core.errors import GrantError
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest
from blindplate.psi.layout import plan
from blindplate.psi.parameters import load_set
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.manifests import judge
from tests.unit.core.ledger.entering import DAY, GRANT, MADE, OWNER, OWNER_ID, changed, entry_of, granted

BEGINS = MADE + DAY
CHANGE = BEGINS + 10 * 3600
NOW = CHANGE + 600.0


def manifest_of(moment: float) -> Manifest:
    parameters = load_set("prompt")
    layout = plan(5, parameters)
    epoch = GRANT.epoch.rule().at(moment)
    return Manifest(
        grant_id=GRANT.grant_id,
        list_id=GRANT.list_id,
        list_version=1,
        epoch=EpochPart.of(epoch),
        number=0,
        parameter_set=parameters.name,
        parameter_digest=parameters.digest,
        bins=layout.bins,
        degree=layout.degree,
        salt=bytes(16),
        ciphertexts=layout.blobs,
        blobs_sha256=bytes(32),
        matches_from=int(epoch.start()),
        made_at=int(NOW),
    )


@pytest.fixture
def grants() -> Grants:
    state = granted()
    # Capacity for the smallest layout.
    amended = changed(GRANT, amendment=1, not_before=CHANGE, capacity=100_000)
    assert state.apply(10, entry_of(amended), MADE + 3600).error is None
    return Grants.of(state)


def test_an_owner_that_was_away_brings_lists_for_the_epochs_of_the_amendment_before(grants: Grants) -> None:
    statement = manifest_of(CHANGE - 2 * 3600).statement(OWNER)
    assert judge(statement, OWNER_ID, grants, 1 << 30, NOW).grant.amendment == 1


def test_an_epoch_before_any_amendment_is_none_of_the_grants(grants: Grants) -> None:
    statement = manifest_of(BEGINS - 2 * 3600).statement(OWNER)
    with pytest.raises(GrantError, match="outside"):
        judge(statement, OWNER_ID, grants, 1 << 30, NOW)
