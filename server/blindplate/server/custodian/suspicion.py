"""A camera under suspicion: its records count, and it is allowed a quarter of what it may have evaluated.

Its reads are matched, since a camera that is only broken would otherwise let vehicles pass unseen; none is released
without an officer (``decision``, rule 1); what a thief could try with it until it is revoked is cut. Protocol sections 3
and 7; docs/spec/camera.md section 10.
"""

from __future__ import annotations

from typing import Final

from blindplate.core.errors import IdentityError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.statements.policies import RegisteredCamera

QUOTA_DIVISOR: Final = 4


def with_quota_cut(camera: RegisteredCamera, state: LedgerState) -> RegisteredCamera:
    """The camera, with the hourly quota it has under ``state``."""
    if camera.identity not in state.suspected:
        return camera
    return camera.model_copy(update={"evaluations_per_hour": camera.evaluations_per_hour // QUOTA_DIVISOR})


def require_unsuspected(camera: RegisteredCamera, state: LedgerState) -> None:
    """Raise IdentityError for a suspected camera: keys once handed out cannot be taken back."""
    if camera.identity in state.suspected:
        raise IdentityError(
            "This camera is under suspicion and is handed no keys.",
            "Have the suspicion settled: enrol the camera again, or revoke it.",
        )
