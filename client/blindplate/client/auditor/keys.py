"""The keys file: every public key an auditor needs, in one TOML file of two tables.

Guarantees that a file with a missing, unknown or wrong key is refused by name. That the keys in it are the parties' own
is for the reader to make sure: an audit proves nothing beyond them. Protocol section 7.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from blindplate.core.errors import MessageError, SettingsError
from blindplate.core.parties import PartyKeys
from blindplate.core.statements.model import Part
from blindplate.edge.settings import LedgerKeysPart, TrustedKeys

_REMEDY: Final = "Take the deployment's public keys.toml, or name another file."


class AuditKeys(Part):
    """Whose signature counts as whose: of statements (``parties``), and of checkpoints (``ledger``)."""

    parties: TrustedKeys
    ledger: LedgerKeysPart


def read_keys(path: Path) -> AuditKeys:
    """The keys of a file that ``keys_file`` wrote. Raises SettingsError, naming every wrong key but no value."""
    try:
        keys = AuditKeys.model_validate(tomllib.loads(path.read_text()))
        keys.ledger.keys()
    except OSError as error:
        raise SettingsError(
            f"The keys file {path} cannot be read: {error.strerror}.",
            _REMEDY,
        ) from None
    except ValidationError as error:
        places = ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))
        raise SettingsError(
            f"The keys file {path} has missing, unknown or wrong keys: {places}.", _REMEDY
        ) from None
    except MessageError as error:
        raise SettingsError(
            f"The keys file {path} holds a wrong verifier key: {error.what}", _REMEDY
        ) from None
    except ValueError:
        raise SettingsError(f"The keys file {path} is not TOML.", _REMEDY) from None
    return keys


def keys_file(parties: PartyKeys, ledger: LedgerKeysPart) -> str:
    """The text of the keys file for these keys."""
    return "\n".join(
        (
            "# Public keys of this deployment: all that `blindplate audit` needs beside the ledger itself.",
            "",
            *_table(
                "parties",
                {
                    "operator": parties.operator.hex(),
                    "custodian_a": parties.custodian_a.hex(),
                    "custodian_b": parties.custodian_b.hex(),
                    "matcher": parties.matcher.hex(),
                },
            ),
            "",
            *_table(
                "ledger",
                {
                    "origin": ledger.origin,
                    "log": ledger.log,
                    "witness_a": ledger.witness_a,
                    "witness_b": ledger.witness_b,
                },
            ),
            "",
        )
    )


def _table(name: str, values: Mapping[str, str | Sequence[str]]) -> list[str]:
    # A JSON string of printable text is a TOML basic string, and a list of them a TOML array.
    return [
        f"[{name}]",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()),
    ]
