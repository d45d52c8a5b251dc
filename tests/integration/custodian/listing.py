"""A list as its owner commits to it: its leaves, its root, and its entries opened and proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from blindplate.core import merkle
from blindplate.core.domains import Domain
from blindplate.core.membership import details_digest, leaf
from blindplate.core.pseudonyms import DomainKey, combine
from blindplate.v1 import release_pb2 as v1

_DETAILS = details_digest("sought", "an officer", "2099-12-31")
_SALT = b"s" * 16


@cache
def output_of(seed_a: bytes, seed_b: bytes, domain: Domain, plate: bytes) -> bytes:
    """F_D of a plate, as both custodians together evaluate it."""
    f_a, f_b = (DomainKey.derive(seed, domain).evaluate(plate) for seed in (seed_a, seed_b))
    return combine(f_a, f_b, domain)


@dataclass(frozen=True)
class CommittedList:
    """Some plates in every domain of a grant; ``output`` gives F_D."""

    plates: Sequence[bytes]
    domains: Sequence[Domain]
    output: Callable[[Domain, bytes], bytes]

    @property
    def leaves(self) -> list[bytes]:
        return sorted(
            leaf(self.output(domain, plate), _DETAILS, _SALT)
            for plate in self.plates
            for domain in self.domains
        )

    @property
    def root(self) -> bytes:
        return merkle.root(self.leaves)

    def candidates(self, number: int, domain: Domain) -> v1.VersionCandidates:
        """Every entry in one domain, as those of list version ``number``."""
        leaves = self.leaves
        version = v1.VersionCandidates(list_version=number)
        for plate in self.plates:
            f = self.output(domain, plate)
            index = leaves.index(leaf(f, _DETAILS, _SALT))
            path = merkle.inclusion_path(leaves, index)
            version.candidates.append(
                v1.Candidate(f=f, details=_DETAILS, salt=_SALT, leaf_index=index, path=path)
            )
        return version
