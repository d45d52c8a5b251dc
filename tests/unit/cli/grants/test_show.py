"""``grant show`` for whoever has the ledger and its keys alone: what is entered, and what is on its way."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from blindplate.cli.commands.grant import app
from blindplate.client.auditor.keys import keys_file
from blindplate.core.errors import NotFoundError, SettingsError
from blindplate.core.parties import Custodian
from blindplate.edge.keyfiles import write_statement
from tests.unit.client.auditor.ledgers import CUSTODIANS, DAY, OPERATOR, POLICE, Ledger, audit_keys, grant


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.begun()


def show(ledger: Ledger, folder: Path, *arguments: str, columns: int = 400) -> str:
    """What the command prints in a terminal so wide."""
    keys = audit_keys()
    (folder / "keys.toml").write_text(keys_file(keys.parties.parties(), keys.ledger))
    options = ["--ledger", str(ledger.write(folder / "ledger")), "--keys", str(folder / "keys.toml")]
    result = CliRunner(env={"COLUMNS": str(columns)}).invoke(app, ["show", *arguments, *options])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_a_grant_of_the_ledger_needs_no_partys_settings(ledger: Ledger, tmp_path: Path) -> None:
    ledger.suspend(Custodian.B)
    shown = show(ledger, tmp_path, POLICE)
    # Long before today: the grant's month is over, and so is the ledger's last word.
    assert "EXPIRED" in shown
    assert "THAT IS LONG AGO" in shown
    assert "Suspended by custodian B" in shown
    assert "2 cameras in its public register" in shown
    assert "signed by the operator and both custodians" in shown


@pytest.mark.parametrize("columns", [40, 80, 110])
def test_no_key_or_digest_is_cut_short_in_a_narrow_terminal(
    ledger: Ledger, tmp_path: Path, columns: int
) -> None:
    shown = show(ledger, tmp_path, POLICE, columns=columns)
    answers = "".join(line.split("│")[2].strip() for line in shown.splitlines() if line.count("│") == 3)
    entered = grant()
    for named in (entered.owner_key, entered.zones[1].register_digest, entered.equality_assessment.sha256):
        assert named.hex() in answers.replace(" ", "")


def test_an_end_is_shown_with_its_reason(ledger: Ledger, tmp_path: Path) -> None:
    ledger.end()
    shown = show(ledger, tmp_path, POLICE)
    assert "ENDED" in shown
    assert "no longer needed" in shown


def test_an_amendment_on_its_way_is_shown_with_what_it_changes_and_who_signed(
    ledger: Ledger, tmp_path: Path
) -> None:
    amended = grant(amendment=1, list_size=2000, notice_seconds=10 * DAY)
    write_statement(tmp_path / "grant.json", amended.statement(OPERATOR, CUSTODIANS[Custodian.A]))
    shown = show(ledger, tmp_path, str(tmp_path / "grant.json"))
    before, after = shown.split("What it changes of the last amendment entered")
    assert "not yet" in before
    assert "at most 1,000 vehicles" in after
    assert "at most 2,000 vehicles" in after
    assert "Privacy assessment" not in after
    assert "SHORT NOTICE" in shown


def test_a_grant_that_is_neither_file_nor_entered_is_said_to_be_neither(
    ledger: Ledger, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        show(ledger, tmp_path, "police-7")


def test_a_settings_file_beside_a_ledger_and_keys_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="or with a ledger and its keys"):
        show(ledger, tmp_path, "operator.toml", POLICE)
