"""What this custodian allows: grants, registers and revocations as it witnessed them, and its own suspensions.

Guarantees that nothing is allowed but by the ledger as far as this custodian has itself read and cosigned it: an
amendment in force at the moment asked for, the register it names by digest, a camera not revoked; and that a grant it
suspended is refused at once, before that is witnessed. What makes an entry count is ``core.ledger.state``'s to say.
Protocol section 7, guarantee G5.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from blindplate.core.charging import charging_day, payment_closes
from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, UnknownDomainError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import CommittedVersion, LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.statements.grant_changes import GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister
from blindplate.server.custodian import generations, suspensions, suspicion
from blindplate.server.custodian.storage import reading


@dataclass(frozen=True, slots=True)
class Permissions:
    """Everything ``custodian`` allows, as of one state of the ledger.

    ``words`` are what it said of grants itself and has not witnessed yet.
    """

    custodian: Custodian
    state: LedgerState
    words: Mapping[str, GrantSuspension]

    def history(self, grant_id: str) -> GrantHistory:
        """A grant with all that became of it. Raises GrantError when it is unknown."""
        history = self.state.grants.get(grant_id)
        if history is None:
            raise GrantError(
                "This custodian has witnessed no grant of that name.",
                "Have the grant entered in the ledger, then ask again.",
            )
        return history

    def grant(self, grant_id: str) -> Grant:
        """A grant's last amendment, in force or not, suspended or not. Raises GrantError when it is unknown."""
        return self.history(grant_id).latest

    def grant_at(self, grant_id: str, moment: float) -> Grant:
        """The amendment in force at ``moment`` (seconds since 1970, UTC). Raises GrantError when none was."""
        return self.history(grant_id).at(moment)

    def suspended(self, grant_id: str, moment: float) -> bool:
        """Whether this custodian had suspended a grant for itself at ``moment``. Raises GrantError when it is unknown.

        Its words count from when it gave them, or from when it witnessed them where its clock was ahead before.
        """
        word = self.words.get(grant_id)
        if word is not None and word.made_at <= moment:
            return word.suspended
        own = [one for one in self.history(grant_id).suspensions if one.statement.custodian is self.custodian]
        if word is not None and not word.suspended and not (own and own[-1].statement.suspended):
            # It resumes after a suspension that is not witnessed either, so that nobody can say here when that began.
            return True
        for one in reversed(own):
            if min(one.statement.made_at, one.witnessed_at) <= moment:
                return one.statement.suspended
        return False

    def require_active(self, grant: Grant) -> None:
        """Raise GrantError when this custodian's last word on ``grant`` is that it is suspended."""
        if self.suspended(grant.grant_id, math.inf):
            raise GrantError(
                f"Grant {grant.grant_id} is suspended by this custodian.",
                "The ledger gives the custodian's reason.",
            )

    def require_active_at(self, grant: Grant, captured: float) -> None:
        """Raise GrantError when this custodian had suspended ``grant`` at a capture (seconds since 1970, UTC)."""
        if self.suspended(grant.grant_id, captured):
            raise GrantError(
                f"Grant {grant.grant_id} was suspended by this custodian when the record was captured.",
                "What was captured meanwhile is not released, also once the grant is acted on again.",
            )

    def payment_closes(self, domain: Domain, captured: float) -> float | None:
        """When what was captured over ``domain`` at ``captured`` may first be opened; None without charging terms.

        The last closing under any grant then in force, whichever a request names. All in seconds since 1970 (UTC).
        """
        return max(
            (
                payment_closes(charging_day(captured), grant.charging.payment_days)
                for history in self._naming(domain)
                if (grant := _at(history, captured)) is not None
                and grant.charging is not None
                and domain in grant.domains()
            ),
            default=None,
        )

    def version_at(self, grant_id: str, captured_ms: int) -> CommittedVersion:
        """The list version in force at a capture (ms since 1970, UTC). Raises MembershipError when none was."""
        return self.state.version_at(grant_id, captured_ms)

    def register(self, grant: Grant, domain: Domain) -> ZoneRegister:
        """The camera register that ``grant`` names for the zone of ``domain``. Raises GrantError."""
        grant.require_domain(domain)
        named = next(zone.register_digest for zone in grant.zones if zone.zone == domain.zone)
        register = self.state.registers.get(named)
        if register is None or (register.zone, register.generation) != (domain.zone, domain.generation):
            raise GrantError(
                f"The register of zone {domain.zone} that grant {grant.grant_id} names is another zone's.",
                "Have the grant amended so that it names the zone's own register.",
            )
        return register

    def for_owner(self, identity: str, domain: Domain, moment: float) -> Grant:
        """The amendment that lets the owner ``identity`` (SPIFFE id) have ``domain`` evaluated at ``moment``.

        It is in force; or it is under notice still and gives a zone of the one in force another key generation
        (``generations.ahead``). Raises UnknownDomainError when no grant of the owner's ever named the domain, GrantError
        when none that is in force and not suspended does.
        """
        owned = [history for history in self._naming(domain) if history.latest.owner == identity]
        acted_on = [one for one in owned if self._acted_on(one, moment) is not None]
        return generations.ahead(acted_on, domain, moment) or self._in_force(owned, domain, moment)

    def for_camera(self, identity: str, domain: Domain, moment: float) -> RegisteredCamera:
        """The register's entry that lets the camera ``identity`` (SPIFFE id) have ``domain`` evaluated, with its quota.

        A generation that was in force until just now is evaluated for what was captured then (``generations.just_ended``).
        A suspected camera's quota is cut. Raises as ``for_owner`` does, and IdentityError when the zone's register does
        not name the camera, or when it was revoked.
        """
        naming = list(self._naming(domain))
        acted_on = [one for one in naming if self._acted_on(one, moment) is not None]
        ended = generations.just_ended(acted_on, domain, moment)
        register = self.register(ended or self._in_force(naming, domain, moment), domain)
        for camera in register.cameras:
            if camera.identity == identity:
                self.require_enrolled(camera)
                return suspicion.with_quota_cut(camera, self.state)
        raise IdentityError(
            f"The register of zone {domain.zone} does not name this camera.",
            "Have the register and the grant amended, or use a camera of the zone.",
        )

    def require_enrolled(self, camera: RegisteredCamera) -> None:
        """Raise IdentityError when the camera, or the key the register has for it, was revoked."""
        if camera.identity in self.state.revoked or camera.signing_key in self.state.revoked_keys:
            raise IdentityError(
                "This camera is revoked.", "Enrol it anew, with a new key, and have the register amended."
            )

    def require_known(self, domain: Domain) -> None:
        """Raise UnknownDomainError unless some grant names ``domain``, in force or not."""
        if not any(self._naming(domain)):
            raise UnknownDomainError(
                "No grant names that list, zone and key generation.", "Fetch the current policy."
            )

    def domains(self) -> frozenset[Domain]:
        """Every domain that any amendment of a grant names."""
        return frozenset[Domain]().union(*(history.domains() for history in self.state.grants.values()))

    def longest_window(self) -> int:
        """The longest time, in seconds, that any grant lets an unclaimed record be kept; 0 without grants."""
        return max((grant.window_seconds for grant in self._amendments()), default=0)

    def _amendments(self) -> Iterator[Grant]:
        for history in self.state.grants.values():
            yield from (amendment.grant for amendment in history.amendments)

    def _naming(self, domain: Domain) -> Iterator[GrantHistory]:
        return (history for history in self.state.grants.values() if domain in history.domains())

    def _in_force(self, histories: list[GrantHistory], domain: Domain, moment: float) -> Grant:
        if not histories:
            raise UnknownDomainError(
                "No grant gives this caller that list, zone and key generation.",
                "Use the lists, zones and generations that the grant in force names.",
            )
        live = [grant for history in histories if (grant := self._acted_on(history, moment)) is not None]
        naming = [grant for grant in live if domain in grant.domains()]
        if not naming:
            raise GrantError(
                "No grant over that list, zone and key generation is in force now.",
                "Ask for a grant that covers the time, or see in the ledger whether one was suspended or ended.",
            )
        return max(naming, key=lambda grant: grant.not_before)

    def _acted_on(self, history: GrantHistory, moment: float) -> Grant | None:
        # What the other custodian suspended for itself is for that one to refuse. The last word counts, since a
        # suspension may have been witnessed by a clock that is a little ahead of this moment.
        if self.suspended(history.grant_id, math.inf):
            return None
        return _at(history, moment)


def _at(history: GrantHistory, moment: float) -> Grant | None:
    try:
        return history.at(moment)
    except GrantError:
        return None


class Witnessed(Protocol):
    """What permissions need of this custodian's copy of the ledger."""

    @property
    def size(self) -> int:
        """How many entries it has read and cosigned."""
        ...

    @property
    def state(self) -> LedgerState:
        """What they come to."""
        ...


def current_permissions(
    custodian: Custodian, public: bytes, replica: Witnessed, engine: Engine
) -> Permissions:
    """What ``custodian`` allows now; by ``public``, its own Ed25519 key, its words are known.

    Raises StorageError when they cannot be read.
    """
    # The size before the state: a word is left out only once the state is sure to hold it.
    size = replica.size
    with reading(engine) as connection:
        words = suspensions.unwitnessed(connection, public, size)
    return Permissions(custodian, replica.state, words)
