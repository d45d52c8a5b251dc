"""Suspending a grant, and resuming it: what a custodian does on its own machine, beside its process or without it.

It takes the custodian's signing key and its database, which are on that machine alone: no new door is opened to it for
this, and no officer's stolen key can stop a zone. Guarantees that the word is in force when the function returns
(``suspensions``). Protocol section 7, guarantee G5.
"""

from __future__ import annotations

from contextlib import closing

from blindplate.core.errors import GrantError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.statements.grant_changes import GrantSuspension
from blindplate.edge.ledger.replica import Replica
from blindplate.server.custodian import suspensions
from blindplate.server.custodian.settings import CustodianSettings, read_signing_key
from blindplate.server.custodian.storage import open_database, writing
from blindplate.server.custodian.suspensions import Word


def give_word(settings: CustodianSettings, word: Word, moment: float) -> GrantSuspension:
    """Give this custodian's ``word`` on a grant at ``moment`` (seconds since 1970, UTC), signed.

    Raises GrantError for a grant that this custodian has not witnessed or that has ended; SettingsError, StorageError,
    ChainError.
    """
    signer = read_signing_key(settings)
    history = _history(settings, word.grant_id)
    last = history.last_suspension(settings.custodian)
    # The ledger takes only what was made later than the one before, whatever this machine's clock says now.
    made_at = moment if last is None else max(moment, last.made_at + 1)
    engine = open_database(settings.data / "custodian.sqlite")
    try:
        with writing(engine) as connection:
            return suspensions.give(connection, word, settings.custodian, signer, made_at)
    finally:
        engine.dispose()


def _history(settings: CustodianSettings, grant_id: str) -> GrantHistory:
    path, keys = settings.data / "ledger.sqlite", settings.ledger.keys.keys()
    with closing(Replica(path, keys, settings.trust.parties())) as replica:
        history = replica.state.grants.get(grant_id)
    if history is None:
        raise GrantError(
            "This custodian has witnessed no grant of that name.", "Look for its name in the ledger."
        )
    if history.ended_at is not None:
        raise GrantError(f"Grant {grant_id} has ended.", "There is nothing left to suspend or to resume.")
    return history
