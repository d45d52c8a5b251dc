"""A list owner's settings: who it is, whom it trusts, where it keeps its list, and how far ahead it uploads.

Loaded by ``edge.settings.load``. Holds paths of secrets, never a secret. Specified in docs/spec/owner.md section 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from blindplate.client.owner.charging.settings import ChargingSettings
from blindplate.client.owner.lists.genetec import GenetecList
from blindplate.core.statements.model import Name
from blindplate.core.statements.purposes import Purpose
from blindplate.edge.settings import LedgerAccess, ProcessSettings, TlsFiles, TrustedKeys


class OwnerSettings(ProcessSettings):
    """One owner of one list.

    ``name`` is the last step of its SPIFFE id, ``grant`` the grant's name in the ledger. ``epochs_ahead`` counts the
    epochs after the current one whose base is uploaded before they begin; the matcher takes no more than two.
    ``country`` is assumed for a row of a list file that names none; ``genetec`` says what the fields of a file in Genetec's
    form are. ``charging`` counts under a grant with charging terms. With ``automatic_release`` the daemon asks for the
    release of every hit itself, where the grant has automatic release, or a standing authorisation for
    ``standing_purpose``. ``case_reference`` is what such requests bear.
    """

    name: Name
    tls: TlsFiles
    trust: TrustedKeys
    signing_key: Path
    data: Path
    matcher: str
    custodian_a: str
    custodian_b: str
    grant: Name
    ledger: LedgerAccess
    epochs_ahead: Annotated[int, Field(ge=1, le=2)] = 1
    poll_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    wait_ms: Annotated[int, Field(ge=0, le=10_000)] = 2_000
    request_seconds: Annotated[int, Field(ge=60, le=30 * 86_400)] = 7 * 86_400
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "GB"
    genetec: GenetecList = GenetecList()
    charging: ChargingSettings = ChargingSettings()
    automatic_release: bool = False
    standing_purpose: Purpose | None = None
    case_reference: Annotated[str, Field(min_length=1, max_length=2000)] = "standing authorisation"
