"""``blindplate matcher retention``: what it shows, and that its status tells whether anything is overdue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from blindplate.cli.commands.matcher import app
from blindplate.core.statements.erasures import Looked, Place
from blindplate.edge import settings
from blindplate.server.matcher.retention import check

FINE = Looked(place=Place.RECORDS, items=1_200)
LATE = Looked(place=Place.MEDIA_FILES, items=7, overdue=2, oldest_seconds=4000)


def asked(monkeypatch: pytest.MonkeyPatch, looked: Sequence[Looked], *options: str) -> tuple[int, str]:
    told = SimpleNamespace(data=Path("state"), retention_tolerance_seconds=900.0)

    def load(_model: object, _path: Path) -> SimpleNamespace:
        return told

    def check_by_hand(_data: Path, _clock: object, _tolerance: float) -> tuple[Looked, ...]:
        return tuple(looked)

    monkeypatch.setattr(settings, "load", load)
    monkeypatch.setattr(check, "check_by_hand", check_by_hand)
    result = CliRunner().invoke(app, ["retention", "matcher.toml", *options])
    return result.exit_code, result.stdout


def test_a_matcher_that_keeps_nothing_too_long_is_status_0(monkeypatch: pytest.MonkeyPatch) -> None:
    status, shown = asked(monkeypatch, [FINE])
    assert status == 0
    assert "1,200" in shown


def test_anything_overdue_is_status_1_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    status, shown = asked(monkeypatch, [FINE, LATE])
    assert status == 1
    [row] = [line.split() for line in shown.splitlines() if "media-files" in line]
    assert [word for word in row if word.strip("│|")] == ["media-files", "7", "2", "4,000"]


def test_the_same_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    status, shown = asked(monkeypatch, [FINE, LATE], "--json")
    assert status == 1
    assert json.loads(shown) == {
        "overdue": 2,
        "places": [
            {"place": "records", "items": 1200, "overdue": 0, "oldest_seconds": 0},
            {"place": "media-files", "items": 7, "overdue": 2, "oldest_seconds": 4000},
        ],
    }
