"""The papers of a zone's next key generation: written for those who sign them next, with what to do in order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from blindplate.client.grants.renewal import Renewal
from blindplate.edge.keyfiles import write_statement


def write_papers(folder: Path, renewal: Renewal) -> list[Path]:
    """Write register and amendments into ``folder``; the amendments' files."""
    write_statement(register_file(folder, renewal), renewal.register)
    files: list[Path] = []
    for grant_id, statement in renewal.grants:
        files.append(folder / f"grant-{grant_id}.json")
        write_statement(files[-1], statement)
    return files


def register_file(folder: Path, renewal: Renewal) -> Path:
    """Where the register lies."""
    return folder / f"register-{renewal.zone}-{renewal.generation}.json"


def next_steps(operator: Path, folder: Path, renewal: Renewal, files: list[Path]) -> list[str]:
    """What remains to be done, line by line, once the register is entered."""
    begins = datetime.fromtimestamp(renewal.begins, UTC)
    policy = folder / f"policy-{renewal.zone}-{renewal.generation}.json"
    grants = " ".join(str(file) for file in files)
    return [
        f"Generation {renewal.generation} of zone {renewal.zone} begins at {begins:%Y-%m-%d %H:%M:%S} UTC, if in time:",
        *(f"  both custodians:  blindplate grant countersign CUSTODIAN.toml {file}" for file in files),
        f"  operator:         blindplate ledger enter {operator} {grants}",
        f"  operator:         blindplate zone policy draft {operator} {renewal.zone} --out {policy}",
        f"  both custodians:  blindplate zone policy sign CUSTODIAN.toml {policy}",
        f"  operator:         blindplate ledger enter {operator} {policy}",
        f"  before it begins: {policy} as {renewal.zone}.next.json beside the present policy, at cameras and custodians",
    ]
