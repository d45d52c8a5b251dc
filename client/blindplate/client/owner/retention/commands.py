"""What a person does about retention: each command one function, sharing the database with the daemon.

Specified in docs/spec/owner.md sections 8 and 9.
"""

from __future__ import annotations

from blindplate.client.owner.retention.check import Checked, check
from blindplate.client.owner.retention.erasing import Erased, erase_due
from blindplate.client.owner.retention.holding import Held, all_holds
from blindplate.client.owner.retention.holding import end_hold as end_hold_of
from blindplate.client.owner.retention.holding import hold as hold_hit
from blindplate.client.owner.session import open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.store import Store
from blindplate.core.statements.holds import HoldReason


def hold(settings: OwnerSettings, hit_id: int, reason: HoldReason, lawful_basis: str, days: int) -> Held:
    """Have a hit held. Raises as ``holding.hold``."""
    with open_session(settings) as session:
        return hold_hit(session, hit_id, reason, lawful_basis, days)


def end_hold(settings: OwnerSettings, hit_id: int) -> Held:
    """End a hold. Raises as ``holding.end_hold``."""
    with open_session(settings) as session:
        return end_hold_of(session, hit_id)


def holds(settings: OwnerSettings) -> list[Held]:
    """Every hold of a hit that is still there. Asks nobody. Raises StorageError."""
    store = Store(settings.data)
    try:
        with store.reading() as connection:
            return all_holds(connection)
    finally:
        store.close()


def erase(settings: OwnerSettings) -> tuple[Erased, tuple[Checked, ...]]:
    """Erase what is due, then look whether anything outlived its time. Raises StorageError."""
    with open_session(settings) as session:
        erased = erase_due(session)
        return erased, check(session, emptied=erased.emptied)
