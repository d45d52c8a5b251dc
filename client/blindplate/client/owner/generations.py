"""Which zones and key generations a list is made for: of an epoch's uploads, and of a commitment.

A register's change, a revoked camera say, brings a zone another key generation, from the moment on at which an amendment
is in force. Guarantees that nothing is left out in between: while the amendment is under notice the list is evaluated and
committed to for both generations, and an epoch in which the change falls is uploaded for both. An owner that was away
then is as far as its last commitment goes. Protocol sections 3 and 7; docs/spec/owner.md section 4.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from blindplate.core.domains import Domain, Epoch
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.statements.grants import Grant


def places_of(scope: str) -> frozenset[str]:
    """The places, each ``zone/generation``, that a scope names: what an upload or a commitment was made for."""
    return frozenset(scope.split(" ")[2:])


def scope_of(grant: Grant, domains: Iterable[Domain]) -> str:
    """What is made under a grant for ``domains``: its name, the cut of its epochs, and the places."""
    return _scope(cut_of(grant), _places(domains))


def cut_of(grant: Grant) -> str:
    """How the scope of everything made under a grant with this cut of epochs begins."""
    return f"{grant.grant_id} {grant.epoch.kind}/{grant.epoch.seconds}"


def domains_during(history: GrantHistory, begins: float, ends: float = math.inf) -> tuple[Domain, ...]:
    """Every domain of the amendments that count from ``begins`` on and before ``ends``; those in force first."""
    during = history.during(begins, ends)
    grants = [one.grant for one in during] or [history.latest]
    return tuple(dict.fromkeys(domain for grant in grants for domain in grant.domains()))


@dataclass(frozen=True, slots=True)
class Reach:
    """What the reads of ``epoch`` can be of: the places in force in it, each set of them with the second it begins."""

    epoch: Epoch
    list_id: str
    cut: str
    begins: tuple[float, ...]
    places: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, history: GrantHistory, grant: Grant, epoch: Epoch) -> Reach:
        """By the amendments that cut epochs as ``grant`` does."""
        alike = [
            (one.begins, one.grant)
            for one in history.during(epoch.start(), epoch.end())
            if one.grant.epoch == grant.epoch
        ] or [(0, grant)]
        return cls(
            epoch,
            grant.list_id,
            cut_of(grant),
            tuple(begins for begins, _ in alike),
            tuple(_places(one.domains()) for _, one in alike),
        )

    def counts(self, scope: str, effective_at: int) -> bool:
        """Whether a commitment, in force from the second after ``effective_at`` on, is one that reads can be released by.

        It is made for what is in force when it takes effect in the epoch, at least.
        """
        if not self.has_cut(scope):
            return False
        moment = max(effective_at + 1, self.epoch.start())
        present = self.places[max(0, bisect_right(self.begins, moment) - 1)]
        return present <= places_of(scope)

    def has_cut(self, scope: str) -> bool:
        """Whether what was made for ``scope`` was made for epochs that are cut alike."""
        return scope.startswith(f"{self.cut} ")

    def made(self, scope: str) -> frozenset[str]:
        """The places that a segment of the epoch can be made for, by a commitment made for ``scope``."""
        return frozenset[str]().union(*self.places) & places_of(scope)

    def scope(self, places: Iterable[str]) -> str:
        """How it is remembered of a segment that it was made for ``places``."""
        return _scope(self.cut, places)

    def domains(self, places: Iterable[str]) -> tuple[Domain, ...]:
        """The domains of ``places``."""
        split = sorted(place.rsplit("/", 1) for place in places)
        return tuple(Domain(self.list_id, zone, int(generation)) for zone, generation in split)


def _places(domains: Iterable[Domain]) -> frozenset[str]:
    return frozenset(f"{domain.zone}/{domain.generation}" for domain in domains)


def _scope(cut: str, places: Iterable[str]) -> str:
    return f"{cut} {' '.join(sorted(places))}"
