"""What stands in the place of a check where a test takes it away."""

from __future__ import annotations

from collections.abc import Sequence

from blindplate.core.ledger.versions import CommittedVersion

VERSION_IN_FORCE = "blindplate.core.ledger.state.version_in_force"


def let_pass(*_arguments: object) -> None:
    """Finds nothing wrong."""


def newest(versions: Sequence[CommittedVersion], _captured_ms: int) -> CommittedVersion:
    """The newest list version, whenever it was witnessed."""
    return versions[-1]


def one_before(versions: Sequence[CommittedVersion], _captured_ms: int) -> CommittedVersion:
    """The list version before the newest."""
    return versions[-2]
