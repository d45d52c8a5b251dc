"""``blindplate charge`` as a person at a charging authority uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from blindplate.cli.main import app
from blindplate.client.owner import session as sessions
from blindplate.client.owner.charging.days import charging_day
from tests.unit.client.owner.charging.charging_scene import ChargingScene, make_charging_scene

DAY = date(2026, 11, 24)
NOON = 1_795_521_600.0
OWES, PAYS = "AB12CDE", "KL63XYZ"


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChargingScene]:
    with make_charging_scene(tmp_path / "deployment", monkeypatch, NOON) as made:
        monkeypatch.setattr(sessions, "SystemClock", lambda: made.clock)
        monkeypatch.setenv("BLINDPLATE_LEDGER__URL", str(made.deployment.ledger))
        made.put(OWES)
        made.put(PAYS)
        made.step()
        made.clock.moment += 60
        for plate in (OWES, PAYS):
            made.matcher.submit(made.seal(plate, made.clock.moment))
        made.step()
        yield made


def charge(scene: ChargingScene, command: str, *given: Any) -> Any:
    settings = scene.deployment.settings("owner-emissions")
    return CliRunner().invoke(app, ["charge", command, str(settings), *map(str, given)], terminal_width=200)


def days_on(scene: ChargingScene) -> None:
    scene.clock.moment = charging_day(scene.session.grant, DAY).closes_at + 12_000
    scene.step()


def test_a_day_from_payments_to_notices(scene: ChargingScene, tmp_path: Path) -> None:
    paid = tmp_path / "paid.csv"
    paid.write_text(f"vrm\n{PAYS}\n!!\n")
    refused = charge(scene, "paid", paid, "--day", DAY)
    assert refused.exit_code == 1
    assert "line 3, plate" in refused.output
    taken = charge(scene, "paid", paid, "--day", DAY, "--skip-bad")
    assert taken.exit_code == 3
    assert "1 entered, 0 known before" in taken.output
    early = charge(scene, "notices", "--day", DAY, "--out", tmp_path / "out")
    assert early.exit_code != 0
    days_on(scene)
    status = json.loads(charge(scene, "status", "--day", DAY, "--json").output)
    assert [(one["owed"], one["reads_kept"], one["settlements"]["paid"]) for one in status] == [(1, 2, 1)]
    assert DAY.isoformat() in charge(scene, "status").output
    written = charge(scene, "notices", "--day", DAY, "--out", tmp_path / "out")
    assert (written.exit_code, "1 notices written, 1 of them new" in written.output) == (0, True)
    (notice,) = json.loads((tmp_path / "out" / "notices.json").read_text())["notices"]
    assert (notice["vrm"], notice["charge"], notice["penalty"], notice["reduced"]) == (
        OWES, "12.50", "180.00", "90.00",
    )  # fmt: skip
    assert (notice["issued_on"], notice["reduced_until"]) == ("2026-11-28", "2026-12-12")
    assert (tmp_path / "out" / "notices.csv").stat().st_mode & 0o777 == 0o600
    assert charge(scene, "reconcile", "--day", DAY).exit_code == 0
    paid.write_text(f"vrm,day\n{OWES},2026-11-24\n")
    late = charge(scene, "exempt", paid)
    assert "1 of vehicles whose day was opened already" in " ".join(late.output.split())
    again = charge(scene, "notices", "--day", DAY, "--out", tmp_path / "out")
    assert "0 notices written" in again.output
    for told in (refused, taken, written, late, again):
        assert OWES not in told.output
        assert PAYS not in told.output
    assert json.loads((tmp_path / "out" / "notices.json").read_text())["notices"] == []
