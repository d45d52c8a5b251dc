"""Revoking a camera: by its name alone, with the key that the ledger has for it."""

from __future__ import annotations

import pytest

from blindplate.client.grants.camera import revocation
from blindplate.core.errors import NotFoundError, SignatureError
from blindplate.edge.tls import spiffe_id
from tests.unit.client.grants.papers import Papers


def test_a_revoked_camera_is_the_one_its_zones_newest_register_names() -> None:
    papers = Papers()
    papers.enter_register("inner", 2)
    revoked = revocation("inner", "camera-1", "Stolen.", papers.operator, papers.state, 50.0)
    papers.enter(revoked, witnessed_at=60)
    assert papers.state.revoked == {spiffe_id("camera", "camera-1"): 60}
    assert set(papers.state.revoked_keys) == {bytes([2]) * 32}


@pytest.mark.parametrize(("zone", "camera"), [("inner", "camera-2"), ("outer", "camera-1")])
def test_a_camera_or_zone_that_no_register_names_is_not_revoked(zone: str, camera: str) -> None:
    papers = Papers()
    with pytest.raises(NotFoundError):
        revocation(zone, camera, "Stolen.", papers.operator, papers.state, 50.0)


def test_another_partys_word_revokes_nothing() -> None:
    papers = Papers()
    forged = revocation("inner", "camera-1", "Stolen.", papers.owner, papers.state, 50.0)
    with pytest.raises(SignatureError):
        papers.enter(forged)
    assert not papers.state.revoked
