"""The shape of the tree: one namespace over five folders, generated code that is what its sources give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTIONS = ("proto", "core", "client", "server", "cli")


def test_no_portion_of_the_namespace_has_an_init_file() -> None:
    # One such file makes its folder the whole package: the other four vanish at run time while mypy stays green.
    assert [portion for portion in PORTIONS if (ROOT / portion / "blindplate" / "__init__.py").exists()] == []


def test_every_package_is_typed() -> None:
    packages = [
        path for portion in PORTIONS for path in (ROOT / portion / "blindplate").iterdir() if path.is_dir()
    ]
    assert [
        path for path in packages if path.name != "__pycache__" and not (path / "py.typed").exists()
    ] == []


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_committed_protocol_modules_are_what_the_protos_generate(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, ROOT / "tools" / "generate_protos.py", tmp_path], check=True, capture_output=True
    )
    generated = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*_pb2*.py*")}
    committed = {
        path.relative_to(ROOT / "proto"): path.read_text() for path in (ROOT / "proto").rglob("*_pb2*.py*")
    }
    committed = {path: text for path, text in committed.items() if "__pycache__" not in path.parts}
    assert generated == committed
