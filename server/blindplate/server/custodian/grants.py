"""What this custodian allows: grants in force, the camera registers they name, and its own suspensions.

Guarantees that a grant counts only with the signatures of the operator and both custodians, and a register only
with the operator's and when the grant names its digest; that a grant named by two files counts for neither; and
that a suspended grant is refused here at once. To suspend one, put a file of the grant's name into the folder of
suspensions; to resume it, take the file away. Which of two amendments is the newer is for the ledger to say.
Protocol section 7, guarantee G5.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, StorageError, UnknownDomainError
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister, register_digest
from blindplate.edge.settings import TrustedKeys
from blindplate.server.signed_folder import Contents, Problem, SignedFolder


@dataclass(frozen=True, slots=True)
class Permissions:
    """Everything allowed at one moment.

    ``registers`` go by their digest. ``suspended`` names grants that this custodian will not act on.
    """

    grants: Mapping[str, Grant]
    registers: Mapping[bytes, ZoneRegister]
    suspended: frozenset[str]
    problems: tuple[Problem, ...]

    def grant(self, grant_id: str) -> Grant:
        """A grant by its name, in force or not, suspended or not. Raises GrantError when it is unknown."""
        grant = self.grants.get(grant_id)
        if grant is None:
            raise GrantError(
                "This custodian knows no grant of that name.", "Use a grant both custodians signed."
            )
        return grant

    def require_active(self, grant: Grant) -> None:
        """Raise GrantError when this custodian has suspended ``grant`` for itself."""
        if grant.grant_id in self.suspended:
            raise GrantError(
                f"Grant {grant.grant_id} is suspended by this custodian.", "Ask the custodian for the reason."
            )

    def register(self, grant: Grant, domain: Domain) -> ZoneRegister:
        """The camera register that ``grant`` names for the zone of ``domain``. Raises GrantError."""
        grant.require_domain(domain)
        named = next(zone.register_digest for zone in grant.zones if zone.zone == domain.zone)
        register = self.registers.get(named)
        if register is None or (register.zone, register.generation) != (domain.zone, domain.generation):
            raise GrantError(
                f"The register of zone {domain.zone} that grant {grant.grant_id} names is not here.",
                "Put the register's signed file into the registers folder.",
            )
        return register

    def for_owner(self, identity: str, domain: Domain, moment: float) -> Grant:
        """The grant in force that lets the owner ``identity`` (SPIFFE id) have ``domain`` evaluated.

        Raises UnknownDomainError when no grant names the domain, GrantError when none of them is the owner's,
        in force and not suspended.
        """
        return self._in_force([grant for grant in self._naming(domain) if grant.owner == identity], moment)

    def for_camera(self, identity: str, domain: Domain, moment: float) -> RegisteredCamera:
        """The register's entry that lets the camera ``identity`` (SPIFFE id) have ``domain`` evaluated.

        Raises as ``for_owner`` does, and IdentityError when the zone's register does not name the camera.
        """
        register = self.register(self._in_force(list(self._naming(domain)), moment), domain)
        for camera in register.cameras:
            if camera.identity == identity:
                return camera
        raise IdentityError(
            f"The register of zone {domain.zone} does not name this camera.",
            "Have the register and the grant amended, or use a camera of the zone.",
        )

    def require_known(self, domain: Domain) -> None:
        """Raise UnknownDomainError unless some grant names ``domain``."""
        if not any(self._naming(domain)):
            raise UnknownDomainError(
                "No grant names that list, zone and key generation.", "Fetch the current policy."
            )

    def longest_window(self) -> int:
        """The longest time, in seconds, that any grant lets an unclaimed record be kept; 0 without grants."""
        return max((grant.window_seconds for grant in self.grants.values()), default=0)

    def _naming(self, domain: Domain) -> Iterator[Grant]:
        return (grant for grant in self.grants.values() if domain in grant.domains())

    def _in_force(self, grants: list[Grant], moment: float) -> Grant:
        if not grants:
            raise UnknownDomainError(
                "No grant gives this caller that list, zone and key generation.",
                "Use the lists, zones and generations that the grant in force names.",
            )
        live = [
            grant
            for grant in grants
            if grant.not_before <= moment < grant.not_after and grant.grant_id not in self.suspended
        ]
        if not live:
            raise GrantError(
                "No grant over that list, zone and key generation is in force now.",
                "Ask for a grant that covers the time, or ask the custodian whether it suspended one.",
            )
        return max(live, key=lambda grant: grant.not_before)


class PermissionFolders:
    """The folders of grants, registers and suspensions, read again when they change."""

    def __init__(self, grants: Path, registers: Path, suspensions: Path, trust: TrustedKeys) -> None:
        everyone = (trust.operator, trust.custodian_a, trust.custodian_b)
        self._grants = SignedFolder(grants, Grant, everyone)
        self._registers = SignedFolder(registers, ZoneRegister, (trust.operator,))
        self._suspensions = suspensions
        self._lock = threading.Lock()
        self._seen: tuple[Contents[Grant], Contents[ZoneRegister], frozenset[str]] | None = None
        self._permissions = Permissions({}, {}, frozenset(), ())

    def current(self) -> Permissions:
        """What is allowed now. Raises StorageError when a folder cannot be read."""
        grants, registers = self._grants.current(), self._registers.current()
        suspended = _names(self._suspensions)
        with self._lock:
            seen = self._seen
            # By identity: a folder hands out the same object until a file in it changes.
            if seen is None or seen[0] is not grants or seen[1] is not registers or seen[2] != suspended:
                self._permissions = _joined(grants, registers, suspended)
                self._seen = (grants, registers, suspended)
            return self._permissions


def _joined(
    grants: Contents[Grant], registers: Contents[ZoneRegister], suspended: frozenset[str]
) -> Permissions:
    files = Counter(loaded.model.grant_id for loaded in grants.statements)
    twice = tuple(
        Problem(
            loaded.file,
            GrantError(
                f"More than one file holds grant {loaded.model.grant_id}.", "Leave only the one in force."
            ),
        )
        for loaded in grants.statements
        if files[loaded.model.grant_id] > 1
    )
    return Permissions(
        grants={
            loaded.model.grant_id: loaded.model
            for loaded in grants.statements
            if files[loaded.model.grant_id] == 1
        },
        registers={register_digest(loaded.payload): loaded.model for loaded in registers.statements},
        suspended=suspended,
        problems=(*grants.problems, *twice, *registers.problems),
    )


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise StorageError(
            f"The custodian's folder {folder.name} cannot be read: {error.strerror}.",
            "Check its permissions.",
        ) from None
