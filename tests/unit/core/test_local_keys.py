"""A domain's secret reaches the camera it is sealed to, for its custodian and domain, and nobody else."""

from __future__ import annotations

import pytest

from blindplate.core.domains import Domain
from blindplate.core.errors import EnvelopeError
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.local_keys import open_local_key, seal_local_key
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey

DOMAIN = Domain("police", "inner", 1)
KEY = DomainKey.derive(b"s" * 32, DOMAIN)
CAMERA = OpeningKey.from_seed(generate_seed())
SEALED = seal_local_key(KEY, Custodian.A, CAMERA.sealing_key())


def test_the_camera_gets_the_same_key() -> None:
    assert open_local_key(SEALED, Custodian.A, DOMAIN, CAMERA).evaluate(b"plate") == KEY.evaluate(b"plate")


@pytest.mark.parametrize(
    ("custodian", "domain", "camera"),
    [
        (Custodian.B, DOMAIN, CAMERA),
        (Custodian.A, Domain("police", "outer", 1), CAMERA),
        (Custodian.A, Domain("police", "inner", 2), CAMERA),
        (Custodian.A, DOMAIN, OpeningKey.from_seed(generate_seed())),
    ],
    ids=["other custodian", "other zone", "other generation", "other camera"],
)
def test_it_opens_for_nothing_and_nobody_else(
    custodian: Custodian, domain: Domain, camera: OpeningKey
) -> None:
    with pytest.raises(EnvelopeError):
        open_local_key(SEALED, custodian, domain, camera)
