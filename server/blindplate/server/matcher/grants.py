"""Which grants the matcher acts under, and which cameras their registers name.

Guarantees that a grant counts only with the signatures of the operator and both custodians, a register only with
the operator's and where a grant names its digest; that two files which name one grant cancel each other; and that
a bad file is reported and passed over while the others stand. Protocol section 7, guarantee G5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from blindplate.core.domains import Domain
from blindplate.core.errors import (
    GrantError,
    IdentityError,
    SettingsError,
    StorageError,
    UnknownDomainError,
)
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister, register_digest
from blindplate.edge.logs import log
from blindplate.edge.settings import TrustedKeys
from blindplate.server.signed_folder import Contents, SignedFolder


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything granted at one moment: grants by name, registers by digest."""

    grants: Mapping[str, Grant] = field(default_factory=dict[str, Grant])
    registers: Mapping[bytes, ZoneRegister] = field(default_factory=dict[bytes, ZoneRegister])

    def named(self, grant_id: str) -> Grant:
        """A grant by its name, in force or not. Raises GrantError."""
        grant = self.grants.get(grant_id)
        if grant is None:
            raise GrantError(
                "The matcher knows no grant of that name.", "Use a grant signed by operator and custodians."
            )
        return grant

    def at_capture(self, domain: Domain, moment: float) -> Grant:
        """The grant that covers ``domain`` at ``moment`` (seconds since 1970, UTC); of several the one begun last.

        Raises UnknownDomainError when no grant names the domain, GrantError when none was in force then.
        """
        naming = [grant for grant in self.grants.values() if domain in grant.domains()]
        if not naming:
            raise UnknownDomainError(
                "No grant names that list, zone and key generation.", "Install the zone's current policy."
            )
        live = [grant for grant in naming if grant.not_before <= moment < grant.not_after]
        if not live:
            raise GrantError(
                "No grant over that list, zone and key generation was in force at the capture.",
                "Install the zone's current policy and check the camera's clock.",
            )
        return max(live, key=lambda grant: grant.not_before)

    def camera(self, grant: Grant, domain: Domain, identity: str) -> RegisteredCamera:
        """The camera with this SPIFFE id in the register that ``grant`` names for the zone of ``domain``.

        Raises GrantError when that register is not here, IdentityError when it does not name the camera.
        """
        zone = next(zone for zone in grant.zones if zone.zone == domain.zone)
        register = self.registers.get(zone.register_digest)
        if register is None or (register.zone, register.generation) != (zone.zone, zone.generation):
            raise GrantError(
                f"The camera register that grant {grant.grant_id} names for zone {zone.zone} is not here.",
                "Put the register's signed file into the matcher's registers folder.",
            )
        for camera in register.cameras:
            if camera.identity == identity:
                return camera
        raise IdentityError(
            f"The register of zone {zone.zone} does not name this camera.",
            "Have the register and the grant amended, or correct the camera's zone.",
        )

    def owned(self, list_id: str, identity: str, moment: float) -> frozenset[str]:
        """The names of the grants of the owner ``identity`` (SPIFFE id) over a list: those that have ended, too.

        An owner whose grant was renewed still settles what was answered under the one before. Raises GrantError when
        none of them is in force at ``moment``.
        """
        owned = [
            grant for grant in self.grants.values() if (grant.list_id, grant.owner) == (list_id, identity)
        ]
        if not any(grant.not_before <= moment < grant.not_after for grant in owned):
            raise GrantError(
                "No grant in force gives this owner that list.",
                "Use a list named by a grant of yours, and ask for one that covers the time.",
            )
        return frozenset(grant.grant_id for grant in owned)

    def longest_hold(self) -> int:
        """Seconds that a record may be held after its capture at most: window and granularity of the time."""
        return max(
            (grant.window_seconds + grant.disclosure.time_granularity_seconds for grant in self._all()),
            default=0,
        )

    def in_force(self, moment: float) -> tuple[Grant, ...]:
        """The grants in force at ``moment``."""
        return tuple(grant for grant in self._all() if grant.not_before <= moment < grant.not_after)

    def _all(self) -> tuple[Grant, ...]:
        return tuple(self.grants.values())


class GrantFolders:
    """The folders of grants and registers; ``refresh`` reads what changed, ``current`` gives what was read last."""

    def __init__(self, grants: Path, registers: Path, trust: TrustedKeys) -> None:
        """Read both. Raises SettingsError when a folder cannot be read."""
        everyone = (trust.operator, trust.custodian_a, trust.custodian_b)
        self._grants = SignedFolder(grants, Grant, everyone)
        self._registers = SignedFolder(registers, ZoneRegister, (trust.operator,))
        self._seen: tuple[Contents[Grant], Contents[ZoneRegister]] | None = None
        self._current = Grants()
        self._load()

    @property
    def current(self) -> Grants:
        """What was granted when ``refresh`` last looked."""
        return self._current

    def refresh(self) -> None:
        """Look again. A folder that cannot be read is reported, and what was read before stays in force."""
        try:
            self._load()
        except SettingsError as error:
            log().error("grants-unreadable", error=error)

    def _load(self) -> None:
        try:
            seen = (self._grants.current(), self._registers.current())
        except StorageError:
            raise SettingsError(
                "The matcher's folder of grants or of registers cannot be read.",
                "Check both paths in the matcher's settings, and their permissions.",
            ) from None
        if self._seen is not None and self._seen[0] is seen[0] and self._seen[1] is seen[1]:
            return
        self._seen = seen
        self._current = _joined(*seen)
        for problem in (*seen[0].problems, *seen[1].problems):
            log().error("statement-skipped", file=problem.file, error=problem.error)
        log().info("grants-read", grants=len(self._current.grants), registers=len(self._current.registers))


def _joined(grants: Contents[Grant], registers: Contents[ZoneRegister]) -> Grants:
    files = Counter(loaded.model.grant_id for loaded in grants.statements)
    for grant_id in sorted(name for name, number in files.items() if number > 1):
        log().error("grant-named-twice", grant=grant_id)
    return Grants(
        grants={
            loaded.model.grant_id: loaded.model
            for loaded in grants.statements
            if files[loaded.model.grant_id] == 1
        },
        registers={register_digest(loaded.payload): loaded.model for loaded in registers.statements},
    )
