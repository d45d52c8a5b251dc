"""``audit subject``: the plate comes from standard input, and what is printed is what the ledger says."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from blindplate.cli.commands.audit_subject import subject
from blindplate.client import subjects
from blindplate.client.officer import OfficerSettings
from blindplate.client.subjects import FoundRelease
from blindplate.core.plates import CanonicalPlate
from blindplate.core.statements.purposes import Purpose
from blindplate.core.statements.release_entries import RequestEntry
from blindplate.edge import settings

ENTRY = RequestEntry(
    request_id=bytes(32),
    grant_id="police-1",
    requester="spiffe://blindplate/owner/owner-police",
    list_id="police",
    zone="inner",
    purpose=Purpose.MURDER,
    lawful_basis="the law [bold]",
    case_commitment=bytes(32),
    alternate=False,
    emergency=False,
    made_at=1_790_253_000,
    expires_at=1_790_256_600,
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[CanonicalPlate]:
    """The plates asked about; each was released once."""
    plates: list[CanonicalPlate] = []

    def find(_settings: OfficerSettings, plate: CanonicalPlate) -> list[FoundRelease]:
        plates.append(plate)
        return [FoundRelease(41, ENTRY)]

    monkeypatch.setattr(subjects, "find_releases", find)
    monkeypatch.setattr(settings, "load", lambda _model, _path: None)
    return plates


def run(tmp_path: Path, typed: str, *options: str) -> str:
    app = typer.Typer()
    app.command()(subject)
    result = CliRunner().invoke(app, [str(tmp_path / "officer.toml"), *options], input=typed)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_plate_is_read_from_standard_input(tmp_path: Path, asked: list[CanonicalPlate]) -> None:
    shown = run(tmp_path, "ab12 cde\n")
    assert [(plate.country, plate.text) for plate in asked] == [("GB", "AB12CDE")]
    assert "2026-09-24 12:30 UTC: murder, the law [bold], by spiffe://blindplate/owner/owner-police" in shown
    assert "grant police-1, list police, zone inner; entry 41 of the ledger" in shown
    assert "Releases of this vehicle: 1." in shown


def test_another_country(tmp_path: Path, asked: list[CanonicalPlate]) -> None:
    run(tmp_path, "B AB 1234\n", "--country", "DE")
    assert asked[0].country == "DE"
