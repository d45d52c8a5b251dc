"""Generate the Python modules beside proto/blindplate/v1/*.proto with the pinned generator of the [dev] extra.

python tools/generate_protos.py [FOLDER]      # default: proto
"""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"


def generate(target: Path) -> None:
    """Write ``*_pb2.py``, ``*_pb2.pyi``, ``*_pb2_grpc.py`` and ``*_pb2_grpc.pyi`` below ``target``."""
    sources = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.proto"))
    arguments = ["protoc", f"-I{SOURCE}", f"-I{files('grpc_tools') / '_proto'}"]
    arguments += [
        f"--{kind}={target}" for kind in ("python_out", "grpc_python_out", "mypy_out", "mypy_grpc_out")
    ]
    # The plugins of this very environment, whether or not it is activated.
    plugins = [
        f"--plugin=protoc-gen-{name}={Path(sys.executable).with_name(f'protoc-gen-{name}')}"
        for name in ("mypy", "mypy_grpc")
    ]
    if protoc.main([*arguments[:1], *plugins, *arguments[1:], *sources]):
        raise SystemExit("protoc failed; see its message above")
    for stub in target.rglob("*_pb2*.py*"):
        stub.write_text(re.sub(r"[ \t]+\n", "\n", stub.read_text()))


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE)
