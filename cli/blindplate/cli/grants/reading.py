"""Where a grant is read from: the ledger and keys of a party's settings, or those that anyone can name.

Guarantees that both ways lead to the same checks: the keys of all parties are pinned before anything is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blindplate.client.auditor.keys import read_keys
from blindplate.client.grants.party import GrantPartySettings
from blindplate.core.errors import SettingsError
from blindplate.core.ledger.checkpoints import LedgerKeys
from blindplate.core.parties import PartyKeys


@dataclass(frozen=True, slots=True)
class Place:
    """A ledger (``url``, an HTTP address or a folder), its keys, and the parties whose statements it holds."""

    url: str
    keys: LedgerKeys
    parties: PartyKeys


def place_of(arguments: Sequence[str], ledger: str | None, keys: Path | None) -> tuple[Place, str]:
    """The place and the grant that a command line names: ``SETTINGS GRANT``, or ``GRANT`` with a ledger and keys.

    Raises SettingsError.
    """
    match arguments, ledger, keys:
        case [settings, grant], None, None:
            read = GrantPartySettings.read(Path(settings))
            return Place(read.ledger.url, read.ledger.keys.keys(), read.trust.parties()), grant
        case [grant], str(), Path():
            public = read_keys(keys)
            return Place(ledger, public.ledger.keys(), public.parties.parties()), grant
        case _:
            raise SettingsError(
                "A grant is read with a party's settings file, or with a ledger and its keys.",
                "Say `grant show SETTINGS GRANT`, or `grant show GRANT --ledger URL|FOLDER --keys keys.toml`.",
            )
