"""What the matcher may do under the grants of the ledger, as they stood when it was last read.

Guarantees that a read is judged by the amendment in force at its capture, that nothing is matched, uploaded or handed
out under a grant that is ended, expired or suspended by either custodian, and that a revoked camera counts for nothing.
That entries bear the signatures their kinds demand is ``core.ledger.state``'s to guarantee, that they are in a ledger
which both custodians witness ``edge.ledger``'s. Protocol section 7, guarantee G5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from blindplate.core.charging import charging_day, payment_closes
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import GrantError, IdentityError, UnknownDomainError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import LedgerState
from blindplate.core.ledger.versions import CommittedVersion
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import RegisteredCamera, ZoneRegister

# Captures are told to the millisecond.
_LEAST_SECONDS: Final = 0.001


@dataclass(frozen=True)  # without slots: maps are made once an instance
class Grants:
    """Everything granted: histories by grant, registers by digest, list versions by grant, revoked cameras."""

    histories: Mapping[str, GrantHistory] = field(default_factory=dict[str, GrantHistory])
    registers: Mapping[bytes, ZoneRegister] = field(default_factory=dict[bytes, ZoneRegister])
    versions: Mapping[str, tuple[CommittedVersion, ...]] = field(
        default_factory=dict[str, tuple[CommittedVersion, ...]]
    )
    revoked: Collection[str] = frozenset()
    revoked_keys: Collection[bytes] = frozenset()

    @classmethod
    def of(cls, state: LedgerState) -> Grants:
        """What ``state``, which nobody changes any more, says."""
        return cls(state.grants, state.registers, state.list_versions, state.revoked, state.revoked_keys)

    def acting(self, grant_id: str, now: float, moment: float) -> Grant:
        """The amendment of a grant in force at ``now`` that is in force at ``moment``, now or later.

        Both are seconds since 1970 (UTC). Raises GrantError when there is none, or a custodian suspended the grant.
        """
        history = self.history(grant_id)
        history.at(now)
        for custodian in Custodian:
            if history.suspended(custodian, now):
                raise GrantError(
                    f"Custodian {custodian.upper()} has suspended grant {grant_id}.",
                    "Ask that custodian; the reason is in the ledger.",
                )
        return history.at(moment)

    def history(self, grant_id: str) -> GrantHistory:
        """A grant by its name, in force or not. Raises GrantError."""
        history = self.histories.get(grant_id)
        if history is None:
            raise GrantError(
                "The ledger, as far as the matcher has read it, has no grant of that name.",
                "Use a grant that both custodians have witnessed.",
            )
        return history

    def at_capture(self, domain: Domain, earliest: float, latest: float, now: float) -> Grant:
        """The amendment that covers ``domain`` at a capture from ``earliest`` on and before ``latest``.

        Of several the one begun last; all in seconds since 1970 (UTC). Raises UnknownDomainError when no grant names
        the domain, GrantError when none was in force then, or it was ended by ``now``.
        """
        naming = self._by_domain.get(domain, ())
        if not naming:
            raise UnknownDomainError(
                "No grant names that list, zone and key generation.", "Install the zone's current policy."
            )
        live = [
            (history.amendments[grant.amendment].begins, grant)
            for history in naming
            if history.ended_at is None or history.ended_at > now
            for grant in _during(history, earliest, latest)
            if domain in grant.domains()
        ]
        if not live:
            raise GrantError(
                "No grant over that list, zone and key generation was in force at the capture, or it was ended.",
                "Install the zone's current policy and check the camera's clock.",
            )
        return max(live, key=lambda begun: begun[0])[1]

    def opens(self, domain: Domain, earliest: float, latest: float) -> float | None:
        """When what was captured over ``domain`` from ``earliest`` on and before ``latest`` may first be opened.

        None when no amendment that may have been in force at the capture has charging terms; else the last closing of
        payment under any of them, ended or not. All in seconds since 1970 (UTC).
        """
        day = charging_day(latest - _LEAST_SECONDS)
        return max(
            (
                payment_closes(day, grant.charging.payment_days)
                for history in self._by_domain.get(domain, ())
                for grant in _during(history, earliest, latest)
                if grant.charging is not None and domain in grant.domains()
            ),
            default=None,
        )

    def during(self, grant_id: str, epoch: Epoch) -> tuple[Grant, ...]:
        """The amendments of a grant that are in force at some moment of ``epoch``. Raises GrantError."""
        return tuple(_during(self.history(grant_id), epoch.start(), epoch.end()))

    def camera(self, grant: Grant, domain: Domain, identity: str) -> RegisteredCamera:
        """The camera with this SPIFFE id in the register that ``grant`` names for the zone of ``domain``.

        Raises GrantError when that register is not of the zone, IdentityError when it does not name the camera or the
        camera, or the key it is named with, was revoked.
        """
        zone = next(zone for zone in grant.zones if zone.zone == domain.zone)
        register = self.registers.get(zone.register_digest)
        if register is None or (register.zone, register.generation) != (zone.zone, zone.generation):
            raise GrantError(
                f"The camera register that grant {grant.grant_id} names for zone {zone.zone} is not in the ledger.",
                "Have the register entered, and the grant amended.",
            )
        camera = next((camera for camera in register.cameras if camera.identity == identity), None)
        if camera is None:
            raise IdentityError(
                f"The register of zone {zone.zone} does not name this camera.",
                "Have the register and the grant amended, or correct the camera's zone.",
            )
        if identity in self.revoked or camera.signing_key in self.revoked_keys:
            raise IdentityError(
                "This camera was revoked.", "Enrol it anew, and have the zone's register and grants amended."
            )
        return camera

    def zones_of(self, identity: str) -> frozenset[str]:
        """The zones whose registers name, or named, the camera with this SPIFFE id; none once it was revoked."""
        return frozenset() if identity in self.revoked else self._zones.get(identity, frozenset())

    def may_disclose_media(self, domain: Domain) -> bool:
        """Whether records of ``domain`` may disclose media, under any amendment of any grant that names it."""
        return any(
            amendment.grant.disclosure.has_media
            for history in self._by_domain.get(domain, ())
            for amendment in history.amendments
            if domain in amendment.grant.domains()
        )

    def owned(self, list_id: str, identity: str, moment: float) -> frozenset[str]:
        """The names of the grants of the owner ``identity`` (SPIFFE id) over a list: those that have ended, too.

        An owner whose grant was renewed still gets what was answered under the one before. Raises GrantError when
        none of them is in force at ``moment``.
        """
        names = self.settled(list_id, identity)
        if not any(self.histories[name].in_force(moment) for name in names):
            raise GrantError(
                "No grant in force gives this owner that list.",
                "Use a list named by a grant of yours, and ask for one that covers the time.",
            )
        return names

    def settled(self, list_id: str, identity: str) -> frozenset[str]:
        """The names of all grants, in force or not, under which the owner ``identity`` has had a list matched.

        What was answered may be claimed and acknowledged after they ended: only then is the rest erased early. Raises
        GrantError when there is none.
        """
        names = frozenset(
            name
            for name, history in self.histories.items()
            if (history.latest.list_id, history.latest.owner) == (list_id, identity)
        )
        if not names:
            raise GrantError("No grant gives this owner that list.", "Use a list named by a grant of yours.")
        return names

    def version(self, grant_id: str, number: int) -> CommittedVersion | None:
        """The list version of this number that was committed to under a grant, as far as the ledger was read."""
        versions = self.versions.get(grant_id, ())
        return next((one for one in versions if one.statement.list_version == number), None)

    def in_force(self, moment: float) -> tuple[Grant, ...]:
        """The amendments in force at ``moment`` of the grants that no custodian has suspended."""
        return tuple(history.at(moment) for history in self.histories.values() if history.in_force(moment))

    def to_come(self, moment: float) -> tuple[Grant, ...]:
        """The amendments in force at ``moment`` or later, as far as is known, suspended ones included."""
        return tuple(
            amendment.grant
            for history in self.histories.values()
            if history.ended_at is None or history.ended_at > moment
            for amendment in history.amendments[_number_at(history, moment) :]
            if amendment.grant.not_after > moment
        )

    def longest_hold(self, moment: float) -> int:
        """Seconds that a record captured at ``moment`` or later may be held at most: window and granularity."""
        return max(map(hold_seconds, self.to_come(moment)), default=0)

    @cached_property
    def _zones(self) -> Mapping[str, frozenset[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for register in self.registers.values():
            for camera in register.cameras:
                if camera.signing_key not in self.revoked_keys:
                    found[camera.identity].add(register.zone)
        return {identity: frozenset(zones) for identity, zones in found.items()}

    @cached_property
    def _by_domain(self) -> Mapping[Domain, tuple[GrantHistory, ...]]:
        found: dict[Domain, tuple[GrantHistory, ...]] = {}
        for history in self.histories.values():
            for domain in history.domains():
                found[domain] = (*found.get(domain, ()), history)
        return found


def hold_seconds(grant: Grant) -> int:
    """How long after its header's time a record may be held under ``grant``: its window, and how coarse that time is."""
    return grant.window_seconds + grant.disclosure.time_granularity_seconds


def _during(history: GrantHistory, earliest: float, latest: float) -> Iterator[Grant]:
    """The amendments in force at some moment from ``earliest`` on and before ``latest``."""
    # Between two beginnings nothing comes into force.
    beginnings = (amendment.begins for amendment in history.amendments)
    for moment in (earliest, *(begins for begins in beginnings if earliest < begins < latest)):
        grant = _at(history, moment)
        if grant is not None:
            yield grant


def _at(history: GrantHistory, moment: float) -> Grant | None:
    try:
        return history.at(moment)
    except GrantError:
        return None


def _number_at(history: GrantHistory, moment: float) -> int:
    """The number of the amendment that has begun by ``moment``; 0 before any has."""
    return max((number for number, one in enumerate(history.amendments) if one.begins <= moment), default=0)
