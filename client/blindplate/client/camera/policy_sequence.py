"""Zone policies that follow each other: which one a read is sealed under, by when it was captured.

A policy that begins later is installed ahead, beside the present one: with it a key generation changes at one moment for
every camera, and no read is sealed under a generation that was not in force at its capture. Protocol section 3;
docs/spec/camera.md section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from blindplate.core.statements.policies import ZonePolicy

# How long after a policy was followed by another reads captured under it are still sealed: as long as custodians
# evaluate for it.
GRACE_SECONDS: Final = 600.0
_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class PolicySequence:
    """Policies of one zone, by serial; at least one."""

    policies: tuple[ZonePolicy, ...]

    def with_policies(self, taken: Iterable[ZonePolicy]) -> PolicySequence:
        """With these besides, or in place of those of the same serial; of many the last few."""
        by_serial = {policy.serial: policy for policy in (*self.policies, *taken)}
        return PolicySequence(tuple(by_serial[serial] for serial in sorted(by_serial)[-_KEPT:]))

    def at(self, moment: float) -> ZonePolicy:
        """The newest that has begun at ``moment`` (seconds since 1970, UTC), in force still or not; else the first."""
        begun = [policy for policy in self.policies if policy.not_before <= moment]
        return begun[-1] if begun else self.policies[0]

    def held(self, moment: float) -> tuple[ZonePolicy, ...]:
        """The one of ``moment``, and those that it took the place of less than ``GRACE_SECONDS`` before."""
        present = self.at(moment)
        if moment - present.not_before >= GRACE_SECONDS:
            return (present,)
        before = self.at(present.not_before - 1)
        return (present,) if before.serial >= present.serial else (present, before)

    def is_over(self, policy: ZonePolicy, moment: float) -> bool:
        """Whether nothing can be sealed under ``policy`` any more: another took its place so long ago."""
        return all(one.serial != policy.serial for one in self.held(moment))
