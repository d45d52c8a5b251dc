"""The threat model names every attack, and no attack that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

_HERE = Path(__file__).parent
_PAGE = _HERE.parents[1] / "docs" / "threat-model.md"


def test_every_attack_is_named_in_the_threat_model() -> None:
    named = re.findall(r"`(test_\w+)`", _PAGE.read_text("utf-8"))
    there = {
        node.name
        for path in _HERE.glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert set(named) == there
    assert len(named) == len(set(named))


def test_every_file_of_attacks_is_named_in_the_threat_model() -> None:
    named = set(re.findall(r"`(test_g\w+\.py)`", _PAGE.read_text("utf-8")))
    assert named == {path.name for path in _HERE.glob("test_g*.py")}
