"""The list entries that a hit can be of, opened for the custodians: of each version that can have been in force.

Guarantees that whoever's entry an honest answer was about is among them, in every version that held it: all entries of
the hit's bin, since the bin is all that an answer tells. Custodians learn F_D of these entries, which of them was read
and, of those whose priority a standing authorisation of the grant names, that priority; no plate. Protocol section 6;
docs/spec/owner.md section 6.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from blindplate.client.owner import commitments, segments
from blindplate.client.owner.commitments import Commitment
from blindplate.client.owner.hits import SealedHit
from blindplate.client.owner.leaves import Evaluated, Said, evaluated, said_in
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries
from blindplate.client.owner.trees import Tree, open_tree
from blindplate.core.errors import MembershipError
from blindplate.core.membership import leaf
from blindplate.core.statements.priorities import Priority
from blindplate.v1 import release_pb2 as v1


def candidates_of(session: Session, sealed: SealedHit) -> bytes:
    """A serialized ``v1.Candidates`` for the release of a hit.

    Raises MembershipError when no version that can have been in force at the capture holds an entry of the hit's bin:
    then the answer was forged, or the odds of the match have struck. Raises NotFoundError when the upload that the hit
    came by is not known, GoneError when the list as it was then is no longer kept.
    """
    with session.store.reading() as connection:
        sharing = _sharing(session, connection, sealed)
        opened = [_opened(session, connection, made, sharing) for made in _versions_of(connection, sealed)]
    if not any(one.candidates for one in opened):
        raise MembershipError(
            "No version of the list that can have been in force at a hit's capture holds an entry it can be of.",
            "It cannot be released. Tell the operator and both custodians: a matcher that forges answers shows so.",
        )
    return v1.Candidates(versions=opened).SerializeToString(deterministic=True)


def may_be_of(session: Session, sealed: SealedHit, priorities: Collection[Priority]) -> bool:
    """Whether the hit can be of an entry that was committed to with one of ``priorities``, or of none that is known.

    Which entry of its bin it is of, only the custodians will know; one of none is an alarm, which ``candidates_of``
    raises. Raises NotFoundError as that does.
    """
    with session.store.reading() as connection:
        sharing = _sharing(session, connection, sealed)
        found = {
            said.priority
            for made in _versions_of(connection, sealed)
            for said in said_in(connection, _standing(sharing, made), made.version)
        }
    return not found or not found.isdisjoint(priorities)


def is_settled(candidates: bytes) -> bool:
    """Whether every version in a serialized ``v1.Candidates`` holds the same entries of the hit's bin.

    Then it cannot be that the record is of an entry and was only captured before it was listed, or after it was not.
    """
    opened = v1.Candidates.FromString(candidates).versions
    return len({frozenset(one.f for one in version.candidates) for version in opened}) == 1


def _versions_of(connection: Connection, sealed: SealedHit) -> list[Commitment]:
    """Every version that can have been in force at the capture."""
    header = sealed.record.header
    begins = header.capture_time_ms / 1000
    return commitments.during(connection, begins, begins + header.time_granularity_ms / 1000)


def _sharing(session: Session, connection: Connection, sealed: SealedHit) -> list[Evaluated]:
    """Every entry of the hit's bin."""
    header = sealed.record.header
    spread = segments.spread_of(connection, sealed.segment_id)
    numbers = session.bins.sharing(connection, spread, header.domain, header.epoch, sealed.slot)
    return evaluated(connection, header.domain, entries.c.entry_id.in_(numbers))


def _standing(sharing: list[Evaluated], made: Commitment) -> list[Evaluated]:
    return [entry for entry in sharing if entry.stands_in(made.version)]


def _opened(
    session: Session, connection: Connection, made: Commitment, sharing: list[Evaluated]
) -> v1.VersionCandidates:
    standing, shown = _standing(sharing, made), _priorities_shown(session)
    said = said_in(connection, standing, made.version)
    opening = [_Opening(entry, one, shown) for entry, one in zip(standing, said, strict=True)]
    with open_tree(commitments.tree_file(session.store, made.version), made.leaves) as tree:
        found = [candidate for one in opening if (candidate := one.candidate(tree)) is not None]
    # In the order of their leaves, which is random: the order of the list would tell something.
    found.sort(key=lambda candidate: candidate.leaf_index)
    return v1.VersionCandidates(list_version=made.version, candidates=found)


def _priorities_shown(session: Session) -> frozenset[Priority]:
    """The priorities that matter to custodians: those that the grant's standing authorisation names."""
    standing = session.grant.release.standing
    return frozenset() if standing is None else frozenset(standing.priorities) - {Priority.NONE}


@dataclass(frozen=True, slots=True)
class _Opening:
    """An entry, what its leaf says in one version, and which priorities are to be shown."""

    entry: Evaluated
    said: Said
    shown: frozenset[Priority]

    def candidate(self, tree: Tree) -> v1.Candidate | None:
        """The leaf opened; None where the tree does not have it, being made for other zones or key generations."""
        details = self.said.details
        index = tree.find(leaf(self.entry.f, details, self.entry.salt))
        if index is None:
            return None
        candidate = v1.Candidate(
            f=self.entry.f,
            details=details,
            salt=self.entry.salt,
            leaf_index=index,
            path=tree.path(index),
        )
        if self.said.priority in self.shown:
            candidate.stated = self.said.stated
            candidate.priority = self.said.priority.value
        return candidate
