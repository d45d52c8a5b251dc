"""Zone registers: every camera is one of its own."""

from __future__ import annotations

import pytest

from blindplate.core.errors import MessageError
from blindplate.core.signing import SigningKey
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister

ONE = RegisteredCamera(
    camera_id="one",
    identity="spiffe://blindplate/camera/one",
    signing_key=SigningKey.generate().public,
    latitude=51.5,
    longitude=-0.1,
)
OTHER = ONE.model_copy(
    update={
        "camera_id": "other",
        "identity": "spiffe://blindplate/camera/other",
        "signing_key": SigningKey.generate().public,
    }
)


def payload(*cameras: RegisteredCamera) -> bytes:
    register = ZoneRegister.model_construct(zone="inner", generation=1, cameras=cameras)
    return register.model_dump_json().encode()


def test_two_different_cameras_are_a_register() -> None:
    assert ZoneRegister.parsed(payload(ONE, OTHER)).cameras == (ONE, OTHER)


@pytest.mark.parametrize("shared", ["camera_id", "identity", "signing_key"])
def test_two_cameras_that_share_a_name_an_identity_or_a_key_are_refused(shared: str) -> None:
    double = OTHER.model_copy(update={shared: getattr(ONE, shared)})
    with pytest.raises(MessageError):
        ZoneRegister.parsed(payload(ONE, double))
