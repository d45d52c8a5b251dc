"""A custodian's own word on a grant: suspended, or acted on again; in force at once, entered as soon as may be.

Guarantees that a word given here counts from the moment it is stored, also while the ledger is away or this
custodian's process stands still, and until its entry is witnessed; from then on the ledger's order counts, as it does
for everyone else. Only the holder of the custodian's signing key can give one: a word that it did not sign counts for
nothing. Protocol section 7, guarantee G5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select

from blindplate.core.errors import BlindplateError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grant_changes import GrantSuspension
from blindplate.server.custodian import outbox
from blindplate.server.custodian.stored import from_stored_form
from blindplate.server.custodian.tables import OUTBOX, SUSPENSIONS


@dataclass(frozen=True, slots=True)
class Word:
    """What a custodian says of a grant: whether it is ``suspended``, and publicly why."""

    grant_id: str
    suspended: bool
    reason: str


def give(
    connection: Connection, word: Word, custodian: Custodian, signer: SigningKey, moment: float
) -> GrantSuspension:
    """Sign ``word``, store it as the last one on its grant, and put it into the outbox. Needs a writing transaction."""
    last = connection.execute(
        select(OUTBOX.c.statement)
        .join(SUSPENSIONS, SUSPENSIONS.c.number == OUTBOX.c.number)
        .where(SUSPENSIONS.c.grant_id == word.grant_id)
    ).scalar_one_or_none()
    made_at = int(moment)
    if last is not None:
        # No two alike: the same bytes would keep the place in the ledger of a word that another has followed.
        made_at = max(made_at, GrantSuspension.parsed(from_stored_form(last).payload).made_at + 1)
    given = GrantSuspension(
        grant_id=word.grant_id,
        custodian=custodian,
        suspended=word.suspended,
        reason=word.reason,
        made_at=made_at,
    )
    number = outbox.put(connection, given.statement(signer))
    connection.execute(delete(SUSPENSIONS).where(SUSPENSIONS.c.grant_id == word.grant_id))
    connection.execute(insert(SUSPENSIONS).values(grant_id=word.grant_id, number=number))
    return given


def unwitnessed(connection: Connection, public: bytes, size: int) -> Mapping[str, GrantSuspension]:
    """The last words given here, by grant, that are not among the first ``size`` entries of the ledger.

    Those that the key ``public`` (32 bytes) did not sign are left out.
    """
    rows = connection.execute(
        select(SUSPENSIONS.c.grant_id, OUTBOX.c.statement)
        .join(OUTBOX, OUTBOX.c.number == SUSPENSIONS.c.number)
        .where(or_(OUTBOX.c.ledger_index.is_(None), OUTBOX.c.ledger_index >= size))
    )
    words: dict[str, GrantSuspension] = {}
    for grant_id, stored in rows:
        try:
            words[grant_id] = GrantSuspension.verified(from_stored_form(stored), [public])
        except BlindplateError:
            continue
    return words
