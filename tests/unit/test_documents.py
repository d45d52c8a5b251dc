"""Documents: links lead somewhere, and no setting of a service is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blindplate.client.officer import OfficerSettings
from blindplate.edge.settings import ProcessSettings
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.server.ledger.settings import LedgerSettings
from blindplate.server.matcher.settings import MatcherSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    here = [target for target in targets if "://" not in target]
    assert [target for target in here if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("model", [MatcherSettings, CustodianSettings, LedgerSettings, OfficerSettings])
def test_every_setting_of_a_service_is_explained(model: type[ProcessSettings]) -> None:
    explained = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "operations.md").read_text()))
    assert set(model.model_fields) - explained == set()
