"""Committing to the list: each version that is to be matched is entered in the ledger and witnessed first.

Guarantees that a statement and its tree are stored before the statement is sent and that it is sent again as the same
bytes, that a version is in force before the next is committed to, and that so few are made that no record's coarse time
can mean more than ``commitments.MOST_AT_ONCE``. Several changes in a row may share one commitment. The caller holds
``store.publishing``. Protocol section 6; docs/spec/owner.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from blindplate.client.owner import commitments, roster
from blindplate.client.owner.commitments import MOST_AT_ONCE, SKEW_SECONDS, Commitment
from blindplate.client.owner.generations import scope_of
from blindplate.client.owner.leaves import standing_leaves
from blindplate.client.owner.pseudonymise import missing_count
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries
from blindplate.client.owner.trees import write_tree
from blindplate.core.errors import EntryError, GrantError, QuotaError, UnwitnessedError
from blindplate.core.ledger.versions import CommittedVersion
from blindplate.core.statements.lists import ListVersion
from blindplate.edge.logs import log

# One that was in force before the span of a record, and one that took its place within it, come on top.
_MADE_WITHIN: Final = MOST_AT_ONCE - 2
# A charging day has up to 25 hours; an upload for a past epoch names a version that was in force when it began.
_LONGEST_EPOCH_SECONDS: Final = 90_000


def commit(session: Session) -> None:
    """Make a commitment to the list as it stands, if it lacks one, may have one now and is evaluated throughout.

    Raises QuotaError when the list is longer than its grant allows.
    """
    with session.store.writing() as connection:
        if not is_due(connection, session):
            return
        _number(connection, session)
    with session.store.reading() as connection:
        version = roster.latest_version(connection)
        statement = _write(connection, session, version)
        scope = scope_now(connection, session)
    signed = statement.statement(session.signing_key)
    made = Commitment(version, scope, statement.leaves, signed, statement.made_at)
    with session.store.writing() as connection:
        commitments.keep(connection, made)


def advance(session: Session) -> bool:
    """Enter the commitment that waits, and see whether it is witnessed. Gives whether it still waits for that.

    Raises UnavailableError when the ledger does not answer; EntryError or GrantError when it refuses the commitment,
    which is then forgotten and made anew.
    """
    with session.store.reading() as connection:
        made = commitments.latest(connection)
    if made is None or made.effective_at is not None:
        return False
    index = made.ledger_index
    if index is None:
        index = _enter(session, made)
    try:
        signed = session.ledger.first_over(index)
    except UnwitnessedError:
        return True
    with session.store.writing() as connection:
        commitments.set_in_force(connection, made.version, signed.require_both(), signed.note.to_bytes())
    log().info("list-version-in-force", version=made.version, index=index)
    return False


def is_due(connection: Connection, session: Session) -> bool:
    """Whether a commitment to the list as it stands may and should be made now."""
    last, version = commitments.latest(connection), roster.latest_version(connection)
    if last is None:
        settled = version == 0
    else:
        told = (version, scope_now(connection, session))
        settled = last.effective_at is None or (last.version, last.scope) == told
    if settled or any(missing_count(connection, domain) for domain in session.grant.domains()):
        return False
    within = session.grant.disclosure.time_granularity_seconds + 3 * SKEW_SECONDS
    return commitments.made_since(connection, session.now() - within) < _MADE_WITHIN


def scope_now(connection: Connection, session: Session) -> str:
    """What a commitment to the list as it stands is made for: a coming key generation not before all is evaluated in it."""
    coming = set(session.evaluated_domains) - set(session.grant.domains())
    domains = [
        domain
        for domain in session.committed_domains
        if domain not in coming or not missing_count(connection, domain)
    ]
    return scope_of(session.grant, domains)


def prune(session: Session) -> None:
    """Delete the trees that no release, and the checkpoints that no upload, can need any more."""
    kept = session.hold_seconds + session.settings.request_seconds + _LONGEST_EPOCH_SECONDS
    commitments.prune(session.store, session.now() - kept)


def _number(connection: Connection, session: Session) -> None:
    """See to it that the list as it stands has a number above all that were committed to, here or by a lost folder."""
    last, entered = commitments.latest(connection), _entered(session)
    highest = max(last.version if last else 0, entered.statement.list_version if entered else 0)
    if roster.latest_version(connection) <= highest:
        roster.renumber(connection, highest + 1, session.now())


def _write(connection: Connection, session: Session, version: int) -> ListVersion:
    grant, total = session.grant, roster.count(connection)
    # The ledger takes a version up to the size of the last amendment entered, which may have begun only later.
    if total > min(session.grant.list_size, session.history.latest.list_size):
        raise QuotaError("The list has more entries than its grant allows.", "Ask for an amended grant.")
    leaves, root = write_tree(
        commitments.tree_file(session.store, version), standing_leaves(connection, session.committed_domains)
    )
    added, removed = _changes(connection, session, total)
    return ListVersion(
        grant_id=grant.grant_id,
        list_id=grant.list_id,
        list_version=version,
        entries=total,
        leaves=leaves,
        added=added,
        removed=removed,
        root=root,
        made_at=int(session.now()),
    )


def _changes(connection: Connection, session: Session, total: int) -> tuple[int, int]:
    """Entries added and removed since the commitment before; what a lost folder committed to is all taken off."""
    last, entered = commitments.latest(connection), _entered(session)
    if entered is None:
        return total, 0
    if last is None or last.version != entered.statement.list_version:
        return total, entered.statement.entries
    listed, removed = entries.c.listed_version, entries.c.removed_version
    return (
        _count(connection, [listed > last.version, removed.is_(None)]),
        _count(connection, [listed <= last.version, removed > last.version]),
    )


def _count(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> int:
    return connection.execute(select(func.count()).select_from(entries).where(*conditions)).scalar_one()


def _entered(session: Session) -> CommittedVersion | None:
    """The last version that the ledger has of this grant."""
    found = session.ledger.state.list_versions.get(session.grant.grant_id, ())
    return found[-1] if found else None


def _enter(session: Session, made: Commitment) -> int:
    try:
        index = session.ledger.enter(made.statement)
    except (EntryError, GrantError):
        with session.store.writing() as connection:
            commitments.forget(connection, made.version)
        raise
    with session.store.writing() as connection:
        commitments.set_entered(connection, made.version, index)
    log().info("list-version-entered", version=made.version, index=index)
    return index
